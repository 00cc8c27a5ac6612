"""By how much a tensor of integers or pointers grows from one element to the next.

Within aligned groups of 8 elements along a dimension, as 8x8 matrices need it: `%i * %stride` grows
by `%stride` along the dimension of `%i`, also where `%i` is a remainder that does not wrap inside a
group. Integers are taken not to wrap around inside a group: such addresses would be far apart.
"""

from __future__ import annotations

from ..dialects import arith, tt, ttg
from ..ir.core import Value
from ..ir.types import PointerType, TensorType, element_of
from ..passes.folding import splat_of
from ..simdgroup import SIDE
from .axis import AxisAnalysis
from .polynomial import Polynomial

_WIDTH = 64


def step_along(value: Value, dim: int, axis: AxisAnalysis) -> Polynomial | None:
    """The step, of elements where the value is pointers; None where there is not one."""
    type_ = value.type
    if not isinstance(type_, TensorType) or type_.shape[dim] == 1:
        return _number(0)
    if axis[value].constancy[dim] % SIDE == 0:
        return _number(0)
    if axis[value].contiguity[dim] % SIDE == 0 and not isinstance(element_of(type_), PointerType):
        return _number(1)
    op = value.defining_op
    match op:
        case tt.Splat():
            return _number(0)
        case tt.ExpandDims():
            return step_along(op.source, dim - int(dim > op.axis), axis)
        case tt.Broadcast() | ttg.ConvertLayout() | arith.Extsi():
            return step_along(op.operands[0], dim, axis)
        case arith.Addi() | arith.Subi() | tt.Addptr():
            steps = [step_along(operand, dim, axis) for operand in op.operands]
            if steps[0] is None or steps[1] is None:
                return None
            return steps[0] - steps[1] if isinstance(op, arith.Subi) else steps[0] + steps[1]
        case arith.Muli():
            return _product(op, dim, axis)
        case _:
            return None


def _product(op: arith.Muli, dim: int, axis: AxisAnalysis) -> Polynomial | None:
    for value, other in (op.operands, op.operands[::-1]):
        factor = _uniform(other)
        step = step_along(value, dim, axis)
        if factor is not None and step is not None:
            return step * factor
    return None


def _uniform(value: Value) -> Polynomial | None:
    number, op = splat_of(value), value.defining_op
    if number is not None:
        return _number(number)
    if isinstance(op, tt.Splat):
        return Polynomial.of(op.source, _WIDTH)
    if isinstance(op, tt.Broadcast | tt.ExpandDims | ttg.ConvertLayout):
        return _uniform(op.operands[0])
    return None


def _number(number: int) -> Polynomial:
    return Polynomial.number(number, _WIDTH)
