"""Ops that only rename registers: which element of the operand a result element is.

Such an op makes no code where the element is in the same thread; else it is an exchange. The
element is a linear function of the result's coordinates, and for tt.split a constant beside it.
"""

from __future__ import annotations

from functools import lru_cache

from ..dialects import tt, ttg
from ..ir.core import Op, Value
from ..ir.linear_layout import Basis
from ..ir.types import TensorType
from .distribution import (
    CoordinateMap,
    Distribution,
    Position,
    basis_of,
    code_of,
    distribution_of,
    register_map,
)


def coordinate_map(op: Op) -> CoordinateMap | None:
    """For a view op, the operand's element as a function of the result's; None for another op."""
    match op:
        case tt.ExpandDims():
            axis = op.axis
            return lambda at: (*at[:axis], *at[axis + 1 :])
        case tt.Broadcast():
            assert isinstance(op.source.type, TensorType)
            shape = op.source.type.shape
            return lambda at: tuple(
                0 if size == 1 else x for size, x in zip(shape, at, strict=True)
            )
        case tt.Trans():
            order = op.order
            return lambda at: _inverse(order, at)
        case tt.Reshape():
            source, result = op.source.type, op.result.type
            assert isinstance(source, TensorType)
            assert isinstance(result, TensorType)
            return lambda at: basis_of(code_of(at, result.shape), source.shape)
        case tt.Split():
            return lambda at: (*at, 0)
        case ttg.ConvertLayout():
            return lambda at: at
        case _:
            return None


def start_code(value: Value) -> int:
    """The code of the operand's element that element 0 of a view's result is."""
    return value.index if isinstance(value.defining_op, tt.Split) else 0


def _inverse(order: tuple[int, ...], at: Basis) -> Basis:
    coordinates = [0] * len(order)
    for dim, source_dim in enumerate(order):
        coordinates[source_dim] = at[dim]
    return tuple(coordinates)


def view_map(value: Value) -> Position | None:
    """The register map of a view's result; None where it is none, or moves data between threads."""
    op = value.defining_op
    coordinates = None if op is None else coordinate_map(op)
    if op is None or coordinates is None:
        return None
    result, source = value.type, op.operands[0].type
    assert isinstance(result, TensorType)
    assert isinstance(source, TensorType)
    if isinstance(op, ttg.ConvertLayout):
        return _same_elements(result, source)
    its, mine = distribution_of(source), distribution_of(result)
    mapping = register_map(mine, its, coordinates, start_code(value))
    if mapping is None and isinstance(op, tt.Reshape) and op.allow_reorder:
        return mine.identity if _hold_alike(mine, its) else None
    return mapping


def _hold_alike(a: Distribution, b: Distribution) -> bool:
    """Whether each thread holds as many elements in both, and copies are in the same threads."""
    holders = [[any(basis) for basis in layout.threads] for layout in (a, b)]
    return len(a.registers) == len(b.registers) and holders[0] == holders[1]


@lru_cache(maxsize=4096)
def _same_elements(result: TensorType, source: TensorType) -> Position | None:
    return register_map(distribution_of(result), distribution_of(source), lambda at: at)
