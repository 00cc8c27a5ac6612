"""What an op's value is, where that is known without running it: constants and identities.

Integers follow Triton (they wrap); of floats only what is exact for every operand is folded: x * 1
and x + -0.0 are x, x + 0.0 is not (it makes 0.0 of -0.0).
"""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import arith, tt, ttg, ub
from ..ir.attributes import Attribute, DenseAttr, FloatAttr, IntegerAttr
from ..ir.core import Op, Value
from ..ir.types import (
    FloatType,
    IndexType,
    IntegerType,
    TensorType,
    Type,
    bit_width,
    element_of,
)
from .intervals import bounds
from .rewrite import located

VIEWS = (tt.ExpandDims, tt.Broadcast, tt.Trans, tt.Reshape, ttg.ConvertLayout)

_FLOAT_ONE = {"f32": 0x3F800000, "f16": 0x3C00, "bf16": 0x3F80}


def constant_before(op: Op, value: int, type_: Type) -> Value:
    """A constant, in front of an op: an integer (wrapped to its width) or a float's bits."""
    element = element_of(type_)
    if isinstance(element, IntegerType | IndexType):
        value = wrap(value, element.width)
        attribute: Attribute = IntegerAttr(value, element)
    else:
        assert isinstance(element, FloatType)
        attribute = FloatAttr(value, element)
    if isinstance(type_, TensorType):
        attribute = DenseAttr((value,), type_)
    made = arith.Constant((), (type_,), {"value": attribute})
    assert op.parent is not None
    return op.parent.insert_before(op, located(made, op)).result


def wrap(value: int, width: int) -> int:
    """The signed number of `width` bits with the same low bits."""
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value


def unsigned(value: int, width: int) -> int:
    """The number as its bits read without a sign."""
    return value & ((1 << width) - 1)


def splat_of(value: Value) -> int | None:
    """The one number (a float's bits) that a constant is; None of anything else."""
    op = value.defining_op
    if isinstance(op, tt.Splat):
        return splat_of(op.source)
    if not isinstance(op, arith.Constant):
        return None
    attribute = op.value
    if isinstance(attribute, IntegerAttr):
        return attribute.value
    if isinstance(attribute, FloatAttr):
        return attribute.bits
    if isinstance(attribute, DenseAttr) and attribute.is_splat:
        return attribute.entries[0]
    return None


def fold(op: Op) -> Value | None:
    """What the op's only result equals, perhaps a new constant; None where nothing is known."""
    if isinstance(op, ub.Poison):
        return _poison(op)
    if isinstance(op, tt.Splat):
        number = splat_of(op.source)
        return None if number is None else constant_before(op, number, op.result.type)
    if isinstance(op, VIEWS):
        return _view(op)
    if isinstance(op, arith.Cmpi):
        return _compare(op)
    if isinstance(op, arith.Select):
        return _select(op)
    if isinstance(op, arith.Extsi | arith.Extui | arith.Trunci | arith.IndexCast):
        return _cast(op)
    if isinstance(element_of(op.result.type), IntegerType | IndexType) and len(op.operands) == 2:
        return _integer(op)
    if isinstance(op, arith.Mulf | arith.Addf | arith.Subf | arith.Divf):
        return _float(op)
    if isinstance(op, tt.Addptr) and splat_of(op.operands[1]) == 0:
        return op.operands[0]
    return None


def _poison(op: Op) -> Value | None:
    """Nothing may depend on it, so any number will do; of a tensor of pointers, one pointer."""
    type_ = op.result.type
    element = element_of(type_)
    if isinstance(element, IntegerType | IndexType | FloatType):
        return constant_before(op, 0, type_)
    if not isinstance(type_, TensorType):
        return None
    assert op.parent is not None
    one = op.parent.insert_before(op, located(ub.Poison((), (element,)), op)).result
    return op.parent.insert_before(op, located(tt.Splat((one,), (type_,)), op)).result


def _view(op: Op) -> Value | None:
    """A view of one number everywhere is that number; two views of one kind are one."""
    source = op.operands[0]
    inner = source.defining_op
    if source.type == op.result.type:
        return source
    number = splat_of(source)
    if number is not None and not isinstance(inner, tt.Splat):
        return constant_before(op, number, op.result.type)
    if isinstance(inner, tt.Splat):
        return _before(op, tt.Splat((inner.source,), (op.result.type,)))
    if isinstance(op, ttg.ConvertLayout) and isinstance(inner, ttg.ConvertLayout):
        if inner.source.type == op.result.type:
            return inner.source
        return _before(op, ttg.ConvertLayout((inner.source,), (op.result.type,)))
    if isinstance(op, ttg.ConvertLayout) and isinstance(inner, tt.MakeRange):
        return _before(op, tt.MakeRange((), (op.result.type,), inner.attributes))
    return None


def _before(op: Op, made: Op) -> Value:
    made.result.name, made.result.location = op.result.name, op.result.location
    assert op.parent is not None
    return op.parent.insert_before(op, located(made, op)).result


# -- integers --------------------------------------------------------------------------------------

_ARITHMETIC: dict[type[Op], Callable[[int, int], int]] = {
    arith.Addi: lambda a, b: a + b,
    arith.Subi: lambda a, b: a - b,
    arith.Muli: lambda a, b: a * b,
    arith.Andi: lambda a, b: a & b,
    arith.Ori: lambda a, b: a | b,
    arith.Xori: lambda a, b: a ^ b,
    arith.Maxsi: max,
    arith.Minsi: min,
}
_DIVISIONS: dict[type[Op], Callable[[int, int], int]] = {
    arith.Divsi: lambda a, b: abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1),
    arith.Remsi: lambda a, b: abs(a) % abs(b) * (-1 if a < 0 else 1),
    arith.Divui: lambda a, b: a // b,
    arith.Remui: lambda a, b: a % b,
}
_UNSIGNED = (arith.Divui, arith.Remui)
# op: the right operand (as a signed number) that leaves the left one as it is
_NEUTRAL: dict[type[Op], int] = {
    arith.Addi: 0,
    arith.Subi: 0,
    arith.Muli: 1,
    arith.Divsi: 1,
    arith.Divui: 1,
    arith.Ori: 0,
    arith.Xori: 0,
    arith.Andi: -1,
    arith.Shli: 0,
    arith.Shrsi: 0,
    arith.Shrui: 0,
}
# op: the right operand that decides the result, and that result
_ABSORBING: dict[type[Op], tuple[int, int]] = {
    arith.Muli: (0, 0),
    tt.Mulhiui: (0, 0),
    arith.Andi: (0, 0),
    arith.Ori: (-1, -1),
    arith.Remsi: (1, 0),
    arith.Remui: (1, 0),
}
_COMMUTES = (arith.Addi, arith.Muli, tt.Mulhiui, arith.Andi, arith.Ori, arith.Xori)


def _integer(op: Op) -> Value | None:
    kind, (left, right), type_ = type(op), op.operands, op.result.type
    a, b = splat_of(left), splat_of(right)
    if a is not None and b is not None:
        number = _computed(kind, a, b, bit_width(type_))
        return None if number is None else constant_before(op, number, type_)
    if b is None and isinstance(op, _COMMUTES):
        left, right, b = right, left, a
    if b is not None and bit_width(type_) > 1:
        if _NEUTRAL.get(kind) == b:
            return left
        if kind in _ABSORBING and _ABSORBING[kind][0] == b:
            return constant_before(op, _ABSORBING[kind][1], type_)
    if b is not None and bit_width(type_) == 1:
        return _logic(op, left, bool(b))
    if left is right and isinstance(op, arith.Andi | arith.Ori):
        return left
    if left is right and isinstance(op, arith.Subi | arith.Xori):
        return constant_before(op, 0, type_)
    return None


def _logic(op: Op, other: Value, known: bool) -> Value | None:
    """i1: and, or, xor with a constant."""
    match op:
        case arith.Andi():
            return other if known else constant_before(op, 0, op.result.type)
        case arith.Ori():
            return constant_before(op, 1, op.result.type) if known else other
        case arith.Xori() if not known:
            return other
        case _:
            return None


def _computed(kind: type[Op], a: int, b: int, width: int) -> int | None:
    if kind in _ARITHMETIC:
        return _ARITHMETIC[kind](a, b)
    if kind is tt.Mulhiui:
        return unsigned(a, width) * unsigned(b, width) >> width
    if kind in _DIVISIONS and b != 0:
        if kind in _UNSIGNED:
            a, b = unsigned(a, width), unsigned(b, width)
        return _DIVISIONS[kind](a, b)
    return None


def _cast(op: Op) -> Value | None:
    source = op.operands[0]
    number = splat_of(source)
    if number is None:
        return None
    if isinstance(op, arith.Extui) or bit_width(source.type) == 1:
        number = unsigned(number, bit_width(source.type))
    if isinstance(op, arith.Extsi) and bit_width(source.type) == 1:
        number = -number
    return constant_before(op, number, op.result.type)


_ORDERS: dict[str, Callable[[int, int], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def _compare(op: arith.Cmpi) -> Value | None:
    """Decided where the intervals of both sides leave no doubt."""
    left, right = op.operands
    order = op.predicate[-2:]
    if left is right:
        return constant_before(op, order in ("eq", "le", "ge"), op.result.type)
    a, b = bounds(left), bounds(right)
    if op.predicate.startswith("u") and (a[0] < 0 or b[0] < 0):
        return None
    holds = _ORDERS[order]
    corners = {holds(x, y) for x in a for y in b}
    if len(corners) > 1 or (order in ("eq", "ne") and not _are_apart_or_one(a, b)):
        return None
    return constant_before(op, corners.pop(), op.result.type)


def _are_apart_or_one(a: tuple[int, int], b: tuple[int, int]) -> bool:
    one = a[0] == a[1] == b[0] == b[1]
    return one or a[1] < b[0] or b[1] < a[0]


def _select(op: arith.Select) -> Value | None:
    condition, yes, no = op.operands
    if yes is no:
        return yes
    known = splat_of(condition)
    return None if known is None else (yes if known else no)


# -- floats ----------------------------------------------------------------------------------------


def _float(op: Op) -> Value | None:
    type_ = element_of(op.result.type)
    assert isinstance(type_, FloatType)
    left, right = op.operands
    one = _FLOAT_ONE.get(type_.name)
    if one is None:
        return None
    minus_zero = 1 << (type_.width - 1)
    match op:
        case arith.Mulf() | arith.Divf():
            neutral = one
        case arith.Addf():
            neutral = minus_zero
        case _:
            neutral = 0
    if splat_of(right) == neutral:
        return left
    if splat_of(left) == neutral and isinstance(op, arith.Mulf | arith.Addf):
        return right
    return None
