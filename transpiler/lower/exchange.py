"""Moves elements between threads through threadgroup memory: any change of layout.

Elements lie row-major by their coordinates in the source's shape; rows are padded by one bank, so
that a column is spread over the banks. Every element is written once (by the first of its copies)
and read by whoever needs it. What is too large for threadgroup memory goes in rounds: in round q
only elements whose number starts with q are written and read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dialects import arith, metal, tt, ttg
from ..ir.core import Block, Op, Value
from ..ir.types import I1, I8, I32, PointerType, TensorType, Type, bit_width, element_of
from .context import Context
from .distribution import CoordinateMap, code_of, distribution_of
from .elements import Elements, distribution
from .iteration import Iteration, combine, loop_runs, register_loops, thread_weighted
from .roots import Root, makes_roots
from .views import coordinate_map
from .widths import Form

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan


class Send(Root):
    """Writes the operand's elements to threadgroup memory."""

    def __init__(self, op: Op) -> None:
        super().__init__(op, [op.operands[0]], op.operands[0])
        self.exchange: Exchange | None = None

    def prepare(self, group: GroupLowering) -> None:
        """Make the array."""
        self.exchange = Exchange(group.context, self.op)

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Write this step's elements."""
        exchange, context = self.exchange, group.context
        assert exchange is not None
        value = elements.full(self.operands[0], group.position)
        context.builder.locate(self.op)
        for component in range(elements.lanes):
            part = value if elements.lanes == 1 else context.extract(value, component)
            number = exchange.number_of_source(elements, component)
            exchange.write(part, number, exchange.is_writer())


class Receive(Root):
    """Reads the result's elements from where `Send` put them."""

    immediate = True

    def __init__(self, op: Op, send: Send) -> None:
        super().__init__(op, [], op.result)
        self.after = send
        self._send = send

    @property
    def produced(self) -> list[Value]:
        """The result."""
        return self.op.results

    def load(self, group: GroupLowering, elements: Elements) -> None:
        """Read this step's elements."""
        exchange, context, result = self._send.exchange, group.context, self.op.result
        assert exchange is not None
        context.builder.locate(self.op)
        parts = [
            exchange.read(exchange.number_of_result(elements, component))
            for component in range(elements.lanes)
        ]
        value = context.pack(parts, metal.with_lanes(element_of(result.type), elements.lanes))
        value.name = result.name
        elements.define(result, value, Form.VECTOR)
        group.keep(elements, result)


class ExchangeInRounds(Root):
    """The whole op, as many elements at a time as threadgroup memory holds."""

    takes_vectors = False

    def __init__(self, op: Op) -> None:
        super().__init__(op, [op.operands[0]], op.operands[0])

    @property
    def is_alone(self) -> bool:
        """Its loops are rounds."""
        return True

    @property
    def produced(self) -> list[Value]:
        """The result."""
        return self.op.results

    def run_alone(self, group: GroupLowering) -> None:
        """All rounds."""
        exchange_in_rounds(group.context, self.op)


@makes_roots(tt.Broadcast, tt.ExpandDims, tt.Reshape, tt.Trans, ttg.ConvertLayout)
def _exchange_roots(op: Op, plan: Plan) -> list[Root]:
    if exchange_bytes(op.operands[0].type) > plan.threadgroup_memory:
        return [ExchangeInRounds(op)]
    send = Send(op)
    return [send, Receive(op, send)]


def exchange_bytes(type_: Type) -> int:
    """Threadgroup memory for all elements of a tensor, with padding of rows."""
    assert isinstance(type_, TensorType)
    return type_.size * max(1, bit_width(type_) // 8) * 33 // 32


def exchange_in_rounds(context: Context, op: Op) -> None:
    """Write and read the elements of one round after another."""
    builder = context.builder
    builder.locate(op)
    rounds = 2
    while Exchange.bytes_of(op, rounds) > context.target.threadgroup_memory:
        rounds *= 2
    exchange = Exchange(context, op, rounds)
    storage = context.storage(op.result)
    body = Block([I32])
    body.args[0].name = "round"
    attributes = {"count": metal.integer_attribute(rounds)}
    builder.insert(metal.RegisterLoop((), (), attributes, [metal.region(body)]))
    with builder.at(body):
        source = op.operands[0]
        with register_loops(builder, loop_runs(distribution(source), 0)) as variables:
            step = Elements(context, Iteration(builder, 1, variables))
            number = exchange.number_of_source(step, 0)
            mine = builder.both(exchange.is_writer(), exchange.in_round(number, body.args[0]))
            value = step.full(source, distribution(source).identity)
            exchange.write(value, exchange.within_round(number), mine)
        with register_loops(builder, loop_runs(distribution(op.result), 0)) as variables:
            step = Elements(context, Iteration(builder, 1, variables))
            number = exchange.number_of_result(step, 0)
            inner = Block()
            condition = exchange.in_round(number, body.args[0])
            builder.insert(metal.If((condition,), (), {}, [metal.region(inner)]))
            with builder.at(inner):
                value = exchange.read(exchange.within_round(number))
                step.write(storage, value, distribution(op.result).identity)
                builder.insert(metal.Yield())
        builder.insert(metal.Yield())


class Exchange:
    """Threadgroup memory for the elements of one op's operand, or for a part of them at a time."""

    def __init__(self, context: Context, op: Op, rounds: int = 1) -> None:
        self.context, self.op = context, op
        source = op.operands[0].type
        assert isinstance(source, TensorType)
        self.source = source
        self.per_round = source.size // rounds
        self.memory_type = memory_type(source.element)
        self.row, self.pitch = _pitch(context, self.per_round, source)
        count = self.per_round // self.row * self.pitch
        name = f"{op.result.name or 'tile'}_shared"
        self.array = context.threadgroup(count, self.memory_type, name)

    @staticmethod
    def bytes_of(op: Op, rounds: int) -> int:
        """Threadgroup memory of one round, padding included."""
        source = op.operands[0].type
        assert isinstance(source, TensorType)
        size = max(1, bit_width(source) // 8)
        return source.size // rounds * size * 33 // 32 + size

    def is_writer(self) -> Value | None:
        """Only the first of the threads with copies writes."""
        return self.context.is_first_copy(distribution_of(self.source).replicated_threads)

    def number_of_source(self, elements: Elements, component: int) -> Value:
        """The row-major number of the operand's element in this step."""
        return self._number(elements, self.op.operands[0].type, lambda at: at, component)

    def number_of_result(self, elements: Elements, component: int) -> Value:
        """The number of the operand's element that this step's result element is."""
        coordinates = coordinate_map(self.op)
        assert coordinates is not None
        return self._number(elements, self.op.result.type, coordinates, component)

    def _number(
        self, elements: Elements, type_: Type, coordinates: CoordinateMap, component: int
    ) -> Value:
        assert isinstance(type_, TensorType)
        layout = distribution_of(type_)
        shape = self.source.shape
        registers = [code_of(coordinates(basis), shape) for basis in layout.registers]
        threads = [code_of(coordinates(basis), shape) for basis in layout.threads]
        builder = self.context.builder
        thread, thread_bits = thread_weighted(builder, self.context.thread, threads)
        register = elements.iteration.weighted(layout.identity, registers)
        bits = shift = 0
        for bit, code in enumerate(registers):
            bits |= code
            shift ^= code if component >> bit & 1 and 1 << bit < elements.lanes else 0
        number = combine(builder, [(thread, thread_bits), (register, bits)])
        return builder.xor(number, builder.constant(shift)) if shift else number

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
        context, builder = self.context, self.context.builder
        value = to_memory(context, value)
        address = self._address(number)
        if condition is None:
            context.write(value, self.array, address)
            return
        body = Block()
        builder.insert(metal.If((condition,), (), {}, [metal.region(body)]))
        with builder.at(body):
            context.write(value, self.array, address)
            builder.insert(metal.Yield())

    def read(self, number: Value) -> Value:
        """An element from threadgroup memory."""
        value = self.context.read(self.array, self._address(number))
        return from_memory(self.context, value, self.source.element)


def memory_type(element: Type) -> Type:
    """What an element is in threadgroup memory: i1 is a byte there."""
    return I8 if element == I1 else element


def to_memory(context: Context, value: Value) -> Value:
    """i1 as a byte; anything else as it is."""
    if value.type != I1:
        return value
    return context.builder.value(arith.Extui((value,), (I8,)))


def from_memory(context: Context, value: Value, element: Type) -> Value:
    """The inverse of `to_memory`."""
    if element != I1:
        return value
    zero = context.builder.constant(0, I8)
    return context.builder.compare("ne", value, zero)


def _pitch(context: Context, count: int, source: TensorType) -> tuple[int, int]:
    """Elements of a row, and from one row to the next: an odd number of banks."""
    size = 8 if isinstance(source.element, PointerType) else max(1, bit_width(source) // 8)
    row = min(source.shape[-1], count)
    bank = max(4, size)
    if len(source.shape) < 2 or row * size % (2 * bank):
        return row, row
    return row, row + bank // size
