"""Operands of dots in threadgroup memory: padded rows, from which fragments are loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..dialects import metal, metal_matrix
from ..ir.core import Block, Op, Value
from ..ir.stems import stem_of
from ..ir.types import ArrayType, FloatType, TensorType, Type
from ..simdgroup import SIDE
from .context import Context
from .distribution import distribution_of
from .elements import Elements
from .iteration import combine, thread_weighted
from .roots import Root, lowers_scalar, makes_roots

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan


@dataclass(frozen=True)
class Tile:
    """A staged operand: matrices of `height` rows of `pitch` elements.

    The array's entries are vectors of `lanes` elements. With `transposed` a row is a column of the
    operand. `along_k` is the operand's dimension that is summed over, `slices` says into how many
    parts it is cut, of which the array holds one at a time.
    """

    array: Value
    type: TensorType
    side: int
    pitch: int
    transposed: bool
    lanes: int
    slices: int = 1
    base: Value | None = None  # where it starts, in a buffer with strides of its own
    strides: tuple[int, ...] = ()

    @property
    def element(self) -> Type:
        """What matrices of it hold."""
        return self.type.element

    @property
    def minor(self) -> int:
        """The dimension along a row."""
        return self.type.rank - (2 if self.transposed else 1)

    @property
    def major(self) -> int:
        """The dimension from row to row."""
        return self.type.rank - (1 if self.transposed else 2)

    @property
    def along_k(self) -> int:
        """The dimension that is summed over."""
        return self.type.rank - (2 if self.side else 1)

    def size(self, dim: int) -> int:
        """Elements that the array holds along a dimension of the operand, without filling up."""
        return self.type.shape[dim] // (self.slices if dim == self.along_k else 1)

    @property
    def matrix(self) -> int:
        """Elements from one matrix of a batch to the next."""
        return max(SIDE, self.size(self.major)) * self.pitch

    def step(self, dim: int) -> int:
        """Elements in the array from one element of a dimension of the operand to the next."""
        if self.strides:
            return self.strides[dim]
        if dim == self.minor:
            return 1
        return self.pitch if dim == self.major else self.matrix


def new_tile(context: Context, value: Value, op: metal_matrix.Stage, lanes: int, name: str) -> Tile:
    """The array for a staged operand; entries are vectors where registers run along its rows."""
    type_ = value.type
    assert isinstance(type_, TensorType)
    assert isinstance(op.result.type, ArrayType)
    slices = max(1, op.slices)
    tile = Tile(op.result, type_, op.side, op.pitch, op.transposed, 1, slices)
    lanes = lanes if _run_along(type_, tile.minor, lanes) else 1
    element = metal.with_lanes(type_.element, lanes)
    array = context.threadgroup(op.result.type.count // lanes, element, f"{name}_tile")
    return replace(tile, array=array, lanes=lanes)


def _run_along(type_: TensorType, dim: int, lanes: int) -> bool:
    """Whether the components of vectors are neighbours along a dimension."""
    bases = distribution_of(type_).registers[: lanes.bit_length() - 1]
    return all(
        offset == (1 << bit if at == dim else 0)
        for bit, basis in enumerate(bases)
        for at, offset in enumerate(basis)
    )


class StageOperand(Root):
    """Writes an operand's elements into its tile."""

    def __init__(self, op: metal_matrix.Stage) -> None:
        super().__init__(op, [op.source], op.source)
        self._stage = op
        self._tile: Tile | None = None

    @property
    def produced(self) -> list[Value]:
        """The tile, when the loop has ended."""
        return self.op.results

    def prepare(self, group: GroupLowering) -> None:
        """Make the array."""
        context, value = group.context, self.operands[0]
        name = stem_of(self.op.result) or "ab"[self._stage.side]
        self._tile = new_tile(context, value, self._stage, group.width.lanes, name)
        context.tiles[self.op.result] = self._tile

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Write this step's elements."""
        assert self._tile is not None
        value = elements.full(self.operands[0], group.position)
        group.context.builder.locate(self.op)
        condition = group.context.is_first_copy(group.group.distribution.replicated_threads)
        write_elements(group.context, self._tile, elements, value, condition)


@lowers_scalar(metal_matrix.View)
def view(context: Context, op: Op) -> None:
    """A part of a buffer, or another's tile, is a tile."""
    assert isinstance(op, metal_matrix.View)
    assert isinstance(op.array.type, ArrayType)
    type_ = TensorType(op.shape, op.array.type.element)
    transposed = op.strides[-1] != 1
    shared = context.tiles.get(op.array)
    array = shared.array if shared is not None else context.scalar(op.array)
    base = context.scalar(op.offset)
    context.tiles[op.result] = Tile(
        array, type_, op.side, 0, transposed, 1, base=base, strides=op.strides
    )


@makes_roots(metal_matrix.Stage)
def _stage_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, metal_matrix.Stage)
    return [StageOperand(op)] if op.slices <= 1 else []  # of slices each is written by the dot


def write_elements(
    context: Context, tile: Tile, elements: Elements, value: Value, condition: Value | None
) -> None:
    """Write a step's elements of the operand into the tile, where the condition holds."""
    builder = context.builder
    if condition is None:
        _write_all(context, tile, elements, value)
        return
    body = Block()
    builder.insert(metal.If((condition,), (), {}, [metal.region(body)]))
    with builder.at(body):
        _write_all(context, tile, elements, value)
        builder.insert(metal.Yield())


def _write_all(context: Context, tile: Tile, elements: Elements, value: Value) -> None:
    for component in range(0, elements.lanes, tile.lanes):
        part = value
        if tile.lanes < elements.lanes:
            part = context.extract(value, component)
        place = address(context, tile, elements, component)
        for offset, is_zero in _filling(tile):
            filled = zeros(context, tile) if is_zero else part
            at = context.builder.add(place, context.builder.constant(offset // tile.lanes))
            context.write(filled, tile.array, at)


def zeros(context: Context, tile: Tile) -> Value:
    """Zero, as an entry of the tile."""
    element = tile.type.element
    assert isinstance(element, FloatType)
    return context.splat(context.builder.float_constant(0, element), tile.lanes)


def _filling(tile: Tile) -> Iterator[tuple[int, bool]]:
    """Offsets at which an element is written: more than one where the tile is below 8 x 8.

    Copies along M and N, since lanes whose bases are zero there hold copies; zeros along K.
    """
    for i in range(max(1, SIDE // tile.size(tile.major))):
        for j in range(max(1, SIDE // tile.size(tile.minor))):
            offset = i * tile.size(tile.major) * tile.pitch + j * tile.size(tile.minor)
            yield offset, bool(i if tile.major == tile.along_k else j)


def address(context: Context, tile: Tile, elements: Elements, component: int) -> Value:
    """The entry of the tile for this step's elements."""
    builder = context.builder
    parts: list[Value] = []
    for dim in range(tile.type.rank):
        scale = tile.lanes if dim == tile.minor else 1
        at = coordinate(context, tile.type, elements, dim, scale, component)
        if dim == tile.along_k and tile.slices > 1:
            at = builder.rem(at, tile.size(dim) // scale)
        step = 1 if dim == tile.minor else tile.step(dim) // tile.lanes
        parts.append(builder.mul(at, step))
    return builder.total(parts)


def coordinate(
    context: Context, type_: TensorType, elements: Elements, dim: int, scale: int, component: int
) -> Value:
    """Coordinate `dim`, in units of `scale`, of a component of this step's elements."""
    layout = distribution_of(type_)
    builder = context.builder
    weights = [basis[dim] // scale for basis in layout.threads]
    thread, thread_bits = thread_weighted(builder, context.thread, weights)
    weights = [basis[dim] // scale for basis in layout.registers]
    register = elements.iteration.weighted(layout.identity, weights)
    bits = shift = 0
    for bit, weight in enumerate(weights):
        bits |= weight
        shift ^= weight if component >> bit & 1 else 0
    number = combine(builder, [(thread, thread_bits), (register, bits)])
    return builder.xor(number, builder.constant(shift)) if shift else number
