"""The strict check of MSL text, on any machine: the compiler's front end, and Metal's own rules.

It takes no text that Metal would refuse, as far as that can be told without Apple's compiler; it
refuses some that Metal would take where generated text has no need of it (unsuffixed floating
literals, pointers whose address space is deduced).
"""

from __future__ import annotations

import threading

from trimetal.runtime.source.structure import parse_unit
from trimetal.transpiler.errors import CheckError

from .declarations import declaration_findings
from .finding import Finding
from .front import FrontEnd
from .lints import lint_findings
from .memory import memory_findings
from .signature import signature_findings

__all__ = ["Finding", "check", "require_valid"]

MSL_VERSION = 310

# libclang's index is not for concurrent use.
_LOCK = threading.Lock()


def check(msl: str, name: str = "<msl>", *, version: int = MSL_VERSION) -> list[Finding]:
    """Everything that is wrong with an MSL text, in its order; an empty list if nothing is.

    `version` is the language version as `__METAL_VERSION__` has it: 310 is Metal 3.1. Raises
    LaunchError if the libclang package is not installed.
    """
    unit = parse_unit(msl)
    with _LOCK:
        front = FrontEnd(unit, name, version)
        found = front.findings()
        if not found:
            found = memory_findings(unit, front)
    for rule in (signature_findings, declaration_findings, lint_findings):
        found += rule(unit, name)
    return _in_order(found)


def require_valid(msl: str, name: str = "<msl>", *, version: int = MSL_VERSION) -> None:
    """Raises CheckError with the first finding, if there is any."""
    found = check(msl, name, version=version)
    if found:
        others = "\n".join(str(finding) for finding in found[1:6])
        first = found[0]
        raise CheckError(f"{first.message} [{first.rule}]", first.span, others)


def _in_order(found: list[Finding]) -> list[Finding]:
    """Sorted by place; of several findings at one place and of one rule, the first."""
    unique: dict[tuple[int, str], Finding] = {}
    for finding in found:
        unique.setdefault((finding.span.start, finding.rule), finding)
    return sorted(unique.values(), key=lambda finding: finding.span.start)
