"""Where an op came from in the Python source, as MLIR's locations say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class UnknownLoc:
    """`loc(unknown)`."""


@dataclass(frozen=True)
class FileLineColLoc:
    """`loc("file.py":3:7)`; lines and columns from 1 (0: not known)."""

    file: str
    line: int
    column: int


@dataclass(frozen=True)
class NameLoc:
    """`loc("x"(child))`: the Python variable that the value was assigned to."""

    name: str
    child: Location


@dataclass(frozen=True)
class CallSiteLoc:
    """`loc(callsite(callee at caller))`."""

    callee: Location
    caller: Location


@dataclass(frozen=True)
class FusedLoc:
    """`loc(fused<metadata>[a, b])`; the metadata is kept as its text."""

    locations: tuple[Location, ...]
    metadata: str = ""


Location: TypeAlias = UnknownLoc | FileLineColLoc | NameLoc | CallSiteLoc | FusedLoc
UNKNOWN = UnknownLoc()


def file_lines(location: Location) -> Iterator[FileLineColLoc]:
    """All file positions of a location, the outermost caller first."""
    match location:
        case UnknownLoc():
            return
        case FileLineColLoc():
            yield location
        case NameLoc():
            yield from file_lines(location.child)
        case CallSiteLoc():
            yield from file_lines(location.caller)
            yield from file_lines(location.callee)
        case FusedLoc():
            for part in location.locations:
                yield from file_lines(part)


def source_line(location: Location) -> FileLineColLoc | None:
    """The line in the kernel itself: the outermost caller's."""
    return next(file_lines(location), None)


def line_name(location: Location) -> str:
    """The line as `file.py:12`, or "" where it is not known."""
    at = source_line(location)
    if at is None or not at.line:
        return ""
    name = at.file.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return f"{name}:{at.line}"


def variable_name(location: Location) -> str:
    """The Python variable that a location names, or ""."""
    if isinstance(location, NameLoc):
        return location.name
    if isinstance(location, CallSiteLoc):
        return variable_name(location.caller)
    return ""
