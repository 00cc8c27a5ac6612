"""The operands of dots as fragments: where they lie, and how they get into registers."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..dialects import arith, metal, metal_matrix, tt
from ..ir.attributes import UnitAttr
from ..ir.core import Block, Op, Value
from ..ir.types import (
    I32,
    ArrayType,
    FloatType,
    PointerType,
    TensorType,
    Type,
    element_of,
)
from ..simdgroup import ELEMENTS_PER_LANE, LANE_BASES, SIDE
from .builder import Builder
from .context import Context, Storage
from .distribution import Distribution, distribution_of
from .elements import Elements, distribution
from .exchange import only_if
from .iteration import Iteration, LoopVariable, thread_weighted
from .roots import Root, makes_roots
from .tiles import Tile, new_tile
from .widths import Form

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan


@dataclass(frozen=True)
class Direct:
    """An operand in device memory: the address of each fragment, and whether it is loaded."""

    op: metal_matrix.Direct
    mask: Value | None
    pitch: Value

    @property
    def pointers(self) -> Value:
        """The addresses."""
        return self.op.pointers

    @property
    def element(self) -> Type:
        """What is loaded."""
        type_ = element_of(self.pointers.type)
        assert isinstance(type_, PointerType)
        return type_.pointee

    @property
    def bits_along_k(self) -> int:
        """Register bits of the addresses that count fragments along K: the lowest ones."""
        assert isinstance(self.pointers.type, TensorType)
        depth = self.pointers.type.shape[self.op.along_k]
        return (depth // SIDE).bit_length() - 1

    def condition(self, context: Context, k: Value) -> Value | None:
        """Whether a step of K is loaded, where the mask is on K alone."""
        if self.mask is None:
            return None
        iteration = Iteration(context.builder, 1, [LoopVariable(k, 0, self.bits_along_k)])
        return Elements(context, iteration).first(self.mask, distribution(self.mask).identity)


# Where a dot's operand lies: in a tile, in device memory, or in registers as fragments.
Operand = Tile | Direct | Storage


def operand_of(context: Context, value: Value) -> Operand:
    """Where an operand lies."""
    op = value.defining_op
    if isinstance(op, metal_matrix.Direct):
        return Direct(op, op.mask, context.scalar(op.pitch))
    if isinstance(op, metal_matrix.Stage) and op.slices > 1:
        lanes, name = _lanes_within(context, op), value.name or "ab"[op.side]
        context.tiles[value] = new_tile(context, op.source, op, lanes, name)
    return context.tiles[value] if value in context.tiles else context.storage(value)


def _lanes_within(context: Context, op: metal_matrix.Stage) -> int:
    """Elements of the vectors in which a source is kept, if none reaches into two slices of K."""
    type_ = op.source.type
    assert isinstance(type_, TensorType)
    storage = context.storages.get(_moving_nothing(context, op.source))
    depth = type_.shape[-2 if op.side else -1] // op.slices
    if storage is None or storage.form is not Form.VECTOR or depth % storage.lanes:
        return 1
    return storage.lanes


def _moving_nothing(context: Context, value: Value) -> Value:
    """The matrix that a value is, or of which it is the transpose, register by register."""
    op = value.defining_op
    if isinstance(op, tt.Trans) and context.plan.view(value) == distribution(value).identity:
        return op.source
    return value


def tensors_of(value: Value) -> list[Value]:
    """The tensors that a dot reads for an operand."""
    op = value.defining_op
    if isinstance(op, metal_matrix.Direct):
        return [each for each in (op.pointers, op.mask) if each is not None]
    if isinstance(op, metal_matrix.Stage) and op.slices > 1:
        return [op.source]
    return [value] if isinstance(value.type, TensorType) else []


@contextmanager
def counted(builder: Builder, count: int, name: str) -> Generator[Value, None, None]:
    """A loop; none around a single turn."""
    if count == 1:
        yield builder.constant(0)
        return
    body = Block([I32])
    body.args[0].name = name
    attributes = {"count": metal.integer_attribute(count)}
    loop = metal.RegisterLoop((), (), attributes, [metal.region(body)])
    builder.insert(loop)
    with builder.at(body):
        yield body.args[0]
        builder.insert(metal.Yield())


@dataclass
class FragmentLoads:
    """Loads fragments of operands for a simdgroup whose rows or columns a distribution gives."""

    context: Context
    layout: Distribution

    def load(
        self, source: Tile | Direct, into: Value, entry: Value, matrix: Value, k: Value, at: Value
    ) -> None:
        """Load fragment `at` along the result's dimension, `k` along K, of a batch's `matrix`."""
        if isinstance(source, Tile):
            self._staged(source, into, entry, matrix, k, at)
        else:
            self._direct(source, into, entry, k, at)

    def _direct(self, source: Direct, into: Value, entry: Value, k: Value, at: Value) -> None:
        """From device memory; zeros where the fragment is masked."""
        context, builder = self.context, self.context.builder
        position, low = distribution(source.pointers).identity, source.bits_along_k
        variables = [LoopVariable(k, 0, low), LoopVariable(at, low, len(position) - low)]
        step = Elements(context, Iteration(builder, 1, variables))
        attributes = {"transposed": UnitAttr()} if source.op.transposed else {}
        mask = None if source.mask is None else step.first(source.mask, position)
        with ExitStack() as inside:
            if mask is not None:
                assert isinstance(source.element, FloatType)
                zero = builder.float_constant(0, source.element)
                context.write(context.splat(zero, ELEMENTS_PER_LANE), into, entry)
                inside.enter_context(only_if(context, mask))
            address = step.first(source.pointers, position)
            operands = (into, entry, address, builder.constant(0), source.pitch)
            builder.insert(metal_matrix.MatrixLoad(operands, (), attributes))

    def _staged(
        self, tile: Tile, into: Value, entry: Value, matrix: Value, k: Value, at: Value
    ) -> None:
        """From threadgroup memory."""
        builder = self.context.builder
        rank = tile.type.rank
        outer = rank - 1 if tile.side else rank - 2
        parts = [
            builder.mul(self._first(outer), tile.step(outer)),
            builder.mul(at, SIDE * tile.step(outer)),
            builder.mul(k, SIDE * tile.step(tile.along_k)),
        ]
        if rank > 2:
            parts.append(builder.mul(self._first(0), tile.step(0)))
            parts.append(builder.mul(matrix, tile.step(0)))
        attributes = {"transposed": UnitAttr()} if tile.transposed else {}
        if tile.base is not None:
            parts.insert(0, tile.base)
        pitch = builder.constant(tile.step(tile.major))
        operands = (into, entry, tile.array, builder.total(parts), pitch)
        builder.insert(metal_matrix.MatrixLoad(operands, (), attributes))

    def _first(self, dim: int) -> Value:
        """The simdgroup's first coordinate along a dimension of the result."""
        lanes = len(LANE_BASES)
        bases = self.layout.threads
        weights = [basis[dim] if bit >= lanes else 0 for bit, basis in enumerate(bases)]
        value, _ = thread_weighted(self.context.builder, self.context.thread, weights)
        if value.defining_op is not None and not isinstance(value.defining_op, arith.Constant):
            names = ("matrix", "row", "column")
            value.name = value.name or names[dim - len(self.layout.shape) + 3]
        return value


class HoldFragments(Root):
    """Loads a left operand into an array of matrices, for all dots that need it."""

    def __init__(self, op: metal_matrix.Hold) -> None:
        super().__init__(op, tensors_of(op.source), op.result)
        self._source = op.source

    @property
    def is_alone(self) -> bool:
        """Its loops run over fragments."""
        return True

    @property
    def produced(self) -> list[Value]:
        """The fragments."""
        return self.op.results

    def run_alone(self, group: GroupLowering) -> None:
        """All fragments: rows of them, each along K."""
        context, result = group.context, self.op.result
        builder = context.builder
        builder.locate(self.op)
        assert isinstance(result.type, TensorType)
        source = operand_of(context, self._source)
        assert not isinstance(source, Storage)
        array = context.storage(result).array
        assert isinstance(array.type, ArrayType)
        deep = result.type.shape[-1] // SIDE
        layout = distribution_of(result.type)
        loads = FragmentLoads(context, layout)
        with counted(builder, array.type.count // deep, "i") as i, counted(builder, deep, "k") as k:
            entry = builder.add(builder.mul(i, deep), k)
            loads.load(source, array, entry, builder.constant(0), k, i)


@makes_roots(metal_matrix.Hold)
def _hold_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, metal_matrix.Hold)
    plan.pairs.add(op.result)
    plan.matrices.add(op.result)
    return [HoldFragments(op)]


@makes_roots(metal_matrix.Direct)
def _direct_roots(op: Op, plan: Plan) -> list[Root]:
    return []  # who multiplies or holds it loads it
