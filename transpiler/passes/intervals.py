"""The least and greatest number that an integer scalar or tensor can hold."""

from __future__ import annotations

from ..dialects import arith, scf, tt, ttg
from ..ir.attributes import DenseAttr, IntegerAttr
from ..ir.core import Block, Op, Value
from ..ir.types import bit_width

Bounds = tuple[int, int]  # both included, as signed numbers

_DEPTH = 12  # ops that are followed; masks are a few ops away from their ranges
_SAME = (tt.Splat, tt.ExpandDims, tt.Broadcast, tt.Trans, tt.Reshape, ttg.ConvertLayout)


def bounds(value: Value, depth: int = _DEPTH) -> Bounds:
    """Bounds over all elements; the whole range of the type where nothing is known."""
    width = bit_width(value.type)
    everything = (-(1 << (width - 1)), (1 << (width - 1)) - 1)
    op = value.defining_op
    if depth == 0:
        return everything
    found = _of_counter(value, depth) if op is None else _of_op(op, depth)
    if found is None or found[0] < everything[0] or found[1] > everything[1]:
        return everything
    return found


def _of_counter(value: Value, depth: int) -> Bounds | None:
    assert isinstance(value.owner, Block)
    region = value.owner.parent
    loop = region.parent if region else None
    if not isinstance(loop, scf.For) or value.index != 0 or loop.unsigned:
        return None
    lower, upper = bounds(loop.lower, depth - 1), bounds(loop.upper, depth - 1)
    return (lower[0], max(lower[0], upper[1] - 1))


def _of_op(op: Op, depth: int) -> Bounds | None:
    if isinstance(op, arith.Constant):
        return _of_constant(op)
    if isinstance(op, tt.MakeRange):
        return (op.start, op.end - 1)
    if isinstance(op, tt.GetProgramId):
        return (0, (1 << 31) - 1)
    if isinstance(op, tt.GetNumPrograms):
        return (1, (1 << 31) - 1)
    if isinstance(op, (*_SAME, arith.Extsi)):
        return bounds(op.operands[0], depth - 1)
    if isinstance(op, arith.Extui):
        low, high = bounds(op.operands[0], depth - 1)
        return (low, high) if low >= 0 else (0, (1 << bit_width(op.operands[0].type)) - 1)
    if isinstance(op, _ARITHMETIC):
        return _of_arithmetic(op, *(bounds(v, depth - 1) for v in op.operands))
    return None


def _of_constant(op: arith.Constant) -> Bounds | None:
    attribute = op.value
    if isinstance(attribute, IntegerAttr):
        return (attribute.value, attribute.value)
    if isinstance(attribute, DenseAttr):
        return (min(attribute.entries), max(attribute.entries))
    return None


_ARITHMETIC = (
    arith.Addi,
    arith.Subi,
    arith.Muli,
    arith.Remsi,
    arith.Remui,
    arith.Divsi,
    arith.Divui,
    arith.Minsi,
    arith.Maxsi,
)


def _of_arithmetic(op: Op, a: Bounds, b: Bounds) -> Bounds | None:
    match op:
        case arith.Addi():
            return (a[0] + b[0], a[1] + b[1])
        case arith.Subi():
            return (a[0] - b[1], a[1] - b[0])
        case arith.Muli():
            corners = [x * y for x in a for y in b]
            return (min(corners), max(corners))
        case arith.Minsi():
            return (min(a[0], b[0]), min(a[1], b[1]))
        case arith.Maxsi():
            return (max(a[0], b[0]), max(a[1], b[1]))
        case arith.Remsi() | arith.Remui() if a[0] >= 0 and b[0] > 0:
            return (0, min(a[1], b[1] - 1))
        case arith.Divsi() | arith.Divui() if a[0] >= 0 and b[0] > 0:
            return (a[0] // b[1], a[1] // b[0])
        case _:
            return None
