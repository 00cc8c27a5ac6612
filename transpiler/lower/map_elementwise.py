"""tt.map_elementwise: a scalar program for `pack` elements at a time, side by side in a thread.

Branches in it depend on the elements: threads diverge here, and only here. Nothing in it may
concern other threads, which holds for whatever Triton's front end lets in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dialects import tt
from ..errors import UnsupportedError
from ..ir.core import Op, Value
from ..ir.types import TensorType
from .combine import run_block
from .distribution import ONE, Distribution, Position, distribution_of
from .elements import Elements, distribution
from .iteration import Iteration, loops_over, register_loops
from .roots import Root, makes_roots

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan


class MapElementwise(Root):
    """Runs the program; its loop goes over packs, not over elements."""

    takes_vectors = False

    def __init__(self, op: tt.MapElementwise, packed: list[int | None]) -> None:
        super().__init__(op, list(op.inputs), op.inputs[0])
        self._map, self._packed = op, packed

    @property
    def is_alone(self) -> bool:
        """It has a loop of its own."""
        return True

    @property
    def produced(self) -> list[Value]:
        """The results."""
        return self.op.results

    def run_alone(self, group: GroupLowering) -> None:
        """The loop over packs."""
        context, op = group.context, self._map
        layout = group.group.distribution
        for result in op.results:
            context.storage(result)
        outer = [bit for bit in range(len(layout.registers)) if bit not in self._packed]
        with register_loops(context.builder, loops_over(outer)) as variables:
            step = Elements(context, Iteration(context.builder, 1, variables))
            positions = [self._position(layout, element) for element in range(op.pack)]
            values = [step.full(value, at) for value in op.inputs for at in positions]
            context.builder.locate(op)
            made = iter(run_block(context, op.body.block, values))
            for result in op.results:
                for at in positions:
                    step.write(context.storage(result), next(made), at)

    def _position(self, layout: Distribution, element: int) -> Position:
        """Where an element of a pack is: the bits of the pack are constant."""
        position = list(layout.identity)
        for index, bit in enumerate(self._packed):
            if bit is not None:
                position[bit] = ONE if element >> index & 1 else 0
        return tuple(position)


@makes_roots(tt.MapElementwise)
def _map_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, tt.MapElementwise)
    if not op.inputs:
        raise UnsupportedError("a map over no tensor", op.span)
    same = {distribution(value) for value in (*op.inputs, *op.results)}
    if len(same) > 1:
        raise UnsupportedError("a map over tensors of different layouts", op.span)
    return [MapElementwise(op, _packed_bits(op))]


def _packed_bits(op: tt.MapElementwise) -> list[int | None]:
    """The register bits that tell the elements of a pack apart; None: a bit that selects copies."""
    type_ = op.inputs[0].type
    assert isinstance(type_, TensorType)
    assert type_.encoding is not None
    bits = op.pack.bit_length() - 1
    if op.pack != 1 << bits:
        raise UnsupportedError(f"a map over packs of {op.pack} elements", op.span)
    registers = type_.encoding.to_linear(type_.shape).register
    held = iter(range(len(distribution_of(type_).registers)))
    numbers = [next(held) if any(basis) else None for basis in registers]
    if bits > len(numbers):
        raise UnsupportedError(
            f"packs of {op.pack} elements; a thread holds {1 << len(numbers)}", op.span
        )
    return numbers[:bits]
