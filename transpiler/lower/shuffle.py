"""Changes of layout within SIMD-groups: by shuffles, without threadgroup memory or a barrier.

That needs every element to stay in its SIMD-group, and the register that it is fetched from to be
the same in all lanes: result register r of a lane is then register R(r) of lane L(lane) ^ M(r), all
three linear. What does not fit that goes through threadgroup memory (exchange.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..dialects import metal
from ..ir.core import Op, Value
from ..ir.types import PointerType, TensorType, element_of
from .axes import LANE_BITS
from .context import Context, Storage
from .distribution import (
    BinarySpan,
    CoordinateMap,
    Distribution,
    Position,
    code_of,
    distribution_of,
)
from .elements import Elements
from .iteration import combine, thread_weighted
from .roots import Root
from .widths import Form

if TYPE_CHECKING:
    from .group import GroupLowering

# More registers than this are cheaper to move through threadgroup memory at once.
MOST_REGISTERS = 8


@dataclass(frozen=True)
class LaneMap:
    """Where the elements of a result are: see the module's text."""

    registers: Position  # for each source register bit, a mask of result register bits
    lanes: tuple[int, ...]  # for each lane bit of the result, the source lane bits that it toggles
    moves: tuple[int, ...]  # for each result register bit, likewise


def lane_map(
    result: Distribution, source: Distribution, coordinates: CoordinateMap
) -> LaneMap | None:
    """The map of a change of layout; None where elements leave their SIMD-group, or more."""
    pairs = list(zip(result.threads, source.threads, strict=True))
    if any(coordinates(mine) != its for mine, its in pairs[LANE_BITS:]):
        return None
    codes = [code_of(basis, source.shape) for basis in source.registers]
    codes += [code_of(basis, source.shape) for basis in source.threads[:LANE_BITS]]
    span, count = BinarySpan(codes), len(source.registers)

    def found(bases: Sequence[tuple[int, ...]]) -> list[int | None]:
        return [span.solve(code_of(coordinates(basis), source.shape)) for basis in bases]

    lanes, moves = found(result.threads[:LANE_BITS]), found(result.registers)
    low = (1 << count) - 1
    if any(mask is None or mask & low for mask in lanes) or None in moves:
        return None
    known = [mask for mask in moves if mask is not None]
    registers = tuple(
        sum(1 << bit for bit, mask in enumerate(known) if mask >> own & 1) for own in range(count)
    )
    return LaneMap(
        registers,
        tuple(mask >> count for mask in lanes if mask is not None),
        tuple(mask >> count for mask in known),
    )


def shuffle_roots(op: Op, coordinates: CoordinateMap) -> list[Root] | None:
    """The roots of a change of layout that shuffles do; None where they cannot, or not cheaply."""
    source, result = op.operands[0].type, op.results[0].type
    assert isinstance(source, TensorType)
    assert isinstance(result, TensorType)
    mine, its = distribution_of(result), distribution_of(source)
    pointers = isinstance(source.element, PointerType)
    if pointers or max(mine.count, its.count) > MOST_REGISTERS or len(op.results) > 1:
        return None
    mapping = lane_map(mine, its, coordinates)
    if mapping is None:
        return None
    kept = ShuffleInput(op)
    return [kept, Shuffle(op, kept, mapping)]


class ShuffleInput(Root):
    """Puts the operand's elements into registers of their own."""

    def __init__(self, op: Op) -> None:
        super().__init__(op, [op.operands[0]], op.operands[0])
        self._storage: Storage | None = None

    @property
    def storage(self) -> Storage:
        """The registers."""
        assert self._storage is not None
        return self._storage

    def prepare(self, group: GroupLowering) -> None:
        """Make the array."""
        type_ = self.operands[0].type
        assert isinstance(type_, TensorType)
        name = f"{self.op.results[0].name or self.operands[0].name or 'moved'}_own"
        self._storage = group.context.new_storage(type_, group.width.lanes, name)

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Set this step's elements."""
        value = elements.full(self.operands[0], group.position)
        group.context.builder.locate(self.op)
        elements.write(self.storage, value, group.position)


class Shuffle(Root):
    """Fetches the result's elements from the lanes that have them."""

    immediate = True
    takes_vectors = False

    def __init__(self, op: Op, kept: ShuffleInput, mapping: LaneMap) -> None:
        super().__init__(op, [], op.results[0])
        self.after = kept
        self._kept, self._mapping = kept, mapping

    @property
    def produced(self) -> list[Value]:
        """The result."""
        return self.op.results

    def load(self, group: GroupLowering, elements: Elements) -> None:
        """Fetch this step's element."""
        context, (result,) = group.context, self.op.results
        context.builder.locate(self.op)
        own = elements.register(self._kept.storage, self._mapping.registers)
        fetched = metal.SimdShuffle(
            (own, self._lane(context, elements)), (element_of(result.type),)
        )
        value = context.builder.value(fetched, result.name)
        elements.define(result, value, Form.VECTOR)
        group.keep(elements, result)

    def _lane(self, context: Context, elements: Elements) -> Value:
        """The lane to fetch from."""
        builder, moves = context.builder, self._mapping.moves
        above = (context.simdgroups - 1).bit_length()  # bits of the thread index above the lane's
        weights = [*self._mapping.lanes, *([0] * above)]
        lanes, lane_bits = thread_weighted(builder, context.thread, weights)
        identity = tuple(1 << bit for bit in range(len(moves)))
        moved = elements.iteration.weighted(identity, moves)
        move_bits = 0
        for mask in moves:
            move_bits |= mask
        return combine(builder, [(lanes, lane_bits), (moved, move_bits)])
