"""The MSL library as C++ headers, for the check and for the CPU device."""

from __future__ import annotations

import functools
from pathlib import Path


@functools.lru_cache(maxsize=1)
def header_files() -> tuple[tuple[str, str], ...]:
    """All headers as (path relative to this folder, text)."""
    return cpp_files(Path(__file__).parent)


def cpp_files(root: Path) -> tuple[tuple[str, str], ...]:
    """The C++ files below a folder as (relative path, text), sorted."""
    return tuple(
        (path.relative_to(root).as_posix(), path.read_text("utf-8"))
        for path in sorted(root.rglob("*"))
        if path.suffix in (".hpp", ".cpp", ".inc")
    )
