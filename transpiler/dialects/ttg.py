"""Triton's GPU ops."""

from __future__ import annotations

from ..ir.core import Op
from ..ir.fields import flag, operand
from ..ir.traits import require_tensor


class ConvertLayout(Op):
    """The same tensor, distributed over the threads in another way."""

    name = "ttg.convert_layout"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    force_warp_shuffle = flag()
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """Shape and element stay."""
        source, result = require_tensor(self, self.source), require_tensor(self, self.result)
        same = source.shape == result.shape and source.element == result.element
        self.require(same, f"{source} cannot become {result}")
