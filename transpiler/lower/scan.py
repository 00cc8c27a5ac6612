"""tt.scan: bit after bit of the axis' coordinate, from the lowest to the highest.

The elements are put into the results' arrays, and scanned there in place. Which bits of a layout
lie along the axis says how: a run of register bits is a loop that combines each element with the
one before it; lane bits are a scan by shuffles over what each lane has in total; SIMD-group bits go
through threadgroup memory. After each level every element is scanned within a larger stretch, whose
total is that of its last element; the next level combines the totals of the stretches before with
every element of a stretch. The order of operands is kept: what comes earlier along the axis (later,
for a reverse scan) is the left one.

A layout whose bits mix the axis with another dimension is changed before (passes/plain_axes.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..dialects import arith, metal, tt
from ..ir.attributes import Attribute, UnitAttr
from ..ir.core import Block, Op, Value
from ..ir.stems import name_with
from ..ir.types import element_of
from .axes import LANE_BITS, Level, axis_levels
from .combine import combine_values
from .context import Context, named
from .distribution import Distribution
from .elements import Elements
from .exchange import counted_loop, only_if
from .iteration import Iteration, LoopVariable, loops_over, register_loops, thread_weighted
from .roots import Root, makes_roots

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan


class ScanInput(Root):
    """Puts the operands into the results' arrays."""

    def __init__(self, op: tt.Scan) -> None:
        super().__init__(op, list(op.inputs), op.inputs[0])

    def prepare(self, group: GroupLowering) -> None:
        """Make the arrays."""
        for result in self.op.results:
            group.context.storage(result)

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Set this step's elements."""
        values = [elements.full(value, group.position) for value in self.operands]
        group.context.builder.locate(self.op)
        for result, value in zip(self.op.results, values, strict=True):
            elements.write(group.context.storage(result), value, group.position)


class ScanSteps(Root):
    """Scans in place."""

    takes_vectors = False

    def __init__(self, op: tt.Scan, after: Root) -> None:
        super().__init__(op, [], op.results[0])
        self.after = after
        self._scan = op

    @property
    def is_alone(self) -> bool:
        """Its loops follow the axis."""
        return True

    @property
    def produced(self) -> list[Value]:
        """The results."""
        return self.op.results

    def run_alone(self, group: GroupLowering) -> None:
        """Level by level."""
        _Scan(group.context, self._scan, group.group.distribution).run()


@makes_roots(tt.Scan)
def _scan_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, tt.Scan)
    fill = ScanInput(op)
    return [fill, ScanSteps(op, fill)]


@dataclass
class _Totals:
    """Where the totals of the stretches are: arrays, and each register bit's weight in them."""

    arrays: list[Value]
    weights: list[int]


class _Scan:
    def __init__(self, context: Context, op: tt.Scan, layout: Distribution) -> None:
        self.context, self.op, self.layout = context, op, layout
        self.builder = context.builder
        self.bits = range(len(layout.registers))
        self.arrays = [context.storage(result).array for result in op.results]
        self.weights = [1 << bit for bit in self.bits]
        self.totals = _Totals(self.arrays, self.weights)
        self.done: list[int] = []  # register bits along the axis whose level is done
        self.done_threads = 0  # bits of the thread index along the axis, likewise

    def run(self) -> None:
        """All levels, each with a word of what it does."""
        levels = axis_levels(self.layout, self.op.axis, self.op)
        while levels:
            level = levels.pop(0)
            self.builder.locate(self.op)
            if level.kind == "registers":
                self._registers(level)
                continue
            lanes = [level] if level.kind == "lanes" else []
            while lanes and levels and levels[0].kind == "lanes":
                lanes.append(levels.pop(0))
            groups = None if lanes else level
            if lanes and levels and levels[0].kind == "simdgroups":
                groups = levels.pop(0)
            self._threads(lanes, groups, is_last=not levels)
        self.context.section()

    # -- places in arrays ----------------------------------------------------------------------

    def _left(self) -> list[int]:
        """Register bits whose level is still to come, or that are not along the axis."""
        return [bit for bit in self.bits if bit not in self.done]

    def _ends(self, weights: Sequence[int]) -> int:
        """The entry of the last element of a stretch, counted from its first register."""
        return 0 if self.op.reverse else sum(weights[bit] for bit in self.done)

    def _index(self, variables: list[LoopVariable], weights: Sequence[int], start: int) -> Value:
        iteration = Iteration(self.builder, 1, variables)
        found = iteration.weighted(self.layout.identity, weights)
        return self.builder.add(found, self.builder.constant(start))

    def _read(self, arrays: list[Value], index: Value) -> list[Value]:
        return [self.context.read(array, index) for array in arrays]

    def _write(self, arrays: list[Value], index: Value, values: list[Value]) -> None:
        for array, value in zip(arrays, values, strict=True):
            self.context.write(value, array, index)

    def combined(self, left: list[Value], right: list[Value]) -> list[Value]:
        """The combine block."""
        return combine_values(self.context, self.op, left, right)

    def variables(self, name: str, count: int = 1) -> list[Value]:
        """New local arrays, one for each result."""
        return [
            self.context.local(count, element_of(r.type), f"{r.name}_{name}" if r.name else name)
            for r in self.op.results
        ]

    def _combine_stretch(self, base: Value, left: list[Value]) -> None:
        """Combine values with every element of a stretch (of this thread)."""
        inner = loops_over(sorted(self.done))
        with register_loops(self.builder, inner) as deeper:
            within = Iteration(self.builder, 1, deeper).weighted(self.layout.identity, self.weights)
            index = self.builder.add(base, within)
            new = self.combined(left, self._read(self.arrays, index))
            self._write(self.arrays, index, new)

    # -- registers -----------------------------------------------------------------------------

    def _registers(self, level: Level) -> None:
        """Stretches one after another: each takes what the one before it has in total."""
        size = 1 << len(level.bits)
        others = [bit for bit in self._left() if bit not in level.bits]
        self.context.section(f"scan over {size} registers")
        separate = self.totals.arrays is not self.arrays
        with (
            register_loops(self.builder, loops_over(others)) as variables,
            counted_loop(self.context, size, "i", start=1) as turn,
        ):
            self._register_turn(level, variables, self._neighbours(turn, size), separate)
        self.done += level.bits

    def _register_turn(
        self,
        level: Level,
        variables: list[LoopVariable],
        neighbours: tuple[Value, Value],
        separate: bool,
    ) -> None:
        """A stretch takes the total of the one before it, and so does its own total."""
        builder, totals, first = self.builder, self.totals, level.bits[0]
        earlier, own = neighbours
        start = self._index(variables, totals.weights, self._ends(totals.weights))
        step = totals.weights[first]
        before = self._read(totals.arrays, builder.add(start, builder.mul(earlier, step)))
        base = self._index(variables, self.weights, 0)
        here = builder.add(base, builder.mul(own, self.weights[first]))
        self._combine_stretch(here, before)
        if separate:
            index = builder.add(start, builder.mul(own, step))
            total = self.combined(before, self._read(totals.arrays, index))
            self._write(totals.arrays, index, total)

    def _neighbours(self, turn: Value, size: int) -> tuple[Value, Value]:
        """The stretch before, and the one of this turn (from the end for a reverse scan)."""
        builder = self.builder
        if self.op.reverse:
            end = builder.constant(size)
            earlier = builder.binary(arith.Subi, end, turn)
            return earlier, builder.binary(arith.Subi, builder.constant(size - 1), turn)
        return builder.binary(arith.Subi, turn, builder.constant(1)), turn

    # -- threads -------------------------------------------------------------------------------

    def _threads(self, lanes: list[Level], groups: Level | None, is_last: bool) -> None:
        """What lanes, then SIMD-groups before the own one have in total goes to every element."""
        left = self._left()
        runs = loops_over(left)
        size = 1 << len(left)
        packed = [1 << left.index(bit) if bit in left else 0 for bit in self.bits]
        keep_totals = None if is_last else _Totals(self.variables("total", size), packed)
        shared = None if groups is None else _SharedTotals(self, lanes, groups, size)
        befores = self.variables("before", size) if shared and lanes else []
        self.context.section(_words(lanes, groups))

        def finish(variables: list[LoopVariable], slot: Value, found: _Found) -> None:
            self._apply(self._index(variables, self.weights, 0), found)
            if keep_totals:
                self._write(keep_totals.arrays, slot, found.totals)

        with register_loops(self.builder, runs) as variables:
            slot = self._index(variables, packed, 0)
            at = self._index(variables, self.totals.weights, self._ends(self.totals.weights))
            totals = self._read(self.totals.arrays, at)
            found = self._over_lanes(lanes, totals, bool(shared) or not is_last)
            if shared is not None:
                shared.send(found.totals, slot)
                self._write(befores, slot, found.before if lanes else [])
            else:
                finish(variables, slot, found)
        if shared is not None:
            with register_loops(self.builder, runs) as variables:
                slot = self._index(variables, packed, 0)
                finish(variables, slot, shared.receive(slot, self._read(befores, slot), lanes))
        self.totals = keep_totals or self.totals
        for level in (*lanes, *([groups] if groups else [])):
            self.done_threads |= sum(1 << bit for bit in level.bits)

    def _apply(self, base: Value, found: _Found) -> None:
        with only_if(self.context, found.has_before):
            self._combine_stretch(base, found.before)

    def _over_lanes(self, lanes: list[Level], totals: list[Value], more: bool) -> _Found:
        """A scan over each run of lane bits; what is before a lane comes from all runs."""
        found = _Found(totals, [], None)
        for level in lanes:
            inclusive = self._lane_scan(level, found.totals)
            before = self._shifted(level, inclusive)
            found = self.joined(found, before, self.lane_has_before(level))
            if more or level is not lanes[-1]:
                found.totals = self._last_lane(level, inclusive)
        return found

    def joined(self, lower: _Found, before: list[Value], has_before: Value) -> _Found:
        """What is before an element on two levels: `before` on the upper one."""
        if lower.has_before is None:
            return _Found(lower.totals, before, has_before)
        both = self.combined(before, lower.before)
        values: list[Value] = []
        for upper, whole, low in zip(before, both, lower.before, strict=True):
            type_ = (upper.type,)
            value = self.builder.value(arith.Select((lower.has_before, whole, upper), type_))
            values.append(self.builder.value(arith.Select((has_before, value, low), type_)))
        either = self.builder.binary(arith.Ori, lower.has_before, has_before)
        return _Found(lower.totals, values, named(either, "has_before"))

    def _place(self, level: Level) -> Value:
        """The lane's number within the lanes up to those of a level."""
        return self.builder.rem(self.context.thread, 2 << level.bits[-1])

    def lane_has_before(self, level: Level) -> Value:
        """Whether a lane has others before it on a level."""
        builder, first, limit = self.builder, 1 << level.bits[0], 2 << level.bits[-1]
        place = self._place(level)
        if self.op.reverse:
            test = builder.compare("ult", place, builder.constant(limit - first))
        else:
            test = builder.compare("uge", place, builder.constant(first))
        return named(test, "has_lane_before")

    def _lane_scan(self, level: Level, totals: list[Value]) -> list[Value]:
        types = [value.type for value in totals]
        body = Block([*types, *types])
        attributes: dict[str, Attribute] = {
            "first": metal.integer_attribute(1 << level.bits[0]),
            "last": metal.integer_attribute(1 << level.bits[-1]),
        }
        if self.op.reverse:
            attributes["reverse"] = UnitAttr()
        place = self._place(level)
        operands = [place, *totals]
        loop = metal.LaneScan(operands, types, attributes, [metal.region(body)])
        self.builder.insert(loop)
        for result, value in zip(loop.results, self.op.results, strict=True):
            result.name = name_with(value, "upto")
        with self.builder.at(body):
            count = len(totals)
            new = self.combined(body.args[:count], body.args[count:])
            self.builder.insert(metal.Yield(new))
        return loop.results

    def _shifted(self, level: Level, values: list[Value]) -> list[Value]:
        direction = "down" if self.op.reverse else "up"
        attributes = {
            "distance": metal.integer_attribute(1 << level.bits[0]),
            "direction": metal.word_attribute(direction),
        }
        return [
            self.builder.value(metal.SimdShift((value,), (value.type,), attributes), "before")
            for value in values
        ]

    def _last_lane(self, level: Level, values: list[Value]) -> list[Value]:
        """What the last lane of a level has, for all its lanes."""
        builder = self.builder
        mask = sum(1 << bit for bit in level.bits)
        everyone = (1 << LANE_BITS) - 1
        if mask == everyone:
            lane = builder.constant(0 if self.op.reverse else everyone)
        else:
            own = builder.rem(self.context.thread, 1 << LANE_BITS)
            kept = builder.both(own, builder.constant(everyone & ~mask))
            assert kept is not None
            lane = kept if self.op.reverse else builder.add(kept, builder.constant(mask))
        return [
            builder.value(metal.SimdShuffle((value, lane), (value.type,)), "total")
            for value in values
        ]


@dataclass
class _Found:
    """Totals of a larger stretch, and what is before an element in it, where there is something."""

    totals: list[Value]
    before: list[Value]
    has_before: Value | None


class _SharedTotals:
    """Totals in threadgroup memory: [SIMD-group along the axis][register left][place]."""

    def __init__(self, scan: _Scan, lanes: list[Level], groups: Level, count: int) -> None:
        self.scan, self.lanes, self.groups = scan, lanes, groups
        self.context, self.builder = scan.context, scan.builder
        threads = scan.layout.threads
        below = scan.done_threads | sum(1 << bit for level in lanes for bit in level.bits)
        self.silent = below | scan.layout.replicated_threads
        places = [
            bit
            for bit, basis in enumerate(threads)
            if any(basis) and bit not in groups.bits and not below >> bit & 1
        ]
        self.size = 1 << len(groups.bits)
        self.places = 1 << len(places)
        self.stride = self.places * count
        self.place_weights = [0] * len(threads)
        for index, bit in enumerate(places):
            self.place_weights[bit] = 1 << index
        self.group_weights = [0] * len(threads)
        for index, bit in enumerate(groups.bits):
            self.group_weights[bit] = 1 << index
        self.arrays = [
            self.context.threadgroup(
                self.size * self.stride, element_of(r.type), f"{r.name or 'scan'}_totals"
            )
            for r in scan.op.results
        ]

    def _thread_part(self, weights: list[int]) -> Value:
        return thread_weighted(self.builder, self.context.thread, weights)[0]

    def _entry(self, group: Value, slot: Value) -> Value:
        builder = self.builder
        within = builder.add(builder.mul(slot, self.places), self._thread_part(self.place_weights))
        return builder.add(builder.mul(group, self.stride), within)

    def send(self, totals: list[Value], slot: Value) -> None:
        """One thread of those that know a total writes it."""
        index = self._entry(self._thread_part(self.group_weights), slot)
        with only_if(self.context, self.context.is_first_copy(self.silent)):
            for value, array in zip(totals, self.arrays, strict=True):
                self.context.write(value, array, index)

    def receive(self, slot: Value, lane_before: list[Value], lanes: list[Level]) -> _Found:
        """Totals of all SIMD-groups, one after another; those before the own one on the way."""
        context, builder, scan = self.context, self.builder, self.scan
        zero = builder.constant(0)
        mine = self._thread_part(self.group_weights)
        if scan.op.reverse:
            mine = builder.binary(arith.Subi, builder.constant(self.size - 1), mine)
        running, before = scan.variables("running"), scan.variables("earlier")
        first = self._totals_of(zero, slot)
        for array, value in zip((*running, *before), (*first, *first), strict=True):
            context.write(value, array, zero)
        with counted_loop(context, self.size, "i", start=1) as turn:
            old = [context.read(array, zero) for array in running]
            with only_if(context, builder.compare("eq", turn, mine)):
                for array, value in zip(before, old, strict=True):
                    context.write(value, array, zero)
            new = scan.combined(old, self._totals_of(turn, slot))
            for array, value in zip(running, new, strict=True):
                context.write(value, array, zero)
        totals = [context.read(array, zero) for array in running]
        earlier = [context.read(array, zero) for array in before]
        has_before = named(builder.compare("ne", mine, zero), "has_simdgroup_before")
        lower = _Found(totals, lane_before, self._lanes_have_before(lanes))
        return scan.joined(lower, earlier, has_before)

    def _lanes_have_before(self, lanes: list[Level]) -> Value | None:
        result: Value | None = None
        for level in lanes:
            one = self.scan.lane_has_before(level)
            result = one if result is None else self.builder.binary(arith.Ori, result, one)
        return result

    def _totals_of(self, turn: Value, slot: Value) -> list[Value]:
        """The totals of the SIMD-group that comes in a turn."""
        builder = self.builder
        if self.scan.op.reverse:
            turn = builder.binary(arith.Subi, builder.constant(self.size - 1), turn)
        index = self._entry(turn, slot)
        return [self.context.read(array, index) for array in self.arrays]


def _words(lanes: list[Level], groups: Level | None) -> str:
    parts = [f"{1 << sum(len(level.bits) for level in lanes)} lanes"] if lanes else []
    parts += [f"{1 << len(groups.bits)} simdgroups"] if groups else []
    return f"scan over {', then over '.join(parts)}"
