"""Raising the runtime's errors with their place in an MSL text."""

from __future__ import annotations

from typing import NoReturn

from trimetal.transpiler.errors import CompileError, SourceText, Span


def span_of_line(text: str, line: int, name: str = "<msl>") -> Span:
    """The stretch of line `line` (from 1) without its indentation."""
    lines = text.split("\n")
    line = min(max(line, 1), len(lines))
    start = sum(len(each) + 1 for each in lines[: line - 1])
    content = lines[line - 1]
    indent = len(content) - len(content.lstrip())
    return Span(SourceText(text, name), start + indent, start + max(len(content), indent + 1))


def refuse(text: str, start: int, end: int, message: str, name: str = "<msl>") -> NoReturn:
    """Raises CompileError for the stretch [start, end) of an MSL text."""
    raise CompileError(message, Span(SourceText(text, name), start, end))
