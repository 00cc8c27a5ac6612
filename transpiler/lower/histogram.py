"""tt.histogram: counts in threadgroup memory, one atomic addition an element.

Numbers outside of 0 .. bins-1 are not counted, nor is what the mask leaves out, nor copies of an
element in other threads. More bins than threadgroup memory holds go in rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dialects import arith, metal, tt
from ..ir.attributes import OpaqueAttr
from ..ir.core import Op, Value
from ..ir.stems import name_with
from ..ir.types import I32, TensorType, bit_width, element_of
from .context import Context
from .distribution import Run
from .elements import Elements, distribution
from .exchange import Side, counted_loop, identity, linear_number, only_if, side_codes
from .iteration import Iteration, loop_runs, register_loops
from .roots import Root, makes_roots

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan

_COUNT_BYTES = 4


class Histogram(Root):
    """The whole op: clear the counts, count, read them; for as many bins at a time as fit."""

    takes_vectors = False

    def __init__(self, op: tt.Histogram, rounds: int) -> None:
        super().__init__(op, list(op.operands), op.source)
        self._histogram, self._rounds = op, rounds

    @property
    def is_alone(self) -> bool:
        """It has loops over bins as well as over elements."""
        return True

    @property
    def produced(self) -> list[Value]:
        """The counts."""
        return self.op.results

    def run_alone(self, group: GroupLowering) -> None:
        """All rounds."""
        context, result = group.context, self._histogram.result
        assert isinstance(result.type, TensorType)
        bins = result.type.size // self._rounds
        context.storage(result)
        name = name_with(result, "bins")
        array = context.threadgroup(bins, I32, name)
        if self._rounds == 1:
            self._round(context, array, bins, None)
            return
        with counted_loop(context, self._rounds, "round") as index:
            self._round(context, array, bins, context.builder.mul(index, bins))

    def _round(self, context: Context, array: Value, bins: int, first: Value | None) -> None:
        self._clear(context, array, bins)
        self._count(context, array, bins, first)
        self._read(context, array, bins, first)

    def _clear(self, context: Context, array: Value, bins: int) -> None:
        builder, threads = context.builder, context.simdgroups * 32
        turns = max(1, bins // threads)
        runs = [Run(0, 1, 0, turns.bit_length() - 1)] if turns > 1 else []
        with register_loops(builder, runs) as variables:
            place = context.thread
            if variables:
                place = builder.add(place, builder.mul(variables[0].value, threads))
            few = bins < threads
            limit = builder.constant(bins)
            with only_if(context, builder.compare("ult", place, limit) if few else None):
                context.write(builder.constant(0), array, place)

    def _count(self, context: Context, array: Value, bins: int, first: Value | None) -> None:
        op, builder = self._histogram, context.builder
        layout = distribution(op.source)
        with register_loops(builder, loop_runs(layout, 0)) as variables:
            step = Elements(context, Iteration(builder, 1, variables))
            number = step.full(op.source, layout.identity)
            mask = None if op.mask is None else step.full(op.mask, layout.identity)
            builder.locate(op)
            number, limit = self._comparable(context, number, bins, first)
            inside = None if limit is None else builder.compare("ult", number, limit)
            counted = builder.both(context.is_first_copy(layout.replicated_threads), mask)
            with only_if(context, builder.both(counted, inside)):
                index = number
                if bit_width(number.type) > 32:
                    index = builder.value(arith.Trunci((number,), (I32,)))
                one = builder.constant(1)
                attributes = {"kind": OpaqueAttr("add")}
                builder.insert(metal.AtomicRmw((array, one, index), (I32,), attributes))

    def _comparable(
        self, context: Context, number: Value, bins: int, first: Value | None
    ) -> tuple[Value, Value | None]:
        """The number from the round's first bin on, and its bound; None: it is always below."""
        builder = context.builder
        width = bit_width(number.type)
        if width < 32:
            number = builder.value(arith.Extui((number,), (I32,)))
            if 1 << width <= bins:
                return number, None
        if first is not None:
            if width > 32:
                first = builder.value(arith.Extsi((first,), (number.type,)))
            number = builder.binary(arith.Subi, number, first)
        return number, builder.constant(bins, number.type)

    def _read(self, context: Context, array: Value, bins: int, first: Value | None) -> None:
        result, builder = self._histogram.result, context.builder
        layout = distribution(result)
        codes = side_codes(layout, Side(result, identity), layout.shape)
        with register_loops(builder, loop_runs(layout, 0)) as variables:
            step = Elements(context, Iteration(builder, 1, variables))
            place = linear_number(step, codes, 0)
            mine = None
            if first is not None:
                place = builder.binary(arith.Subi, place, first)
                mine = builder.compare("ult", place, builder.constant(bins))
            with only_if(context, mine):
                value = context.read(array, place)
                step.write(context.storage(result), _as(context, value, result), layout.identity)


def _as(context: Context, count: Value, result: Value) -> Value:
    """A count in the result's type."""
    type_ = element_of(result.type)
    if bit_width(type_) == 32:
        return count
    kind = arith.Extui if bit_width(type_) > 32 else arith.Trunci
    return context.builder.value(kind((count,), (type_,)))


@makes_roots(tt.Histogram)
def _histogram_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, tt.Histogram)
    assert isinstance(op.result.type, TensorType)
    rounds = 1
    while op.result.type.size // rounds * _COUNT_BYTES > plan.threadgroup_memory:
        rounds *= 2
    return [Histogram(op, rounds)]
