"""Ops that only rename registers: which element of the operand a result element is.

Such an op makes no code. `operand_positions` is used by whoever follows a value to what it is
computed from: the plan (without making code) and the evaluation (which makes it).
"""

from __future__ import annotations

from functools import lru_cache

from ..dialects import tt, ttg
from ..ir.core import Op, Value
from ..ir.linear_layout import Basis
from ..ir.types import TensorType
from .distribution import (
    CoordinateMap,
    Position,
    basis_of,
    code_of,
    distribution_of,
    register_map,
    through,
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
        case tt.Reshape() if not op.allow_reorder:
            source, result = op.source.type, op.result.type
            assert isinstance(source, TensorType)
            assert isinstance(result, TensorType)
            return lambda at: basis_of(code_of(at, result.shape), source.shape)
        case ttg.ConvertLayout():
            return lambda at: at
        case _:
            return None


def _inverse(order: tuple[int, ...], at: Basis) -> Basis:
    coordinates = [0] * len(order)
    for dim, source_dim in enumerate(order):
        coordinates[source_dim] = at[dim]
    return tuple(coordinates)


def view_map(op: Op) -> Position | None:
    """The register map of a view op; None where it is none, or moves data between threads."""
    coordinates = coordinate_map(op)
    if coordinates is None:
        return None
    result, source = op.result.type, op.operands[0].type
    assert isinstance(result, TensorType)
    assert isinstance(source, TensorType)
    if isinstance(op, ttg.ConvertLayout):
        return _same_elements(result, source)
    return register_map(distribution_of(result), distribution_of(source), coordinates)


@lru_cache(maxsize=4096)
def _same_elements(result: TensorType, source: TensorType) -> Position | None:
    return register_map(distribution_of(result), distribution_of(source), lambda at: at)


def operand_positions(op: Op, position: Position) -> list[tuple[Value, Position]]:
    """The tensor operands of a pure op, each at the position that the result's `position` needs."""
    mapping = view_map(op)
    if mapping is not None:
        return [(op.operands[0], through(position, mapping))]
    return [(value, position) for value in op.operands if isinstance(value.type, TensorType)]


def is_view(op: Op) -> bool:
    """Whether the op only renames registers."""
    return view_map(op) is not None
