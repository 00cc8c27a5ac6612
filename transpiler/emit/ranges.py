"""What values an integer can take: decides where signed arithmetic cannot overflow.

Signed overflow has no meaning in MSL, while TTGIR's integers wrap. What provably stays in range is
written with plain `int`; the rest is computed as `uint`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..dialects import arith, math, metal, scf, tt
from ..ir.attributes import IntegerAttr, OpaqueAttr
from ..ir.core import Block, Op, Value
from ..ir.types import IndexType, IntegerType, element_of


@dataclass(frozen=True)
class Range:
    """Bounds, both included, of the signed value."""

    low: int
    high: int

    @property
    def is_nonnegative(self) -> bool:
        """Whether the value is never negative."""
        return self.low >= 0


def full_range(width: int) -> Range:
    """Everything that a signed integer of a width can be."""
    return Range(-(1 << (width - 1)), (1 << (width - 1)) - 1)


class Ranges:
    """Ranges of the integers of a kernel, each computed once."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._known: dict[Value, Range] = {}

    def __getitem__(self, value: Value) -> Range:
        """The range of an integer scalar or vector."""
        stack = [value]
        while stack:
            top = stack[-1]
            missing = [v for v in _inputs(top) if v not in self._known]
            if missing:
                stack.extend(missing)
                continue
            if top not in self._known:
                self._known[top] = self._compute(top)
            stack.pop()
        return self._known[value]

    def exact(self, op: Op) -> Range | None:
        """The unwrapped range of a sum, difference or product."""
        a, b = (self[value] for value in op.operands)
        match op:
            case arith.Addi():
                return Range(a.low + b.low, a.high + b.high)
            case arith.Subi():
                return Range(a.low - b.high, a.high - b.low)
            case arith.Muli():
                corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
                return Range(min(corners), max(corners))
            case arith.Shli():
                if b.low != b.high or not 0 <= b.low < _width(op.result) or a.low < 0:
                    return None
                return Range(a.low << b.low, a.high << b.low)
            case _:
                return None

    def overflows(self, op: Op) -> bool:
        """Whether the signed result might not fit its type; what is marked `nsw` always fits."""
        flags = op.attributes.get("overflowFlags")
        if isinstance(flags, OpaqueAttr) and "nsw" in flags.text:
            return False
        exact = self.exact(op)
        limits = full_range(_width(op.result))
        return exact is None or exact.low < limits.low or exact.high > limits.high

    def _compute(self, value: Value) -> Range:
        limits = full_range(_width(value))
        op = value.defining_op
        if op is None:
            return self._of_argument(value, limits)
        found = self._of_op(op, limits)
        return found if limits.low <= found.low and found.high <= limits.high else limits

    def _of_op(self, op: Op, limits: Range) -> Range:
        match op:
            case arith.Constant():
                attribute = op.attributes["value"]
                if isinstance(attribute, IntegerAttr):
                    return Range(attribute.value, attribute.value)
            case metal.ThreadIndex():
                return Range(0, self._threads - 1)
            case arith.Addi() | arith.Subi() | arith.Muli() | arith.Shli():
                return self.exact(op) or limits
            case _ if type(op) in _RULES:
                return _RULES[type(op)]([self[v] for v in _integers(op)], limits)
            case _:
                pass
        return limits

    def _of_argument(self, value: Value, limits: Range) -> Range:
        assert isinstance(value.owner, Block)
        region = value.owner.parent
        loop = region.parent if region else None
        if isinstance(loop, metal.RegisterLoop):
            return Range(loop.start, max(loop.start, loop.count - 1))
        if isinstance(loop, scf.For) and value.index == 0:
            lower, upper, step = (self[v] for v in (loop.lower, loop.upper, loop.step))
            if step.low > 0:
                return Range(lower.low, max(lower.low, upper.high - 1))
        return limits


def _inputs(value: Value) -> list[Value]:
    """What the range of a value is computed from."""
    op = value.defining_op
    if op is None:
        region = value.owner.parent if isinstance(value.owner, Block) else None
        loop = region.parent if region else None
        bounded = isinstance(loop, scf.For) and value.index == 0
        return [loop.lower, loop.upper, loop.step] if bounded and isinstance(loop, scf.For) else []
    traced = type(op) in _RULES or isinstance(op, arith.Addi | arith.Subi | arith.Muli | arith.Shli)
    return _integers(op) if traced else []


def _integers(op: Op) -> list[Value]:
    return [v for v in op.operands if isinstance(element_of(v.type), IntegerType | IndexType)]


def _width(value: Value) -> int:
    type_ = element_of(value.type)
    assert isinstance(type_, IntegerType | IndexType)
    return type_.width


# -- one function for each kind of op: the operands' ranges, and everything that the type holds ----

RangeRule = Callable[[list[Range], Range], Range]


def _bounded(low: int) -> RangeRule:
    return lambda operands, limits: Range(low, limits.high)


def _same(operands: list[Range], limits: Range) -> Range:
    return operands[0]


def _quotient(operands: list[Range], limits: Range) -> Range:
    a, b = operands
    divides = a.is_nonnegative and b.low > 0
    return Range(a.low // b.high, a.high // b.low) if divides else limits


def _remainder(operands: list[Range], limits: Range) -> Range:
    a, b = operands
    divides = a.is_nonnegative and b.low > 0
    return Range(0, min(a.high, b.high - 1)) if divides else limits


def _unsigned_remainder(operands: list[Range], limits: Range) -> Range:
    a, b = operands
    if b.low <= 0:
        return limits
    return Range(0, min(a.high, b.high - 1) if a.is_nonnegative else b.high - 1)


def _unsigned(operands: list[Range], limits: Range) -> Range:
    """Zero extension: a negative number becomes one below 2 to its width."""
    (a,) = operands
    return (
        a if a.is_nonnegative else Range(0, a.high - a.low if a.low == -a.high - 1 else limits.high)
    )


def _shift_right(operands: list[Range], limits: Range) -> Range:
    a, b = operands
    if not a.is_nonnegative:
        return limits
    return Range(a.low >> b.low, a.high >> b.low) if b.low == b.high >= 0 else Range(0, a.high)


def _unsigned_shift_right(operands: list[Range], limits: Range) -> Range:
    a, b = operands
    bits = (limits.high + 1).bit_length()
    if not a.is_nonnegative and 0 < b.low == b.high < bits:
        return Range(0, (1 << (bits - b.low)) - 1)
    return _shift_right(operands, limits)


def _both_bits(operands: list[Range], limits: Range) -> Range:
    highs = [r.high for r in operands if r.is_nonnegative]
    return Range(0, min(highs)) if highs else limits


def _either(operands: list[Range], limits: Range) -> Range:
    values = operands[1:]  # the first is the condition
    if not values:
        return limits
    return Range(min(r.low for r in values), max(r.high for r in values))


def _absolute(operands: list[Range], limits: Range) -> Range:
    (a,) = operands
    if a.low == limits.low:
        return limits
    ends = abs(a.low), abs(a.high)
    return Range(0 if a.low <= 0 <= a.high else min(ends), max(ends))


def _largest(operands: list[Range], limits: Range) -> Range:
    a, b = operands
    return Range(max(a.low, b.low), max(a.high, b.high))


def _smallest(operands: list[Range], limits: Range) -> Range:
    a, b = operands
    return Range(min(a.low, b.low), min(a.high, b.high))


_RULES: dict[type[Op], RangeRule] = {
    tt.GetProgramId: _bounded(0),
    tt.GetNumPrograms: _bounded(1),
    metal.Iota: lambda operands, limits: Range(0, 3),
    metal.SplatVector: _same,
    arith.Extsi: _same,
    arith.Trunci: _same,
    arith.IndexCast: _same,
    arith.Extui: _unsigned,
    arith.Divsi: _quotient,
    arith.Divui: _quotient,
    arith.Remsi: _remainder,
    arith.Remui: _unsigned_remainder,
    arith.Shrsi: _shift_right,
    arith.Shrui: _unsigned_shift_right,
    arith.Andi: _both_bits,
    arith.Select: _either,
    arith.Maxsi: _largest,
    arith.Minsi: _smallest,
    math.Absi: _absolute,
}
