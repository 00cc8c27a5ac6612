"""The edits that let other compilers read MSL. Lines stay where they are.

For the check little changes: address spaces are real there. For the host the words of MSL go, and
pointers into threadgroup memory become ones that know their bounds (see headers/trimetal).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from trimetal.runtime.spans import refuse

from .conditionals import wrap_conditionals
from .edits import EditedText, Edits
from .reads import wrap_reads
from .structure import ADDRESS_SPACES, Unit, matching, split_commas
from .tokens import Token

_INCLUDE = re.compile(r"\s*#\s*include\s*<(metal_\w+)>")
_SWIZZLE = re.compile(r"[xyzw]{1,4}|[rgba]{1,4}")
_COMPONENT = {name: index for names in ("xyzw", "rgba") for index, name in enumerate(names)}
_BFLOAT_LITERAL = re.compile(r"(.*\d\.?)(?:bf|BF)$")
_HALF_LITERAL = re.compile(r"((?!0[xX]).*[\d.])[hH]$")
_CASTS = frozenset({"reinterpret_cast", "static_cast", "const_cast"})


def for_check(unit: Unit) -> EditedText:
    """The text for clang's C++ for OpenCL."""
    edits = Edits(unit.text)
    common_edits(unit, edits)
    for token in unit.tokens:
        if token.kind == "attribute" and token.text == "[[kernel]]":
            edits.insert(token.start, "kernel ")  # the attribute itself is blanked
    wrap_conditionals(unit, edits)
    return edits.apply()


def for_host(unit: Unit, *, check_buffers: bool = False, profile: bool = False) -> EditedText:
    """The text for a C++17 compiler; with `check_buffers` device pointers know bounds too.

    With `profile` accesses through pointers into any of Metal's memories are counted.
    """
    edits = Edits(unit.text)
    common_edits(unit, edits)
    if profile:
        wrap_reads(unit, edits)
    _HostRewriter(unit, edits, bounded_spaces(check_buffers, profile)).run()
    return edits.apply()


def bounded_spaces(check_buffers: bool, profile: bool) -> Sequence[str]:
    """The memories into which pointers know bounds: those of classes in headers/trimetal."""
    if profile:
        return ("threadgroup", "device", "constant")
    return ("threadgroup", "device") if check_buffers else ("threadgroup",)


def is_swizzle(unit: Unit, index: int, shortest: int = 2) -> bool:
    """Whether the token is a swizzle of `shortest` to four components after `.` or `->`."""
    token = unit.tokens[index]
    return (
        index > 0
        and unit.tokens[index - 1].text in (".", "->")
        and len(token.text) >= shortest
        and _SWIZZLE.fullmatch(token.text) is not None
        and token.text not in unit.struct_members
    )


def half_literal(token: Token) -> str | None:
    """The digits of `0.5h`; none of any other token."""
    literal = _HALF_LITERAL.match(token.text)
    return literal.group(1) if literal else None


def common_edits(unit: Unit, edits: Edits) -> None:
    """What every compiler needs: no attributes, no Metal headers, swizzles as calls."""
    for token in unit.all_tokens:
        if token.kind == "attribute" or (token.kind == "directive" and _INCLUDE.match(token.text)):
            edits.blank(token.start, token.end)
    for index, token in enumerate(unit.tokens):
        if token.kind == "number":
            literal = _BFLOAT_LITERAL.match(token.text)
            if literal:
                edits.replace(token.start, token.end, f"bfloat({literal.group(1)}f)")
        elif index > 1 and is_swizzle(unit, index) and not is_swizzle(unit, index - 2):
            _swizzle(unit, index, edits)


def _swizzle(unit: Unit, index: int, edits: Edits) -> None:
    """Rewrites a swizzle with those that follow it: `v.zw.x` is one component, `v.w`."""
    first = last = unit.tokens[index]
    components = [_COMPONENT[c] for c in first.text]
    index += 2
    while index < len(unit.tokens) and is_swizzle(unit, index, shortest=1):
        last = unit.tokens[index]
        components = [
            components[_COMPONENT[c]] for c in last.text if _COMPONENT[c] < len(components)
        ]
        index += 2
    if len(components) == 1:
        edits.replace(first.start, last.end, "xyzw"[components[0]])
    else:
        listed = ", ".join(str(component) for component in components)
        edits.replace(first.start, last.end, f"template swizzle<{listed}>()")


class _HostRewriter:
    """Takes MSL's own words out of the text."""

    def __init__(self, unit: Unit, edits: Edits, bounded: Sequence[str]) -> None:
        self._unit = unit
        self._tokens = unit.tokens
        self._edits = edits
        self._bounded = bounded
        self._done: set[int] = set()

    def run(self) -> None:
        """Edits every word that no C++ compiler knows."""
        for function in self._unit.kernels():
            if function.body:
                self._variables(*function.body)
        for index, token in enumerate(self._tokens):
            if index in self._done:
                continue
            if token.text in self._bounded:
                self._pointer(index)
            elif token.text in ADDRESS_SPACES:
                self._edits.blank(token.start, token.end)
            elif token.text == "kernel":
                self._edits.replace(token.start, token.end, "static")
            elif token.kind == "number":
                digits = half_literal(token)
                if digits is not None:
                    self._edits.replace(token.start, token.end, f"half({digits}l)")

    def _variables(self, start: int, end: int) -> None:
        """Replaces the threadgroup variables declared in a kernel's body."""
        begins = True
        for index in range(start, end):
            text = self._tokens[index].text
            if begins and text in ("threadgroup", "alignas", "static"):
                stop = index
                while stop < end and self._tokens[stop].text not in (";", "{", "}"):
                    stop += 1
                if self._is_variable(index, stop):
                    self._variable(index, stop)
            begins = text in (";", "{", "}")

    def _is_variable(self, start: int, stop: int) -> bool:
        words = [token.text for token in self._tokens[start:stop]]
        declarator = next((i for i, word in enumerate(words) if word in ("[", "=")), len(words))
        return "threadgroup" in words and not {"*", "&"} & set(words[:declarator])

    def _variable(self, start: int, stop: int) -> None:
        """Makes `threadgroup T a[2], b` into allocations, one statement for each name."""
        tokens = [token for token in self._tokens[start:stop] if token.kind != "attribute"]
        line = self._unit.line(self._tokens[start])
        alignment = "1"
        if any(token.text == "alignas" for token in tokens):
            at = next(i for i, token in enumerate(tokens) if token.text == "alignas")
            close = matching(tokens, at + 1)
            alignment = " ".join(token.text for token in tokens[at + 2 : close])
            tokens = tokens[:at] + tokens[close + 1 :]
        tokens = [t for t in tokens if t.text not in ("threadgroup", "static", "volatile")]
        declarators = split_commas(tokens)
        name_at = _declared_name(declarators[0])
        if name_at == 0:
            refuse(self._unit.text, tokens[0].start, tokens[0].end, "this declares no name")
        element = _spelled(declarators[0][:name_at])
        parts: list[str] = []
        for number, declarator in enumerate(declarators):
            rest = declarator[name_at:] if number == 0 else declarator
            extents = _spelled(rest[1:])
            if "=" in [token.text for token in rest]:
                refuse(
                    self._unit.text,
                    rest[0].start,
                    rest[0].end,
                    "a threadgroup variable cannot be initialised",
                )
            parts.append(
                f"auto&& {rest[0].text} = "
                f"trimetal::allocate<{element}{extents}, {alignment}>({line})"
            )
        first, last = self._tokens[start], self._tokens[stop - 1]
        self._edits.replace(first.start, last.end, "; ".join(parts))
        self._done.update(range(start, stop))

    def _pointer(self, index: int) -> None:
        """Makes `threadgroup const T*` into `threadgroup_pointer<T>`; otherwise drops the word."""
        space = self._tokens[index]
        star = self._pointer_star(index)
        if star is None:
            self._edits.blank(space.start, space.end)
            return
        first = index
        while first > 0 and self._tokens[first - 1].text in ("const", "volatile"):
            first -= 1
        if self._tokens[star + 1].text == "*":
            refuse(
                self._unit.text,
                space.start,
                self._tokens[star + 1].end,
                "the CPU device has no pointers to pointers",
            )
        for i in range(first, star):
            token = self._tokens[i]
            if token.text in ("const", "volatile") and i != index:
                self._edits.blank(token.start, token.end)
        self._edits.replace(space.start, space.end, f"trimetal::{space.text}_pointer<")
        self._edits.replace(self._tokens[star].start, self._tokens[star].end, ">")
        self._casts(first)

    def _pointer_star(self, index: int) -> int | None:
        """Where the `*` of the pointer type stands whose address space is at `index`."""
        i = index + 1
        depth = 0
        while i < len(self._tokens):
            token = self._tokens[i]
            if token.text == "<":
                depth += 1
            elif token.text == ">":
                depth -= 1
            elif depth == 0 and token.text == "*":
                return i
            elif depth == 0 and token.kind != "name" and token.text != "::":
                return None
            i += 1
        return None

    def _casts(self, first: int) -> None:
        """`reinterpret_cast<threadgroup T*>(p)`: a class type needs a function instead."""
        if first >= 2 and self._tokens[first - 1].text == "<":
            cast = self._tokens[first - 2]
            if cast.text in _CASTS:
                self._edits.replace(cast.start, cast.end, "trimetal::pointer_cast")


def _declared_name(declarator: list[Token]) -> int:
    """The index of the name that a declarator declares: the last one before `[` or `=`."""
    depth = 0
    name = 0
    for i, token in enumerate(declarator):
        if token.text in ("[", "=") and depth == 0:
            break
        depth += {"<": 1, ">": -1}.get(token.text, 0)
        if token.kind == "name" and depth == 0:
            name = i
    return name


def _spelled(tokens: list[Token]) -> str:
    return " ".join(token.text for token in tokens)
