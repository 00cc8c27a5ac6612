"""Which arguments a kernel may read."""

from __future__ import annotations

from ..dialects import arith, metal, scf, tt
from ..ir.core import Value
from ..ir.types import PointerType
from .origins import is_unknown, origins

# What only hands a pointer on: `origins` sees through it.
_MOVES = (
    tt.Addptr | tt.Bitcast | arith.Select | scf.For | scf.If | scf.While | scf.Yield | scf.Condition
)


def read_pointers(kernel: metal.Kernel) -> set[Value]:
    """What the kernel may read through: all but what it stores through and does nothing else with.

    An atomic operation reads. A pointer of which nobody knows the buffer may be any.
    """
    places: list[Value] = []
    for op in kernel.walk():
        if isinstance(op, _MOVES | metal.Write | metal.Yield):
            continue
        stored = op.ptr if isinstance(op, metal.Store) else None
        places += [
            value
            for index, value in enumerate(op.operands)
            if isinstance(value.type, PointerType) and not (value is stored and index == 0)
        ]
    found = origins(places)
    if any(is_unknown(value) for value in found):
        found |= set(kernel.body.args)
    return found
