"""The LLVM intrinsics that Triton writes into TTGIR."""

from __future__ import annotations

from ..ir.core import Op
from ..ir.fields import operand
from ..ir.traits import require_type
from ..ir.types import I1


class IntrAssume(Op):
    """A promise that a condition holds (`tl.assume`)."""

    name = "llvm.intr.assume"
    results_defined = 0
    regions_held = 0
    condition = operand()
    format = "$condition attr-dict `:` type($condition)"

    def verify(self) -> None:
        """The condition is i1."""
        require_type(self, self.condition, I1, "the condition")
