"""Tensors in threadgroup memory, before they are distributed over threads: array, offset, strides.

The element at coordinates c lies at entry `offset` + sum of c[d] * strides[d]. Where there are
`indices`, they take the place of coordinate `axis`.
"""

from __future__ import annotations

from ..ir.core import Op
from ..ir.fields import integer, integers, operand, optional, word
from .tt_memory import RMW_KINDS


class TileLoad(Op):
    """Elements of an array as a tensor."""

    name = "metal.tile_load"
    array = operand()
    offset = operand()
    indices = optional()
    strides = integers()
    axis = integer(0)


class TileStore(Op):
    """A tensor into an array."""

    name = "metal.tile_store"
    array = operand()
    offset = operand()
    value = operand()
    indices = optional()
    strides = integers()
    axis = integer(0)
    number = integer(-1)  # of the stores to a buffer that has several


class TileAtomicRmw(Op):
    """Combines elements of an array with a tensor; gives what was there."""

    name = "metal.tile_atomic_rmw"
    kind = word(values=RMW_KINDS, first=1)
    array = operand()
    offset = operand()
    value = operand()
    indices = operand()
    mask = optional()
    strides = integers()
    axis = integer(0)
