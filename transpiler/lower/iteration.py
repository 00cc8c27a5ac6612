"""Loops over registers, and index arithmetic on their variables.

An iteration gives every register bit of a group's distribution a source: a component of the vector
being worked on, or a bit of a loop variable. `weighted` turns linear maps of bits into arithmetic:
runs of bits become `variable * stride`, disjoint parts are added, and only what overlaps is XORed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..dialects import metal
from ..ir.core import Block, Value
from ..ir.types import I32
from .builder import Builder
from .distribution import ONE, Distribution, Position, Run


@dataclass(frozen=True)
class LoopVariable:
    """A loop variable that holds `bits` bits of the iteration, from bit `first` on."""

    value: Value
    first: int
    bits: int


@dataclass
class Iteration:
    """The open loops; bits below `lanes` (a power of two) are vector components."""

    builder: Builder
    lanes: int
    variables: list[LoopVariable]

    def variable_of(self, bit: int) -> LoopVariable | None:
        """The loop variable that holds an iteration bit; None: the bit is 0 here."""
        for variable in self.variables:
            if variable.first <= bit < variable.first + variable.bits:
                return variable
        return None

    def weighted(self, position: Position, weights: Sequence[int]) -> Value:
        """XOR over the bits of a value's register of (bit * weight); sums where that is the same.

        `position` says what each register bit is in this iteration. Components of vectors count as
        component 0.
        """
        terms = [(mask & ~ONE, w) for mask, w in zip(position, weights, strict=True) if w]
        singles = [(m.bit_length() - 1, w) for m, w in terms if m & (m - 1) == 0 and m]
        parts = [self._run(run) for run in _bit_runs(singles, self)]
        spread = [(m, w) for m, w in terms if m & (m - 1)]
        parts += [(self._xored(mask, weight), weight) for mask, weight in spread]
        if constant := _ones(position, weights):
            parts.append((self.builder.constant(constant), constant))
        return combine(self.builder, [(v, m) for v, m in parts if v is not None])

    def _run(self, run: tuple[LoopVariable, int, int, int]) -> tuple[Value | None, int]:
        variable, low, bits, weight = run
        builder = self.builder
        field = extract_bits(builder, variable.value, low, bits, variable.bits)
        return builder.mul(field, weight), ((1 << bits) - 1) * weight

    def _xored(self, mask: int, weight: int) -> Value | None:
        total: Value | None = None
        for bit in range(mask.bit_length()):
            variable = self.variable_of(bit) if mask >> bit & 1 else None
            if variable is not None:
                value = extract_bits(
                    self.builder, variable.value, bit - variable.first, 1, variable.bits
                )
                total = value if total is None else self.builder.xor(total, value)
        return None if total is None else self.builder.mul(total, weight)


def _ones(position: Position, weights: Sequence[int]) -> int:
    """What the constant bits of a position add up to."""
    total = 0
    for mask, weight in zip(position, weights, strict=True):
        total ^= weight if mask & ONE else 0
    return total


def _bit_runs(
    singles: Sequence[tuple[int, int]], iteration: Iteration
) -> Iterator[tuple[LoopVariable, int, int, int]]:
    """(variable, its lowest bit, bits, weight of that bit) of maximal runs of doubling weights."""
    pending: list[tuple[LoopVariable, int, int, int]] = []
    for bit, weight in singles:
        variable = iteration.variable_of(bit)
        if variable is None:
            continue
        low = bit - variable.first
        if pending:
            last, start, bits, first_weight = pending[-1]
            follows = last is variable and low == start + bits
            if follows and is_power(weight) and weight == first_weight << bits:
                pending[-1] = (last, start, bits + 1, first_weight)
                continue
        pending.append((variable, low, 1, weight))
    yield from pending


def extract_bits(builder: Builder, value: Value, low: int, bits: int, total: int) -> Value:
    """Bits low .. low+bits-1 of an index of `total` bits, as a quotient and a remainder."""
    field = builder.div(value, 1 << low)
    return field if low + bits == total else builder.rem(field, 1 << bits)


def combine(builder: Builder, parts: Iterable[tuple[Value, int]]) -> Value:
    """The XOR of values, given the bits that each may set: a sum where they are disjoint."""
    result: Value | None = None
    seen = 0
    for value, mask in parts:
        if result is None:
            result = value
        elif seen & mask:
            result = builder.xor(result, value)
        else:
            result = builder.add(result, value)
        seen |= mask
    return builder.constant(0) if result is None else result


def is_power(weight: int) -> bool:
    """Whether a number is a power of two: only then do doubling weights add as they XOR."""
    return weight > 0 and weight & (weight - 1) == 0


def thread_weighted(builder: Builder, thread: Value, weights: list[int]) -> tuple[Value, int]:
    """The XOR of (bit * weight) over the bits of the thread index, and the bits that it may set."""
    parts: list[tuple[Value, int]] = []
    bit = 0
    while bit < len(weights):
        bits = 1
        weight = weights[bit]
        while is_power(weight) and weights[bit + bits : bit + bits + 1] == [weight << bits]:
            bits += 1
        if weight:
            field = extract_bits(builder, thread, bit, bits, len(weights))
            parts.append((builder.mul(field, weight), ((1 << bits) - 1) * weight))
        bit += bits
    mask = 0
    for _, part in parts:
        mask |= part
    return combine(builder, parts), mask


def loop_runs(distribution: Distribution, from_bit: int) -> list[Run]:
    """The runs of the register bits from `from_bit` on, outermost (highest) first."""
    runs: list[Run] = []
    for run in distribution.runs:
        cut = max(0, from_bit - run.first)
        if cut < run.bits:
            runs.append(Run(run.dim, run.stride << cut, run.first + cut, run.bits - cut))
    return runs[::-1]


def loops_over(bits: Sequence[int]) -> list[Run]:
    """Loops over some register bits, in ascending order: neighbours share one; outermost first."""
    runs: list[Run] = []
    for bit in bits:
        if runs and runs[-1].first + runs[-1].bits == bit:
            last = runs[-1]
            runs[-1] = Run(last.dim, last.stride, last.first, last.bits + 1)
        else:
            runs.append(Run(0, 1, bit, 1))
    return runs[::-1]


@contextmanager
def register_loops(
    builder: Builder, runs: Sequence[Run]
) -> Generator[list[LoopVariable], None, None]:
    """Open one loop a run, the first outermost; code made meanwhile goes into the innermost."""
    outer = builder.block
    variables: list[LoopVariable] = []
    for run in runs:
        body = Block([I32])
        attributes = {"count": metal.integer_attribute(run.size)}
        builder.insert(metal.RegisterLoop((), (), attributes, [metal.region(body)]))
        body.args[0].name = "r" if run is runs[0] else "i"
        variables.append(LoopVariable(body.args[0], run.first, run.bits))
        builder.block = body
    yield variables
    block = builder.block
    for _ in runs:
        block.append(metal.Yield())
        loop = block.parent_op
        assert loop is not None
        assert loop.parent is not None
        block = loop.parent
    builder.block = outer
