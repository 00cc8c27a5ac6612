"""Makes both results of `c ? a : b` plain values, for the check.

In C++ for OpenCL a class object in one address space and a temporary of its class have different
types, so that clang finds no common type for `c ? v : v + v` where v is a float4. Metal does.
"""

from __future__ import annotations

from .edits import Edits
from .structure import Unit, matching
from .tokens import Token

_OPENING = frozenset("([{")
# What ends the last operand of a conditional.
_ENDS = frozenset({";", ",", ")", "]", "}", ":"})
_WRAPPER = "trimetal::value("


def wrap_conditionals(unit: Unit, edits: Edits, wrapper: str = _WRAPPER) -> None:
    """Wraps the second and third operand of every conditional of the text."""
    tokens = unit.tokens
    for index, token in enumerate(tokens):
        if token.text != "?":
            continue
        colon = _colon(tokens, index)
        if colon is None:
            continue
        end = _end(tokens, colon + 1)
        for first, last in ((index + 1, colon - 1), (colon + 1, end - 1)):
            if first <= last:
                edits.insert(tokens[first].start, wrapper)
                edits.insert(tokens[last].end, ")")


def _colon(tokens: list[Token], question: int) -> int | None:
    """The `:` that belongs to the `?`."""
    depth = 0
    i = question + 1
    while i < len(tokens):
        text = tokens[i].text
        if text in _OPENING:
            i = matching(tokens, i)
        elif text == "?":
            depth += 1
        elif text == ":":
            if depth == 0:
                return i
            depth -= 1
        elif text in (";", ")", "]", "}"):
            return None
        i += 1
    return None


def _end(tokens: list[Token], start: int) -> int:
    """The index after the third operand, which begins at `start`."""
    depth = 0
    i = start
    while i < len(tokens):
        text = tokens[i].text
        if text in _OPENING:
            i = matching(tokens, i)
        elif text == "<" and (close := template_arguments(tokens, i)) is not None:
            i = close
        elif text == "?":
            depth += 1
        elif text == ":" and depth:
            depth -= 1
        elif text in _ENDS:
            return i
        i += 1
    return len(tokens)


def template_arguments(tokens: list[Token], opening: int) -> int | None:
    """The `>` that closes template arguments opened at `opening`; none if this is a comparison."""
    if tokens[opening - 1].kind != "name":
        return None
    for i in range(opening + 1, len(tokens) - 1):
        token = tokens[i]
        if token.text == ">":
            return i if tokens[i + 1].text in ("(", "::", "{") else None
        if token.kind not in ("name", "number") and token.text not in (",", "::", "*"):
            return None
    return None
