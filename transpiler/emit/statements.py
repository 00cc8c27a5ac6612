"""MSL statements as data: what the templates print."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass
class Line:
    """One statement, with its semicolon, or a comment; `note` is the comment behind it."""

    text: str
    note: str = ""


@dataclass
class Nest:
    """A head ("for (...)", "if (...)") with a body in braces, and what follows an `else`."""

    head: str
    body: list[Statement] = field(default_factory=list["Statement"])
    otherwise: list[Statement] = field(default_factory=list["Statement"])
    note: str = ""


@dataclass
class Gap:
    """An empty line between two parts of a kernel."""


@dataclass(frozen=True)
class Struct:
    """A type: its name, and its members with their semicolons."""

    name: str
    members: tuple[str, ...]


Statement: TypeAlias = "Line | Nest | Gap"


@dataclass(frozen=True)
class PrintedLine:
    """A line of the final text: its indentation is in the text."""

    text: str
    note: str = ""


def flatten(statements: list[Statement], depth: int) -> list[PrintedLine]:
    """The lines of statements, indented by four spaces a level."""
    lines: list[PrintedLine] = []
    pad = "    " * depth
    for statement in statements:
        if isinstance(statement, Gap):
            if lines and lines[-1].text:
                lines.append(PrintedLine(""))
            continue
        if isinstance(statement, Line):
            lines.extend(_wrapped(pad + statement.text, statement.note))
            continue
        lines.extend(_wrapped(f"{pad}{statement.head} {{", statement.note))
        lines.extend(flatten(statement.body, depth + 1))
        if statement.otherwise:
            lines.append(PrintedLine(pad + "} else {"))
            lines.extend(flatten(statement.otherwise, depth + 1))
        lines.append(PrintedLine(pad + "}"))
    return lines


LINE_LIMIT = 100
# Where a long line may be broken, the loosest operators first.
_BREAKS = (
    (" ? ", " : "),
    (" && ", " || "),
    (" | ", " ^ ", " & "),
    (" + ", " - "),
    (" * ", " / "),
    (", ",),
)
_ASSIGNMENT = (" = ",)


def _wrapped(text: str, note: str) -> list[PrintedLine]:
    """A line, or where it is too long several: broken before operators, further lines indented."""
    limit = LINE_LIMIT
    if len(text) <= limit:
        return [PrintedLine(text, note)]
    pad = " " * (len(text) - len(text.lstrip()) + 4)
    tries = [(depth, symbols) for depth in range(8) for symbols in _BREAKS]
    sides = _split(text, _ASSIGNMENT, 0)
    if len(sides) == 2 and len(pad) + len(sides[1]) <= limit:
        tries.insert(len(_BREAKS), (0, _ASSIGNMENT))  # the right side fits in a line of its own
    for depth, symbols in tries:
        pieces = _split(text, symbols, depth)
        if symbols == _BREAKS[0]:
            lines = [pieces[0], *(pad + piece.lstrip() for piece in pieces[1:])]
        else:
            lines = _filled(pieces, pad, limit)
        if len(lines) > 1:
            first, *others = lines
            rest = [line for other in others for line in _wrapped(other, "")]
            return [*_wrapped(first, note), *rest]
    return [PrintedLine(text, note)]


def _split(text: str, symbols: tuple[str, ...], at_depth: int) -> list[str]:
    """A text cut before the operators (after a comma or `=`) at one depth of parentheses."""
    pieces: list[str] = []
    depth = start = 0
    for index, char in enumerate(text):
        if char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        if depth != at_depth:
            continue
        found = next((s for s in symbols if text.startswith(s, index)), None)
        if found is not None and text[start:index].strip():
            cut = index + (len(found.rstrip()) if found in (", ", " = ") else 0)
            pieces.append(text[start:cut].rstrip())
            start = cut + 1
    pieces.append(text[start:])
    return pieces


def _filled(pieces: list[str], pad: str, limit: int) -> list[str]:
    """Pieces joined into as few lines as fit."""
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + 1 + len(piece) <= limit:
            lines[-1] += " " + piece
        else:
            lines.append(pad + piece.lstrip())
    return lines
