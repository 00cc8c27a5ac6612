"""MLIR's ub: undefined values."""

from __future__ import annotations

from ..ir.core import Op
from ..ir.fields import attribute


class Poison(Op):
    """A value that nothing may depend on; often what a loop starts with."""

    name = "ub.poison"
    pure = True
    results_defined = 1
    regions_held = 0
    value = attribute()
    format = "attr-dict `:` type($result)"


class Unreachable(Op):
    """Control never gets here."""

    name = "ub.unreachable"
    terminator = True
    results_defined = 0
    regions_held = 0
    format = "attr-dict"
