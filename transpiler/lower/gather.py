"""tt.gather: element i along the axis of the result is element indices[i] of the source.

The source goes into a tile in threadgroup memory (as in an exchange), and each result element is
read where its index says. A source that is larger than threadgroup memory goes in rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dialects import arith, metal, tt
from ..errors import UnsupportedError
from ..ir.core import Op, Value
from ..ir.linear_layout import Basis
from ..ir.types import I32, TensorType, bit_width, element_of
from .context import Context
from .elements import Elements, distribution
from .exchange import (
    Exchange,
    ExchangeInRounds,
    Place,
    Send,
    Side,
    Transfer,
    counted_loop,
    identity,
    linear_number,
    only_if,
    rounds_of,
    side_codes,
    write_round,
)
from .iteration import Iteration, loop_runs, register_loops
from .roots import Root, makes_roots
from .widths import Form

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan


class GatherRead(Root):
    """Reads the result's elements."""

    immediate = True

    def __init__(self, op: tt.Gather, place: Place, side: Side, after: Root) -> None:
        super().__init__(op, [op.indices], op.result)
        self.after = after
        self._gather, self._place, self._side = op, place, side

    @property
    def produced(self) -> list[Value]:
        """The result."""
        return self.op.results

    def load(self, group: GroupLowering, elements: Elements) -> None:
        """Read this step's elements."""
        context, result = group.context, self._gather.result
        indices = elements.full(self._gather.indices, group.position)
        context.builder.locate(self.op)
        parts: list[Value] = []
        for component in range(elements.lanes):
            index = indices if elements.lanes == 1 else context.extract(indices, component)
            number = gathered_number(elements, self._gather, self._side, index, component)
            parts.append(self._place.exchange.read(number))
        value = context.pack(parts, metal.with_lanes(element_of(result.type), elements.lanes))
        value.name = result.name
        elements.define(result, value, Form.VECTOR)
        group.keep(elements, result)


class GatherInRounds(ExchangeInRounds):
    """The whole gather, as many elements of the source at a time as threadgroup memory holds."""

    def __init__(self, op: tt.Gather, transfer: Transfer, side: Side) -> None:
        super().__init__(transfer)
        self.operands = [op.source, op.indices]
        self._gather, self._side = op, side

    def run_alone(self, group: GroupLowering) -> None:
        """All rounds."""
        context, op = group.context, self._gather
        context.builder.locate(op)
        rounds = rounds_of(context, self.transfer)
        exchange = Exchange(context, self.transfer, rounds)
        context.storage(op.result)
        with counted_loop(context, rounds, "round") as index:
            write_round(context, exchange, self.transfer.writers[0], index)
            self._read(context, exchange, index)

    def _read(self, context: Context, exchange: Exchange, index: Value) -> None:
        op, layout = self._gather, distribution(self._gather.result)
        with register_loops(context.builder, loop_runs(layout, 0)) as variables:
            step = Elements(context, Iteration(context.builder, 1, variables))
            wanted = step.full(op.indices, layout.identity)
            number = gathered_number(step, op, self._side, wanted, 0)
            with only_if(context, exchange.in_round(number, index)):
                value = exchange.read(exchange.within_round(number))
                step.write(context.storage(op.result), value, layout.identity)


@makes_roots(tt.Gather)
def _gather_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, tt.Gather)
    if distribution(op.indices) != distribution(op.result):
        message = "a gather whose indices have another layout than its result"
        raise UnsupportedError(message, op.span)
    source, axis = op.source, op.axis
    assert isinstance(source.type, TensorType)

    def without_axis(at: Basis) -> Basis:
        return (*at[:axis], 0, *at[axis + 1 :])

    transfer = Transfer(op, source.type.shape, (Side(source, identity),), ())
    side = Side(op.result, without_axis)
    if transfer.bytes_of() > plan.threadgroup_memory:
        return [GatherInRounds(op, transfer, side)]
    place = Place(transfer)
    send = Send(place, transfer.writers[0])
    return [send, GatherRead(op, place, side, send)]


def gathered_number(
    elements: Elements, op: tt.Gather, side: Side, index: Value, component: int
) -> Value:
    """The number of the source's element that an index means."""
    builder = elements.builder
    assert isinstance(op.source.type, TensorType)
    shape = op.source.type.shape
    stride = 1
    for extent in shape[op.axis + 1 :]:
        stride *= extent
    width = bit_width(index.type)
    if width > 32:
        index = builder.value(arith.Trunci((index,), (I32,)))
    elif width < 32:  # never negative: the index of an element
        index = builder.value(arith.Extui((index,), (I32,)))
    codes = side_codes(distribution(op.result), side, shape)
    return builder.add(linear_number(elements, codes, component), builder.mul(index, stride))
