"""tt.join and tt.cat: two tensors become one; tt.unsplat: a tensor of one element becomes a scalar.

Where every element of the result lies in the thread that holds it already, each operand is put into
its part of the result's array, in a loop of its own distribution; else both go through threadgroup
memory. tt.cat may order its elements freely: here the first operand's come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dialects import tt
from ..ir.core import Op, Value
from ..ir.types import TensorType
from .distribution import Position, basis_of, code_of, distribution_of, register_map
from .elements import Elements
from .exchange import Side, Transfer, exchange_roots, identity
from .roots import Root, makes_roots

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan


class Part(Root):
    """Puts an operand into its part of the result's array."""

    def __init__(self, op: Op, side: Side, position: Position, is_last: bool) -> None:
        super().__init__(op, [side.value], side.value)
        self._position = position
        self._is_last = is_last

    @property
    def produced(self) -> list[Value]:
        """The result, when all its parts are there."""
        return self.op.results if self._is_last else []

    def prepare(self, group: GroupLowering) -> None:
        """Make the array."""
        group.context.storage(self.op.result)

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Set this step's elements."""
        context = group.context
        value = elements.full(self.operands[0], group.position)
        context.builder.locate(self.op)
        elements.write(context.storage(self.op.result), value, self._position)


@makes_roots(tt.Join)
def _join_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, tt.Join)
    sides = [Side(value, lambda at: (*at, 0), half) for half, value in enumerate(op.operands)]
    return _parts(op, sides, plan)


@makes_roots(tt.Cat)
def _cat_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, tt.Cat)
    source, result = op.lhs.type, op.result.type
    assert isinstance(source, TensorType)
    assert isinstance(result, TensorType)

    def in_result(at: tuple[int, ...]) -> tuple[int, ...]:
        return basis_of(code_of(at, source.shape), result.shape)

    return _parts(op, [Side(op.lhs, in_result), Side(op.rhs, in_result, source.size)], plan)


def _parts(op: Op, sides: list[Side], plan: Plan) -> list[Root]:
    type_ = op.results[0].type
    assert isinstance(type_, TensorType)
    result = distribution_of(type_)
    positions: list[Position] = []
    for side in sides:
        assert isinstance(side.value.type, TensorType)
        source = distribution_of(side.value.type)
        # Where each register of the operand is among the result's; all of them must be reached.
        position = register_map(source, result, side.coordinates, side.start)
        if position is None or len(result.registers) != len(source.registers) + 1:
            reader = Side(op.results[0], identity)
            return exchange_roots(Transfer(op, type_.shape, tuple(sides), (reader,)), plan)
        positions.append(position)
    last = len(sides) - 1
    pairs = zip(sides, positions, strict=True)
    return [Part(op, side, at, index == last) for index, (side, at) in enumerate(pairs)]


class Unsplat(Root):
    """The one element of a tensor, which every thread holds."""

    def __init__(self, op: tt.Unsplat) -> None:
        super().__init__(op, [op.operands[0]], op.operands[0])

    @property
    def produced(self) -> list[Value]:
        """The scalar."""
        return self.op.results

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Name it."""
        value = elements.first(self.operands[0], group.position)
        group.context.scalars[self.op.results[0]] = value


@makes_roots(tt.Unsplat)
def _unsplat_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, tt.Unsplat)
    return [Unsplat(op)]
