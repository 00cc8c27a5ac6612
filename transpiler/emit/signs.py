"""Which uses of an integer need it signed."""

from __future__ import annotations

from ..dialects import arith, tt
from ..ir.core import Op

_SIGNED = (
    arith.Divsi,
    arith.Remsi,
    arith.Shrsi,
    arith.Extsi,
    arith.Sitofp,
    arith.Maxsi,
    arith.Minsi,
    tt.Addptr,
)


def needs_sign(op: Op) -> bool:
    """Whether an op reads its integer operands as signed."""
    return isinstance(op, _SIGNED) or (isinstance(op, arith.Cmpi) and op.predicate[0] != "u")
