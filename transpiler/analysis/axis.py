"""What is known of the values along each dimension of a tensor: the ground for wide accesses.

The lattice is Triton's AxisInfo (lib/Analysis/AxisInfo.cpp in the Triton repository). For
dimension d of a tensor, over its elements in order,

- `contiguity[d]` = c: every aligned group of c elements counts up by one (pointers: one element);
- `divisibility[d]` = k: the first of each such group is a multiple of k (pointers: in bytes);
- `constancy[d]` = c: every aligned group of c elements is one number.

All three are powers of two. A scalar is treated as a tensor of shape (1,). What no rule knows is 1,
which is always right; only ops of index arithmetic have a rule.

As in Triton, the dividend of a signed division or remainder that counts up counts from zero: where
it is below zero, a quotient rounded toward zero changes within an aligned group. (An index below
zero is outside of what the kernel was given anyway.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..dialects import arith, scf, tt, ttg
from ..ir.attributes import Attribute, DenseAttr, IntegerAttr
from ..ir.core import Block, Op, Value
from ..ir.types import PointerType, TensorType, Type, bit_width, element_of, shape_of

_MOST = 1 << 30  # "divisible by anything": the divisibility of zero


@dataclass(frozen=True)
class AxisInfo:
    """See the module's text; tuples have one entry for each dimension."""

    contiguity: tuple[int, ...]
    divisibility: tuple[int, ...]
    constancy: tuple[int, ...]
    constant: int | None = None

    @property
    def rank(self) -> int:
        """Number of dimensions (1 for a scalar)."""
        return len(self.contiguity)

    def multiple(self, dim: int, group: int) -> int:
        """What divides the first element of every aligned group of `group` elements.

        Pointers aside: their contiguity counts elements, see `_pointer_multiple`.
        """
        if self.contiguity[dim] > group:
            return math.gcd(self.divisibility[dim], group)
        return self.divisibility[dim]

    def join(self, other: AxisInfo) -> AxisInfo:
        """What holds whichever of the two a value is."""
        contiguity = _each(math.gcd, self.contiguity, other.contiguity)
        return AxisInfo(
            contiguity,
            tuple(
                math.gcd(self.multiple(d, c), other.multiple(d, c))
                for d, c in enumerate(contiguity)
            ),
            _each(math.gcd, self.constancy, other.constancy),
            self.constant if self.constant == other.constant else None,
        )


def _each(
    function: Callable[[int, int], int], a: tuple[int, ...], b: tuple[int, ...]
) -> tuple[int, ...]:
    return tuple(function(x, y) for x, y in zip(a, b, strict=True))


def power_of_two(value: int) -> int:
    """The largest power of two that divides a number."""
    return min(value & -value, _MOST) if value else _MOST


def shape_or_one(type_: Type) -> tuple[int, ...]:
    """A tensor's shape; (1,) of a scalar."""
    return shape_of(type_) or (1,)


def unknown(type_: Type) -> AxisInfo:
    """Nothing is known."""
    ones = (1,) * len(shape_or_one(type_))
    return AxisInfo(ones, ones, ones)


def uniform(type_: Type, divisibility: int, constant: int | None = None) -> AxisInfo:
    """All elements are one number."""
    shape = shape_or_one(type_)
    return AxisInfo((1,) * len(shape), (divisibility,) * len(shape), shape, constant)


class AxisAnalysis:
    """AxisInfo of every value of a function, computed once, forward."""

    def __init__(self, function: Op) -> None:
        self._info: dict[Value, AxisInfo] = {}
        self._arguments(function)
        for block in function.regions[0].blocks:
            self._block(block)

    def __getitem__(self, value: Value) -> AxisInfo:
        return self._info.get(value) or unknown(value.type)

    def _arguments(self, function: Op) -> None:
        assert isinstance(function, tt.Func)
        for value, attributes in zip(
            function.regions[0].blocks[0].args, function.arg_attrs, strict=True
        ):
            self._info[value] = _hinted(unknown(value.type), dict(attributes))

    def _block(self, block: Block) -> None:
        for op in block.ops:
            if isinstance(op, scf.For):
                self._loop(op)
            elif op.regions:
                self._regions(op)
            else:
                rule = RULES.get(type(op))
                for result in op.results:
                    info = rule(op, self) if rule else unknown(result.type)
                    self._info[result] = _hinted(info, op.attributes)

    def _regions(self, op: Op) -> None:
        for region in op.regions:
            for block in region.blocks:
                self._block(block)
        if isinstance(op, scf.If) and op.results:
            branches = [region.block.terminator.operands for region in op.regions]
            for result, *yields in zip(op.results, *branches, strict=True):
                first, second = (self[value] for value in yields)
                self._info[result] = first.join(second)

    def _loop(self, op: scf.For) -> None:
        """Start from the initial values and weaken until the loop agrees with itself."""
        induction, *carried = op.body.args
        step = math.gcd(self[op.lower].divisibility[0], self[op.step].divisibility[0])
        self._info[induction] = AxisInfo((1,), (step,), (1,))
        for value, initial in zip(carried, op.inits, strict=True):
            self._info[value] = self[initial]
        while True:
            self._block(op.body)
            changed = False
            for value, result in zip(carried, op.body.terminator.operands, strict=True):
                joined = self[value].join(self[result])
                changed = changed or joined != self[value]
                self._info[value] = joined
            if not changed:
                break
        for result, value in zip(op.results, carried, strict=True):
            self._info[result] = self[value]


def _hinted(info: AxisInfo, attributes: dict[str, Attribute]) -> AxisInfo:
    """Facts that the user stated (tl.multiple_of and its kin; argument specialization)."""

    def stated(key: str, known: tuple[int, ...]) -> tuple[int, ...]:
        attribute = attributes.get(key)
        if isinstance(attribute, IntegerAttr):
            return tuple(max(k, power_of_two(attribute.value)) for k in known)
        if isinstance(attribute, DenseAttr):
            entries = attribute.entries * (len(known) if attribute.is_splat else 1)
            return tuple(max(k, power_of_two(e)) for k, e in zip(known, entries, strict=True))
        return known

    if not any(key.startswith("tt.") for key in attributes):
        return info
    return AxisInfo(
        stated("tt.contiguity", info.contiguity),
        stated("tt.divisibility", info.divisibility),
        stated("tt.constancy", info.constancy),
        info.constant,
    )


Rule = Callable[[Op, AxisAnalysis], AxisInfo]


def _constant(op: Op, known: AxisAnalysis) -> AxisInfo:
    attribute = op.attributes["value"]
    if isinstance(attribute, IntegerAttr):
        return uniform(op.result.type, power_of_two(attribute.value), attribute.value)
    if isinstance(attribute, DenseAttr) and attribute.is_splat:
        number = attribute.entries[0]
        return uniform(op.result.type, power_of_two(number), number)
    return unknown(op.result.type)


def _make_range(op: Op, known: AxisAnalysis) -> AxisInfo:
    assert isinstance(op, tt.MakeRange)
    size = op.end - op.start
    return AxisInfo((size,), (power_of_two(op.start),), (1,))


def _splat(op: Op, known: AxisAnalysis) -> AxisInfo:
    source = known[op.operands[0]]
    return uniform(op.result.type, source.divisibility[0], source.constant)


def _expand_dims(op: Op, known: AxisAnalysis) -> AxisInfo:
    assert isinstance(op, tt.ExpandDims)
    source = known[op.source]

    def insert(values: tuple[int, ...], value: int) -> tuple[int, ...]:
        return (*values[: op.axis], value, *values[op.axis :])

    # Along the new dimension each element is a group of its own.
    every = math.gcd(*(source.multiple(d, 1) for d in range(source.rank)))
    return AxisInfo(
        insert(source.contiguity, 1),
        insert(source.divisibility, every),
        insert(source.constancy, 1),
        source.constant,
    )


def _broadcast(op: Op, known: AxisAnalysis) -> AxisInfo:
    source = known[op.operands[0]]
    old, new = shape_of(op.operands[0].type), shape_of(op.result.type)
    constancy = tuple(
        n if o == 1 else c for o, n, c in zip(old, new, source.constancy, strict=True)
    )
    return AxisInfo(source.contiguity, source.divisibility, constancy, source.constant)


def _trans(op: Op, known: AxisAnalysis) -> AxisInfo:
    assert isinstance(op, tt.Trans)
    source = known[op.source]

    def permute(values: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(values[i] for i in op.order)

    return AxisInfo(
        permute(source.contiguity),
        permute(source.divisibility),
        permute(source.constancy),
        source.constant,
    )


def _same(op: Op, known: AxisAnalysis) -> AxisInfo:
    return known[op.operands[0]]


def _truncated(op: Op, known: AxisAnalysis) -> AxisInfo:
    info = known[op.operands[0]]
    return replace(info, constant=None)


def _folded(op: Op, a: AxisInfo, b: AxisInfo) -> int | None:
    if a.constant is None or b.constant is None:
        return None
    functions: dict[type[Op], Callable[[int, int], int]] = {
        arith.Addi: int.__add__,
        arith.Subi: int.__sub__,
        arith.Muli: int.__mul__,
    }
    function = functions.get(type(op))
    return function(a.constant, b.constant) if function else None


def _add(op: Op, known: AxisAnalysis) -> AxisInfo:
    """x + y, x - y, and pointer + offset."""
    a, b = known[op.operands[0]], known[op.operands[1]]
    type_ = element_of(op.operands[0].type)
    scale = max(1, bit_width(type_.pointee) // 8) if isinstance(type_, PointerType) else 1
    contiguity = _each(math.gcd, a.contiguity, b.constancy)
    if not isinstance(op, arith.Subi):
        contiguity = _each(max, contiguity, _each(math.gcd, a.constancy, b.contiguity))
    divisibility = tuple(
        math.gcd(_pointer_multiple(a, d, c, scale), b.multiple(d, c) * scale)
        for d, c in enumerate(contiguity)
    )
    return AxisInfo(
        contiguity, divisibility, _each(math.gcd, a.constancy, b.constancy), _folded(op, a, b)
    )


def _pointer_multiple(info: AxisInfo, dim: int, group: int, scale: int) -> int:
    """`AxisInfo.multiple` where one step of contiguity is `scale` bytes."""
    if info.contiguity[dim] > group:
        return math.gcd(info.divisibility[dim], group * scale)
    return info.divisibility[dim]


def _multiply(op: Op, known: AxisAnalysis) -> AxisInfo:
    a, b = known[op.operands[0]], known[op.operands[1]]
    if b.constant == 1:
        return a
    if a.constant == 1:
        return b
    ones = (1,) * a.rank
    divisibility = tuple(min(_MOST, a.multiple(d, 1) * b.multiple(d, 1)) for d in range(a.rank))
    return AxisInfo(
        ones, divisibility, _each(math.gcd, a.constancy, b.constancy), _folded(op, a, b)
    )


# predicate: whether the contiguous side must be the left one for groups to agree (a < b).
_LEFT_CONTIGUOUS = {"slt": True, "sge": True, "ult": True, "uge": True}
_RIGHT_CONTIGUOUS = {"sgt": True, "sle": True, "ugt": True, "ule": True}


def _compare(op: Op, known: AxisAnalysis) -> AxisInfo:
    """Of k*m .. k*m+k-1 < k*n all or none hold; likewise for >=, and mirrored for > and <=."""
    assert isinstance(op, arith.Cmpi)
    a, b = known[op.operands[0]], known[op.operands[1]]
    constancy = list(_each(math.gcd, a.constancy, b.constancy))
    if op.predicate in _RIGHT_CONTIGUOUS:
        a, b = b, a
    if op.predicate in _LEFT_CONTIGUOUS or op.predicate in _RIGHT_CONTIGUOUS:
        for d in range(a.rank):
            group = math.gcd(a.contiguity[d], b.constancy[d])
            group = math.gcd(group, math.gcd(a.multiple(d, group), b.multiple(d, group)))
            constancy[d] = max(constancy[d], group)
    ones = (1,) * a.rank
    return AxisInfo(ones, ones, tuple(constancy))


def _steady_group(a: AxisInfo, divisor: AxisInfo, dim: int) -> int:
    """The largest aligned group of consecutive numbers in which no multiple of the divisor lies,
    but as the first: the divisor is one number there, and it and the first are multiples of it."""
    group = math.gcd(a.contiguity[dim], divisor.constancy[dim])
    return math.gcd(group, a.multiple(dim, group), divisor.multiple(dim, 1))


def _quotient(op: Op, known: AxisAnalysis) -> AxisInfo:
    """km / kn, (km + 1) / kn, ... are one number for each k numbers."""
    a, b = known[op.operands[0]], known[op.operands[1]]
    if b.constant == 1:
        return a
    both = _each(math.gcd, a.constancy, b.constancy)
    constancy = tuple(max(c, _steady_group(a, b, d)) for d, c in enumerate(both))
    ones = (1,) * a.rank
    divisibility = ones
    if b.constant is not None and b.constant == power_of_two(b.constant):
        divisibility = tuple(max(1, a.multiple(d, 1) // b.constant) for d in range(a.rank))
    return AxisInfo(ones, divisibility, constancy)


def _remainder(op: Op, known: AxisAnalysis) -> AxisInfo:
    """km % kn, (km + 1) % kn, ... count up by one for k numbers."""
    a, b = known[op.operands[0]], known[op.operands[1]]
    contiguity = tuple(_steady_group(a, b, d) for d in range(a.rank))
    divisibility = tuple(
        math.gcd(a.multiple(d, c), b.multiple(d, 1)) for d, c in enumerate(contiguity)
    )
    return AxisInfo(contiguity, divisibility, _each(math.gcd, a.constancy, b.constancy))


def _shift_left(op: Op, known: AxisAnalysis) -> AxisInfo:
    """A product, where the count is known."""
    a, b = known[op.operands[0]], known[op.operands[1]]
    constancy = _each(math.gcd, a.constancy, b.constancy)
    ones = (1,) * a.rank
    if b.constant is None or not 0 <= b.constant < bit_width(element_of(op.result.type)):
        return AxisInfo(ones, ones, constancy)
    factor = 1 << b.constant
    divisibility = tuple(min(_MOST, a.multiple(d, 1) * factor) for d in range(a.rank))
    return AxisInfo(ones, divisibility, constancy) if b.constant else a


def _shift_right(op: Op, known: AxisAnalysis) -> AxisInfo:
    """A quotient, rounded down, where the count is known."""
    a, b = known[op.operands[0]], known[op.operands[1]]
    constancy = _each(math.gcd, a.constancy, b.constancy)
    ones = (1,) * a.rank
    if b.constant is None or not 0 <= b.constant < bit_width(element_of(op.result.type)):
        return AxisInfo(ones, ones, constancy)
    divisor = uniform(op.result.type, 1 << b.constant)
    steady = tuple(max(c, _steady_group(a, divisor, d)) for d, c in enumerate(constancy))
    divisibility = tuple(max(1, a.multiple(d, 1) >> b.constant) for d in range(a.rank))
    return AxisInfo(ones, divisibility, steady) if b.constant else a


def _and(op: Op, known: AxisAnalysis) -> AxisInfo:
    """With a mask of low ones a remainder; with one of high ones, rounded down to a multiple."""
    a, b = known[op.operands[0]], known[op.operands[1]]
    if a.constant is not None:
        a, b = b, a
    plain = _elementwise(op, known)
    mask = b.constant
    if mask is None or mask == 0:
        return plain
    if mask & (mask + 1) == 0:
        group = tuple(math.gcd(c, a.multiple(d, c), mask + 1) for d, c in enumerate(a.contiguity))
        divisibility = tuple(math.gcd(a.multiple(d, g), mask + 1) for d, g in enumerate(group))
        return AxisInfo(group, divisibility, plain.constancy)
    low = power_of_two(mask)
    divisibility = tuple(max(low, a.multiple(d, 1)) for d in range(a.rank))
    if -mask != low:
        return AxisInfo((1,) * a.rank, divisibility, plain.constancy)
    steady = tuple(math.gcd(c, a.multiple(d, c), low) for d, c in enumerate(a.contiguity))
    return AxisInfo((1,) * a.rank, divisibility, _each(max, plain.constancy, steady))


def _load(op: Op, known: AxisAnalysis) -> AxisInfo:
    """One address, mask and alternative, one number."""
    assert isinstance(op, tt.Load)
    found = unknown(op.result.type)
    if op.is_volatile:
        return found
    constancy = known[op.ptr].constancy
    for value in (op.mask, op.other):
        if value is not None:
            constancy = _each(math.gcd, constancy, known[value].constancy)
    return AxisInfo(found.contiguity, found.divisibility, constancy)


def _elementwise(op: Op, known: AxisAnalysis) -> AxisInfo:
    a, b = known[op.operands[0]], known[op.operands[1]]
    ones = (1,) * a.rank
    return AxisInfo(ones, ones, _each(math.gcd, a.constancy, b.constancy))


def _select(op: Op, known: AxisAnalysis) -> AxisInfo:
    condition, a, b = (known[value] for value in op.operands)
    if not shape_of(op.operands[0].type):
        return a.join(b)
    joined = a.join(b)
    contiguity = _each(math.gcd, joined.contiguity, condition.constancy)
    return AxisInfo(
        contiguity,
        tuple(joined.multiple(d, c) for d, c in enumerate(contiguity)),
        _each(math.gcd, joined.constancy, condition.constancy),
        joined.constant,
    )


RULES: dict[type[Op], Rule] = {
    arith.Constant: _constant,
    arith.Addi: _add,
    arith.Subi: _add,
    arith.Muli: _multiply,
    arith.Cmpi: _compare,
    arith.Divsi: _quotient,
    arith.Divui: _quotient,
    arith.Remsi: _remainder,
    arith.Remui: _remainder,
    arith.Shli: _shift_left,
    arith.Shrsi: _shift_right,
    arith.Shrui: _shift_right,
    arith.Andi: _and,
    arith.Ori: _elementwise,
    arith.Xori: _elementwise,
    arith.Maxsi: _elementwise,
    arith.Maxui: _elementwise,
    arith.Minsi: _elementwise,
    arith.Minui: _elementwise,
    arith.Select: _select,
    arith.Extsi: _same,
    arith.Extui: _same,
    arith.IndexCast: _same,
    arith.Trunci: _truncated,
    tt.Addptr: _add,
    tt.Load: _load,
    tt.MakeRange: _make_range,
    tt.Splat: _splat,
    tt.ExpandDims: _expand_dims,
    tt.Broadcast: _broadcast,
    tt.Trans: _trans,
    tt.Bitcast: _same,
    ttg.ConvertLayout: _same,
}


def tensor_shape(value: Value) -> tuple[int, ...]:
    """The shape of a tensor value."""
    assert isinstance(value.type, TensorType)
    return value.type.shape
