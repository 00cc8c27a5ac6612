"""Marks where values are taken, for the host's counting of accesses to memory.

Where accesses are counted, `p[i]` is a place and no value (see headers/trimetal/place.hpp). It
becomes one by itself but in two cases: a template would deduce the place's type of an argument,
and the results of a conditional must have one type.
"""

from __future__ import annotations

from trimetal.runtime.spans import refuse

from .conditionals import template_arguments, wrap_conditionals
from .edits import Edits
from .structure import Unit, matching
from .tokens import Token

_READ = "trimetal::read("
_OPENING = frozenset("([{")
# What stands before a parenthesis without being called.
_NOT_CALLED = frozenset(
    {
        *("case", "do", "else", "for", "if", "return", "switch", "while"),
        *("alignas", "alignof", "decltype", "sizeof", "static_assert"),
    }
)


def wrap_reads(unit: Unit, edits: Edits) -> None:
    """Puts the arguments of calls, and the results of conditionals, into `trimetal::read`."""
    wrap_conditionals(unit, edits, _READ)
    tokens = unit.tokens
    for function in unit.functions:
        for index in range(*(function.body or (0, 0))):
            if tokens[index].text == "auto":
                place = tokens[index].start, tokens[index].end
                refuse(unit.text, *place, "a profile needs the type in words: auto would not read")
            if tokens[index].text == "(" and _is_call(tokens, index):
                _wrap_arguments(tokens, index, edits)


def _is_call(tokens: list[Token], opening: int) -> bool:
    """Whether the parenthesis holds arguments."""
    before = tokens[opening - 1]
    if before.text == ">":
        return _closes_template(tokens, opening - 1)
    return before.kind == "name" and before.text not in _NOT_CALLED


def _closes_template(tokens: list[Token], closing: int) -> bool:
    """Whether the `>` belongs to the `<` of template arguments."""
    for i in range(closing - 1, 0, -1):
        if tokens[i].text == "<":
            return template_arguments(tokens, i) == closing
        if tokens[i].text in (";", "{", "}", ")"):
            return False
    return False


def _wrap_arguments(tokens: list[Token], opening: int, edits: Edits) -> None:
    closing = matching(tokens, opening)
    first = i = opening + 1
    while i <= closing:
        text = tokens[i].text
        if i == closing or text == ",":
            if first < i and tokens[first].text != "{":
                edits.insert(tokens[first].start, _READ)
                edits.insert(tokens[i - 1].end, ")")
            first = i + 1
        elif text in _OPENING:
            i = matching(tokens, i)
        elif text == "<":
            i = template_arguments(tokens, i) or i
        i += 1
