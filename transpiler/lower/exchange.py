"""Moves elements between threads through threadgroup memory: any change of layout.

A tile holds the elements row-major by their coordinates; rows are padded by one bank, so that a
column is spread over the banks. Every element is written once (by the first of its copies) and read
by whoever needs it. What is too large for threadgroup memory goes in rounds: in round q only
elements whose number starts with q are written and read.

Both sides are linear: a *side* is a value with the number in the tile of each of its elements, as
a function of its coordinates. A change of layout has one side that writes and one that reads;
tt.split reads two, tt.join and tt.cat write two.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..dialects import arith, metal, tt, ttg
from ..ir.attributes import IntegerAttr
from ..ir.core import Block, Op, Value
from ..ir.linear_layout import Basis
from ..ir.stems import name_with
from ..ir.types import I1, I8, I32, I64, PointerType, TensorType, Type, bit_width, element_of
from .context import Context
from .distribution import CoordinateMap, Distribution, code_of
from .elements import Elements, distribution
from .iteration import Iteration, combine, loop_runs, register_loops, thread_weighted
from .roots import Root, makes_roots
from .shuffle import shuffle_roots
from .views import coordinate_map, start_code, view_map
from .widths import Form

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan


ROUNDS = "rounds"  # an attribute of ops (staging.py)


@dataclass(frozen=True)
class Side:
    """A value, and the tile's coordinates of its elements: `coordinates`, XORed with `start`."""

    value: Value
    coordinates: CoordinateMap
    start: int = 0  # as a code (see `code_of`)


@dataclass(frozen=True)
class Transfer:
    """What an op moves: a tile of `shape`, and the sides that write and read it."""

    op: Op
    shape: tuple[int, ...]
    writers: tuple[Side, ...]
    readers: tuple[Side, ...]

    @property
    def element(self) -> Type:
        """The type of an element."""
        return element_of(self.writers[0].value.type)

    def bytes_of(self, rounds: int = 1) -> int:
        """Threadgroup memory of one round, padding included."""
        size = max(1, bit_width(self.element) // 8)
        count = 1
        for extent in self.shape:
            count *= extent
        return count // rounds * size * 33 // 32 + (size if rounds > 1 else 0)

    @property
    def rounds(self) -> int:
        """In how many rounds the op is asked to move, beside what else needs memory."""
        asked = self.op.attributes.get(ROUNDS)
        return asked.value if isinstance(asked, IntegerAttr) else 1


def identity(at: Basis) -> Basis:
    """The coordinates of a side that is the tile."""
    return at


def view_transfer(op: Op) -> Transfer:
    """A view whose elements move: the tile is the operand."""
    coordinates = coordinate_map(op)
    source = op.operands[0]
    assert coordinates is not None
    assert isinstance(source.type, TensorType)
    readers = tuple(Side(result, coordinates, start_code(result)) for result in op.results)
    return Transfer(op, source.type.shape, (Side(source, identity),), readers)


def moved_by(op: Op) -> Transfer | None:
    """What a view moves through threadgroup memory; None for other ops, and where nothing does."""
    coordinates = coordinate_map(op)
    if coordinates is None or all(view_map(result) is not None for result in op.results):
        return None
    return None if shuffle_roots(op, coordinates) else view_transfer(op)


class Send(Root):
    """Writes an operand's elements to the tile."""

    def __init__(self, place: Place, side: Side) -> None:
        super().__init__(place.transfer.op, [side.value], side.value)
        self.place, self.side = place, side

    def prepare(self, group: GroupLowering) -> None:
        """Make the tile."""
        self.place.make(group.context)

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Write this step's elements."""
        exchange, context = self.place.exchange, group.context
        value = elements.full(self.side.value, group.position)
        context.builder.locate(self.op)
        for component in range(elements.lanes):
            part = value if elements.lanes == 1 else context.extract(value, component)
            number = exchange.number(elements, self.side, component)
            exchange.write(part, number, exchange.is_writer(self.side))


class Receive(Root):
    """Reads a result's elements from where `Send` put them."""

    immediate = True

    def __init__(self, place: Place, side: Side, after: Root) -> None:
        super().__init__(place.transfer.op, [], side.value)
        self.after = after
        self.place, self.side = place, side

    @property
    def produced(self) -> list[Value]:
        """The result."""
        return [self.side.value]

    def load(self, group: GroupLowering, elements: Elements) -> None:
        """Read this step's elements."""
        exchange, context, result = self.place.exchange, group.context, self.side.value
        context.builder.locate(self.op)
        parts = [
            exchange.read(exchange.number(elements, self.side, component))
            for component in range(elements.lanes)
        ]
        value = context.pack(parts, metal.with_lanes(element_of(result.type), elements.lanes))
        value.name = result.name
        elements.define(result, value, Form.VECTOR)
        group.keep(elements, result)


class ExchangeInRounds(Root):
    """The whole op, as many elements at a time as threadgroup memory holds."""

    takes_vectors = False

    def __init__(self, transfer: Transfer) -> None:
        values = [side.value for side in transfer.writers]
        super().__init__(transfer.op, values, values[0])
        self.transfer = transfer

    @property
    def is_alone(self) -> bool:
        """Its loops are rounds."""
        return True

    @property
    def produced(self) -> list[Value]:
        """The results."""
        return self.op.results

    def run_alone(self, group: GroupLowering) -> None:
        """All rounds."""
        exchange_in_rounds(group.context, self.transfer)


@makes_roots(tt.Broadcast, tt.ExpandDims, tt.Reshape, tt.Split, tt.Trans, ttg.ConvertLayout)
def _view_roots(op: Op, plan: Plan) -> list[Root]:
    coordinates = coordinate_map(op)
    assert coordinates is not None
    return shuffle_roots(op, coordinates) or exchange_roots(view_transfer(op), plan)


def exchange_roots(transfer: Transfer, plan: Plan) -> list[Root]:
    """The roots of a transfer."""
    if transfer.rounds > 1 or transfer.bytes_of() > plan.threadgroup_memory:
        return [ExchangeInRounds(transfer)]
    place = Place(transfer)
    sends = [Send(place, side) for side in transfer.writers]
    return [*sends, *(Receive(place, side, sends[-1]) for side in transfer.readers)]


class Place:
    """The tile that the roots of one transfer share, made by the first of them."""

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self._exchange: Exchange | None = None

    def make(self, context: Context) -> None:
        """Make the tile, at the first call."""
        if self._exchange is None:
            self._exchange = Exchange(context, self.transfer)

    @property
    def exchange(self) -> Exchange:
        """The tile."""
        assert self._exchange is not None
        return self._exchange


def exchange_in_rounds(context: Context, transfer: Transfer) -> None:
    """Write and read the elements of one round after another."""
    builder = context.builder
    builder.locate(transfer.op)
    rounds = rounds_of(context, transfer)
    exchange = Exchange(context, transfer, rounds)
    for side in transfer.readers:
        context.storage(side.value)
    with counted_loop(context, rounds, "round") as index:
        for side in transfer.writers:
            write_round(context, exchange, side, index)
        for side in transfer.readers:
            _read_round(context, exchange, side, index)


def rounds_of(context: Context, transfer: Transfer) -> int:
    """How many rounds a transfer needs that does not fit threadgroup memory at once."""
    rounds = max(2, transfer.rounds)
    while transfer.bytes_of(rounds) > context.target.threadgroup_memory:
        rounds *= 2
    return rounds


def write_round(context: Context, exchange: Exchange, side: Side, index: Value) -> None:
    """Write the elements that belong to a round."""
    layout = distribution(side.value)
    with register_loops(context.builder, loop_runs(layout, 0)) as variables:
        step = Elements(context, Iteration(context.builder, 1, variables))
        number = exchange.number(step, side, 0)
        is_now = exchange.in_round(number, index)
        mine = context.builder.both(exchange.is_writer(side), is_now)
        value = step.full(side.value, layout.identity)
        exchange.write(value, exchange.within_round(number), mine)


def _read_round(context: Context, exchange: Exchange, side: Side, index: Value) -> None:
    layout = distribution(side.value)
    with register_loops(context.builder, loop_runs(layout, 0)) as variables:
        step = Elements(context, Iteration(context.builder, 1, variables))
        number = exchange.number(step, side, 0)
        with only_if(context, exchange.in_round(number, index)):
            value = exchange.read(exchange.within_round(number))
            step.write(context.storage(side.value), value, layout.identity)


@contextmanager
def counted_loop(context: Context, count: int, name: str, start: int = 0) -> Generator[Value]:
    """A loop whose bounds are known: start .. count-1."""
    body = Block([I32])
    body.args[0].name = name
    attributes = {
        "start": metal.integer_attribute(start),
        "count": metal.integer_attribute(count),
    }
    context.builder.insert(metal.RegisterLoop((), (), attributes, [metal.region(body)]))
    with context.builder.at(body):
        yield body.args[0]
        context.builder.insert(metal.Yield())


@contextmanager
def only_if(context: Context, condition: Value | None) -> Generator[None]:
    """Code that a thread runs only where its condition holds (None: always)."""
    if condition is None:
        yield
        return
    body = Block()
    context.builder.insert(metal.If((condition,), (), {}, [metal.region(body)]))
    with context.builder.at(body):
        yield
        context.builder.insert(metal.Yield())


class Exchange:
    """Threadgroup memory for the elements of one tile, or for a part of them at a time."""

    def __init__(self, context: Context, transfer: Transfer, rounds: int = 1) -> None:
        self.context, self.shape, self.element = context, transfer.shape, transfer.element
        size = 1
        for extent in transfer.shape:
            size *= extent
        self.per_round = size // rounds
        self.memory_type = memory_type(self.element)
        self.row, self.pitch = _pitch(self.per_round, transfer.shape, self.element)
        count = self.per_round // self.row * self.pitch
        name = name_with(transfer.op.results[0], "shared")
        self.array = context.threadgroup(count, self.memory_type, name)

    def is_writer(self, side: Side) -> Value | None:
        """Only the first of the threads with copies writes."""
        return self.context.is_first_copy(distribution(side.value).replicated_threads)

    def number(self, elements: Elements, side: Side, component: int) -> Value:
        """The row-major number in the tile of a side's element in this step."""
        codes = side_codes(distribution(side.value), side, self.shape)
        return linear_number(elements, codes, component, side.start)

    def in_round(self, number: Value, index: Value) -> Value:
        """Whether an element belongs to a round."""
        builder = self.context.builder
        return builder.compare("eq", builder.div(number, self.per_round), index)

    def within_round(self, number: Value) -> Value:
        """The element's number among those of its round."""
        return self.context.builder.rem(number, self.per_round)

    def _address(self, number: Value) -> Value:
        builder = self.context.builder
        if self.pitch == self.row:
            return number
        pad = builder.mul(builder.div(number, self.row), self.pitch - self.row)
        return builder.add(number, pad)

    def write(self, value: Value, number: Value, condition: Value | None) -> None:
        """Put an element into threadgroup memory, where the condition holds."""
        value = to_memory(self.context, value)
        address = self._address(number)
        with only_if(self.context, condition):
            self.context.write(value, self.array, address)

    def read(self, number: Value) -> Value:
        """An element from threadgroup memory."""
        value = self.context.read(self.array, self._address(number))
        return from_memory(self.context, value, self.element)


@dataclass(frozen=True)
class Codes:
    """What each register bit and each bit of the thread index adds (XORs) to a number."""

    registers: Sequence[int]
    threads: Sequence[int]


def side_codes(layout: Distribution, side: Side, shape: tuple[int, ...]) -> Codes:
    """The numbers in a tile that a side's bits toggle."""
    return Codes(
        [code_of(side.coordinates(basis), shape) for basis in layout.registers],
        [code_of(side.coordinates(basis), shape) for basis in layout.threads],
    )


def linear_number(elements: Elements, codes: Codes, component: int, start: int = 0) -> Value:
    """The number of this step's element, of which component `component` of its vectors is meant."""
    context, builder = elements.context, elements.builder
    thread, thread_bits = thread_weighted(builder, context.thread, list(codes.threads))
    identity_position = tuple(1 << bit for bit in range(len(codes.registers)))
    register = elements.iteration.weighted(identity_position, codes.registers)
    bits = 0
    for bit, code in enumerate(codes.registers):
        bits |= code
        start ^= code if component >> bit & 1 and 1 << bit < elements.lanes else 0
    return combine(
        builder,
        [(thread, thread_bits), (register, bits), (builder.constant(start), start)],
    )


def memory_type(element: Type) -> Type:
    """What an element is in threadgroup memory: i1 is a byte there, a pointer its address."""
    if isinstance(element, PointerType):
        return I64
    return I8 if element == I1 else element


def to_memory(context: Context, value: Value) -> Value:
    """A value as it is in threadgroup memory."""
    builder = context.builder
    if isinstance(value.type, PointerType):
        return builder.value(tt.PtrToInt((value,), (I64,)))
    return builder.value(arith.Extui((value,), (I8,))) if value.type == I1 else value


def from_memory(context: Context, value: Value, element: Type) -> Value:
    """The inverse of `to_memory`."""
    builder = context.builder
    if isinstance(element, PointerType):
        return builder.value(tt.IntToPtr((value,), (element,)))
    return builder.compare("ne", value, builder.constant(0, I8)) if element == I1 else value


def _pitch(count: int, shape: tuple[int, ...], element: Type) -> tuple[int, int]:
    """Elements of a row, and from one row to the next: an odd number of banks."""
    size = 8 if isinstance(element, PointerType) else max(1, bit_width(element) // 8)
    row = min(shape[-1], count) if shape else 1
    bank = max(4, size)
    if len(shape) < 2 or row * size % (2 * bank):
        return row, row
    return row, row + bank // size
