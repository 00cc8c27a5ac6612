"""What values an integer can take: decides where signed arithmetic cannot overflow.

Signed overflow has no meaning in MSL, while TTGIR's integers wrap. What provably stays in range is
written with plain `int`; the rest is computed as `uint`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..dialects import arith, math, metal, scf, tt
from ..ir.attributes import IntegerAttr
from ..ir.core import Block, Op, Value
from ..ir.types import FloatType, IndexType, IntegerType, PointerType, element_of


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
        """Whether the signed result might not fit its type."""
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
            case tt.GetProgramId():
                return Range(0, limits.high)
            case tt.GetNumPrograms():
                return Range(1, limits.high)
            case metal.Iota():
                return Range(0, 3)
            case arith.Addi() | arith.Subi() | arith.Muli() | arith.Shli():
                return self.exact(op) or limits
            case arith.Divui() | arith.Divsi() if self._divides(op):
                a, b = (self[value] for value in op.operands)
                return Range(a.low // b.high, a.high // b.low)
            case arith.Remui() | arith.Remsi() if self._divides(op):
                return Range(0, min(self[op.operands[0]].high, self[op.operands[1]].high - 1))
            case arith.Remui() if self[op.operands[1]].low > 0:
                return Range(0, self[op.operands[1]].high - 1)
            case arith.Extsi() | arith.Trunci() | metal.SplatVector() | arith.IndexCast():
                return self[op.operands[0]]
            case arith.Extui() | arith.Select() | math.Absi() | arith.Shrsi() | arith.Shrui():
                return self._of_more(op, limits)
            case arith.Andi() | arith.Maxsi() | arith.Minsi():
                return self._of_more(op, limits)
            case _:
                pass
        return limits

    def _of_more(self, op: Op, limits: Range) -> Range:
        """Ranges of what keeps or joins those of its operands."""
        values = [v for v in op.operands if not isinstance(v.type, PointerType | FloatType)]
        ranges = [self[v] for v in values if isinstance(element_of(v.type), _INTEGERS)]
        a, b = ranges[0], ranges[-1]
        match op:
            case arith.Extui():
                return a if a.is_nonnegative else Range(0, (1 << _width(op.operands[0])) - 1)
            case arith.Select():
                if len(ranges) < 3:
                    return limits
                return Range(min(r.low for r in ranges[1:]), max(r.high for r in ranges[1:]))
            case math.Absi() if a.low > limits.low:
                low = 0 if a.low <= 0 <= a.high else min(abs(a.low), abs(a.high))
                return Range(low, max(abs(a.low), abs(a.high)))
            case arith.Shrsi() | arith.Shrui() if a.is_nonnegative:
                known = b.low == b.high and 0 <= b.low < _width(op.result)
                return Range(a.low >> b.low, a.high >> b.low) if known else Range(0, a.high)
            case arith.Andi() if a.is_nonnegative or b.is_nonnegative:
                return Range(0, min(r.high for r in (a, b) if r.is_nonnegative))
            case arith.Maxsi():
                return Range(max(a.low, b.low), max(a.high, b.high))
            case arith.Minsi():
                return Range(min(a.low, b.low), min(a.high, b.high))
            case _:
                return limits

    def _divides(self, op: Op) -> bool:
        return self[op.operands[0]].is_nonnegative and self[op.operands[1]].low > 0

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
    if not isinstance(op, _TRACED):
        return []
    return [v for v in op.operands if isinstance(element_of(v.type), IntegerType | IndexType)]


_INTEGERS = (IntegerType, IndexType)
_TRACED = (
    arith.Addi,
    arith.Subi,
    arith.Muli,
    arith.Divui,
    arith.Divsi,
    arith.Remui,
    arith.Remsi,
    arith.Shli,
    arith.Shrsi,
    arith.Shrui,
    arith.Andi,
    arith.Maxsi,
    arith.Minsi,
    arith.Select,
    arith.Extsi,
    arith.Extui,
    arith.Trunci,
    arith.IndexCast,
    math.Absi,
    metal.SplatVector,
)


def _width(value: Value) -> int:
    type_ = element_of(value.type)
    assert isinstance(type_, IntegerType | IndexType)
    return type_.width
