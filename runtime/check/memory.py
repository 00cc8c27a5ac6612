"""The limit on threadgroup memory, with the sizes that the front end gives."""

from __future__ import annotations

from trimetal.runtime.source.structure import Unit, threadgroup_variables
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
        for token in threadgroup_variables(unit, kernel):
            size, alignment = front.variable_layout(token)
            used = (used + alignment - 1) // alignment * alignment + size
            if used > _LIMIT:
                message = f"{used} bytes of threadgroup memory up to here; there are {_LIMIT}"
                found.append(Finding("memory", message, Span(source, token.start, token.end)))
                break
    return found
