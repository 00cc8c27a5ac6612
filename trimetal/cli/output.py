"""Shaders and what is known of them, as text for a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import cast


def report_text(report: Mapping[str, object], style: str) -> str:
    """A shader's report as aligned lines ("text") or as one JSON object ("json")."""
    if style == "json":
        import json

        return json.dumps(dict(report), indent=2, default=str)
    plain = {name: value for name, value in report.items() if not isinstance(value, list)}
    width = max(map(len, plain), default=0)
    lines = [f"{name.ljust(width)}  {value}" for name, value in plain.items()]
    work = cast("list[dict[str, object]]", report.get("work", []))
    return "\n".join([*lines, *(f"work, {_work_text(entry)}" for entry in work)])


def _work_text(entry: Mapping[str, object]) -> str:
    """`a turn of matmul.py:12: barriers 2, ...`, without what is zero."""
    numbers = [f"{name} {value}" for name, value in entry.items() if name != "where" and value]
    return f"{entry['where']}: {', '.join(numbers) or 'nothing'}"


def highlighted(source: str) -> str:
    """MSL in colours where stdout is a terminal that wants them and pygments is installed."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return source
    try:
        from pygments import highlight
        from pygments.formatters import TerminalFormatter

        # pygments has no types.
        from pygments.lexers.c_cpp import CppLexer  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        return source
    return highlight(source, CppLexer(), TerminalFormatter())
