"""The limit on threadgroup memory, with the sizes that the front end gives."""

from __future__ import annotations

from collections.abc import Iterator

from trimetal.runtime.source.structure import Function, Unit
from trimetal.runtime.source.tokens import Token
from trimetal.transpiler.errors import SourceText, Span

from .finding import Finding
from .front import FrontEnd

_LIMIT = 32 << 10


def memory_findings(unit: Unit, front: FrontEnd) -> list[Finding]:
    """Kernels that declare more threadgroup memory than there is."""
    source = SourceText(unit.text, front.name)
    found: list[Finding] = []
    for kernel in unit.kernels():
        used = 0
        for token in _variables(unit, kernel):
            size, alignment = front.variable_layout(token)
            used = (used + alignment - 1) // alignment * alignment + size
            if used > _LIMIT:
                message = (
                    f"{used} bytes of threadgroup memory up to here; there are {_LIMIT}"
                )
                found.append(Finding("memory", message, Span(source, token.start, token.end)))
                break
    return found


def _variables(unit: Unit, kernel: Function) -> Iterator[Token]:
    """The names of a kernel's threadgroup variables, each the last name before `[`, `,` or `;`."""
    start, end = kernel.body or (0, 0)
    begins = True
    for index in range(start, end):
        text = unit.tokens[index].text
        if begins and text in ("threadgroup", "alignas"):
            yield from _declared(unit, index, end)
        begins = text in (";", "{", "}")


def _declared(unit: Unit, index: int, end: int) -> Iterator[Token]:
    """The names that the statement at `index` declares; none if it declares pointers."""
    name: Token | None = None
    depth = 0
    for token in unit.tokens[index:end]:
        if token.text in ("*", "&") and depth == 0:
            return
        if depth == 0 and token.text in ("[", ",", ";", "=") and name is not None:
            yield name
            name = None
        if token.text == ";":
            return
        depth += {"[": 1, "(": 1, "<": 1, "]": -1, ")": -1, ">": -1}.get(token.text, 0)
        if depth == 0 and token.kind == "name":
            name = token
