"""Expressions: how each pure op is written in MSL.

An op's operands are expressions already; the table at the end says how each op joins them. Integers
are signless in the IR: an expression's MSL type says how it is written, and what needs the other
sign is converted there. Where signed arithmetic might overflow it is written unsigned, which wraps.
"""

from __future__ import annotations

import math as numbers
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..dialects import arith, math, metal, tt
from ..errors import UnsupportedError
from ..ir.attributes import FloatAttr, IntegerAttr
from ..ir.core import Op, Value
from ..ir.types import (
    FloatType,
    IndexType,
    IntegerType,
    PointerType,
    Type,
    VectorType,
    bit_width,
    element_of,
)
from .ranges import Ranges, full_range
from .types import is_unsigned, name_of, with_sign

# C's precedence: a smaller number binds tighter.
PRIMARY, UNARY, PRODUCT, SUM, SHIFT, ORDER, EQUALITY = 1, 2, 3, 4, 5, 6, 7
BIT_AND, BIT_XOR, BIT_OR, AND, OR, CONDITIONAL = 8, 9, 10, 11, 12, 13


@dataclass(frozen=True)
class Expr:
    """MSL text with what is needed to join it: its precedence and its MSL type.

    `literal` marks integer literals, which take the other operand's sign; `scalar` is the text of
    the scalar where a vector is a splat of one; `place` is (pointer, index) of a pointer sum.
    """

    text: str
    precedence: int
    type: str
    literal: bool = False
    scalar: Expr | None = None
    place: tuple[Expr, Expr] | None = None
    parts: tuple[str, str, str] | None = None  # (left, operator, right) of `left operator right`

    def inside(self, precedence: int) -> str:
        """The text, in parentheses where it binds less tightly than `precedence`."""
        return self.text if self.precedence <= precedence else f"({self.text})"


def call(function: str, type_: str, *arguments: Expr) -> Expr:
    """A function call, or a conversion."""
    texts = ", ".join(a.text for a in arguments)
    return Expr(f"{function}({texts})", PRIMARY, type_)


def infix(
    a: Expr, symbol: str, b: Expr, precedence: int, type_: str, *, free: bool = False
) -> Expr:
    """`a symbol b`; `free` where `a symbol (b symbol c)` needs no parentheses."""
    right = b.inside(precedence if free else precedence - 1)
    if symbol == "+" and right.startswith("-") and b.literal:
        symbol, right = "-", right[1:]
    left = a.inside(precedence)
    parts = (left, symbol, right) if symbol in ("+", "-", "*", "/") else None
    return Expr(f"{left} {symbol} {right}", precedence, type_, parts=parts)


class Writer:
    """Knows the expression of every value so far."""

    def __init__(self, ranges: Ranges, is_const: Callable[[Value], bool]) -> None:
        self.ranges = ranges
        self.is_const = is_const
        self.expressions: dict[Value, Expr] = {}

    def __getitem__(self, value: Value) -> Expr:
        """A value's expression; a splat in full."""
        expr = self.expressions[value]
        if expr.scalar is not None:
            return call(expr.type, expr.type, expr.scalar)
        return expr

    def brief(self, value: Value) -> Expr:
        """A value's expression; a splat as its scalar, where the other operand is a vector."""
        expr = self.expressions[value]
        return expr.scalar if expr.scalar is not None else expr

    def pair(self, op: Op) -> tuple[Expr, Expr]:
        """The two operands of an infix operator."""
        a, b = op.operands
        left, right = self.expressions[a], self.expressions[b]
        if left.scalar is not None and right.scalar is not None:
            return self[a], right.scalar
        return self.brief(a), self.brief(b)

    def signed(self, value: Value, expr: Expr | None = None) -> Expr:
        """An integer as its signed type."""
        expr = expr or self[value]
        if expr.literal or not is_unsigned(expr.type):
            return expr
        return call(with_sign(expr.type, False), with_sign(expr.type, False), expr)

    def unsigned(self, value: Value, expr: Expr | None = None) -> Expr:
        """An integer as its unsigned type."""
        expr = expr or self[value]
        if is_unsigned(expr.type) or (expr.literal and not expr.text.startswith("-")):
            return expr
        return call(with_sign(expr.type, True), with_sign(expr.type, True), expr)

    def nonnegative(self, value: Value) -> bool:
        """Whether an integer is provably not negative, so that its sign does not matter."""
        return self.ranges[value].is_nonnegative

    def write(self, op: Op) -> Expr:
        """The expression of a pure op."""
        rule = RULES.get(type(op))
        if rule is None:
            raise UnsupportedError(f"{op.op_name} is not supported yet", op.span)
        return rule(self, op)


def msl_type(value: Value, unsigned: bool = False) -> str:
    """The MSL type of a value."""
    return name_of(value.type, unsigned)


Rule = Callable[[Writer, Op], Expr]


# -- constants -------------------------------------------------------------------------------------


def _constant(writer: Writer, op: Op) -> Expr:
    attribute = op.attributes["value"]
    if isinstance(attribute, FloatAttr):
        return float_literal(attribute)
    if not isinstance(attribute, IntegerAttr):
        raise UnsupportedError("a constant that is not a number", op.span)
    return integer_literal(attribute.value, op.result.type)


def integer_literal(value: int, type_: Type) -> Expr:
    """An integer of a type; the least value of a type has no literal of its own."""
    name = name_of(type_)
    if name == "bool":
        return Expr("true" if value else "false", PRIMARY, "bool")
    width = bit_width(type_)
    value = (value + (1 << (width - 1))) % (1 << width) - (1 << (width - 1))
    suffix = "l" if width == 64 and abs(value) >= 1 << 31 else ""
    if value == full_range(width).low and width >= 32:
        return Expr(f"{name}({value + 1}{suffix} - 1)", PRIMARY, name)
    text = f"{value}{suffix}"
    return Expr(text, UNARY if value < 0 else PRIMARY, name, literal=True)


def float_literal(attribute: FloatAttr) -> Expr:
    """A float, exactly: the shortest decimal that reads back as the same number."""
    name, value = name_of(attribute.type), attribute.value
    suffix = {"half": "h"}.get(name, "f")
    if numbers.isnan(value) or numbers.isinf(value):
        text = "NAN" if numbers.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
        plain = name == "float"
        return Expr(text if plain else f"{name}({text})", UNARY if plain else PRIMARY, name)
    text = _shortest(value, attribute.type)
    sign = UNARY if text.startswith("-") else PRIMARY
    if name == "bfloat":
        return Expr(f"bfloat({text}f)", PRIMARY, name)
    return Expr(f"{text}{suffix}", sign, name)


def _shortest(value: float, type_: FloatType) -> str:
    digits = {"f32": 9, "f16": 5, "bf16": 4}[type_.name]
    for precision in range(1, digits + 1):
        text = f"{value:.{precision}g}"
        if _rounded(float(text), type_) == value:
            break
    mantissa, _, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def _rounded(value: float, type_: FloatType) -> float:
    import struct

    if type_.name == "f16":
        return struct.unpack("<e", struct.pack("<e", value))[0] if abs(value) < 65520 else value
    try:
        bits = struct.unpack("<I", struct.pack("<f", value))[0]
    except OverflowError:
        return numbers.inf
    if type_.name == "bf16":
        bits = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16
    return struct.unpack("<f", struct.pack("<I", bits))[0]


# -- integers --------------------------------------------------------------------------------------


def _wrapping(symbol: str, precedence: int, free: bool) -> Rule:
    """Sum, difference and product, as unsigned where a signed result might not fit."""

    def rule(writer: Writer, op: Op) -> Expr:
        a, b = writer.pair(op)
        width = bit_width(op.result.type)
        if width == 1:
            return infix(
                a, "&&" if symbol == "*" else "!=", b, AND if symbol == "*" else EQUALITY, "bool"
            )
        if width < 32 and not isinstance(op.result.type, VectorType):
            name = msl_type(op.result)  # computed as int, then cut
            return call(name, name, infix(a, symbol, b, precedence, "int"))
        a, b = _same_sign(writer, op, a, b)
        type_ = with_sign(msl_type(op.result), is_unsigned(a.type) or is_unsigned(b.type))
        return infix(a, symbol, b, precedence, type_, free=free)

    return rule


def _same_sign(writer: Writer, op: Op, a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """Operands of a wrapping op: unsigned (one is enough for scalars) where it might overflow."""
    x, y = op.operands
    unsigned = is_unsigned(a.type) or is_unsigned(b.type)
    if not unsigned and not writer.ranges.overflows(op):
        return a, b
    if isinstance(op.result.type, VectorType):
        return writer.unsigned(x, a), writer.unsigned(y, b)
    if unsigned:
        return a, b
    return (a, writer.unsigned(y, b)) if a.literal else (writer.unsigned(x, a), b)


def _division(symbol: str, unsigned: bool) -> Rule:
    def rule(writer: Writer, op: Op) -> Expr:
        x, y = op.operands
        a, b = writer.pair(op)
        natural = writer.nonnegative(x) and writer.nonnegative(y)
        if not natural:
            convert = writer.unsigned if unsigned else writer.signed
            a, b = convert(x, a), convert(y, b)
        either = is_unsigned(a.type) or is_unsigned(b.type)
        name = with_sign(msl_type(op.result), either or (unsigned and not natural))
        result = infix(a, symbol, b, PRODUCT, name)
        narrow = bit_width(op.result.type) < 32 and not isinstance(op.result.type, VectorType)
        return call(msl_type(op.result), msl_type(op.result), result) if narrow else result

    return rule


def _bitwise(symbol: str, precedence: int, logical: str, logical_precedence: int) -> Rule:
    def rule(writer: Writer, op: Op) -> Expr:
        a, b = writer.pair(op)
        if bit_width(op.result.type) == 1:
            free = logical in ("&&", "||")
            return infix(a, logical, b, logical_precedence, msl_type(op.result), free=free)
        if a.type != b.type and not (a.literal or b.literal):
            a, b = writer.unsigned(op.operands[0], a), writer.unsigned(op.operands[1], b)
        unsigned = is_unsigned(a.type) or is_unsigned(b.type)
        result = infix(
            a, symbol, b, precedence, with_sign(msl_type(op.result), unsigned), free=True
        )
        narrow = bit_width(op.result.type) < 32 and not isinstance(op.result.type, VectorType)
        return call(msl_type(op.result), msl_type(op.result), result) if narrow else result

    return rule


_PREDICATES = {
    "eq": ("==", EQUALITY),
    "ne": ("!=", EQUALITY),
    "slt": ("<", ORDER),
    "sle": ("<=", ORDER),
    "sgt": (">", ORDER),
    "sge": (">=", ORDER),
    "ult": ("<", ORDER),
    "ule": ("<=", ORDER),
    "ugt": (">", ORDER),
    "uge": (">=", ORDER),
}


def _cmpi(writer: Writer, op: Op) -> Expr:
    assert isinstance(op, arith.Cmpi)
    symbol, precedence = _PREDICATES[op.predicate]
    x, y = op.operands
    a, b = writer.pair(op)
    if bit_width(x.type) > 1:
        nonnegative = writer.nonnegative(x) and writer.nonnegative(y)
        either = a.literal or b.literal or a.type == b.type
        if op.predicate[0] == "s" and not (nonnegative and either):
            a, b = writer.signed(x, a), writer.signed(y, b)
        elif op.predicate[0] == "u" and not (nonnegative and either):
            a, b = writer.unsigned(x, a), writer.unsigned(y, b)
        elif not either:
            a, b = writer.signed(x, a), writer.signed(y, b)
    return infix(a, symbol, b, precedence, msl_type(op.result))


def _extend(unsigned: bool) -> Rule:
    def rule(writer: Writer, op: Op) -> Expr:
        source = op.operands[0]
        expr = writer[source]
        name = msl_type(op.result)
        if bit_width(source.type) == 1:
            extended = call(name, name, expr)
            if unsigned:
                return extended
            return Expr(f"-{extended.text}", UNARY, name)
        if not writer.nonnegative(source):
            expr = writer.unsigned(source) if unsigned else writer.signed(source)
        return call(name, name, expr)

    return rule


def _truncate(writer: Writer, op: Op) -> Expr:
    expr, name = writer[op.operands[0]], msl_type(op.result)
    if name.startswith("bool"):
        zero_or_one = infix(expr, "&", integer_literal(1, op.operands[0].type), BIT_AND, expr.type)
        return infix(zero_or_one, "!=", Expr("0", PRIMARY, expr.type), EQUALITY, name)
    return call(name, name, expr)


def _extreme(function: str, unsigned: bool) -> Rule:
    """max or min of integers: both operands as one type, or the overloads are ambiguous."""

    def rule(writer: Writer, op: Op) -> Expr:
        name = msl_type(op.result, unsigned)
        arguments: list[Expr] = []
        for value in op.operands:
            expr = writer[value]
            if not writer.nonnegative(value) or expr.literal or expr.type != name:
                expr = (writer.unsigned if unsigned else writer.signed)(value, expr)
            narrow = bit_width(op.result.type) < 32
            fits = expr.type == name and not (expr.literal and (narrow or name != "int"))
            arguments.append(expr if fits else call(name, name, expr))
        return call(function, name, *arguments)

    return rule


# -- floats ----------------------------------------------------------------------------------------


def _float(symbol: str, precedence: int) -> Rule:
    def rule(writer: Writer, op: Op) -> Expr:
        a, b = writer.pair(op)
        return infix(a, symbol, b, precedence, msl_type(op.result))

    return rule


def _function(name: str, precise: bool = False) -> Rule:
    """A function of the metal namespace; `precise` takes its exact variant, which float alone has."""

    def rule(writer: Writer, op: Op) -> Expr:
        type_ = msl_type(op.result)
        arguments = [writer[value] for value in op.operands]
        if not precise or type_.startswith("half"):
            return call(name, type_, *arguments)
        if type_.startswith("bfloat"):
            wide = type_.replace("bfloat", "float")
            inner = call(f"precise::{name}", wide, *(call(wide, wide, a) for a in arguments))
            return call(type_, type_, inner)
        return call(f"precise::{name}", type_, *arguments)

    return rule


_FLOAT_ORDER = {"oeq": "==", "ogt": ">", "oge": ">=", "olt": "<", "ole": "<=", "une": "!="}
_NEGATED = {"ueq": "one", "ult": "oge", "ule": "ogt", "ugt": "ole", "uge": "olt"}


def _cmpf(writer: Writer, op: Op) -> Expr:
    assert isinstance(op, arith.Cmpf)
    name = msl_type(op.result)
    a, b = writer.pair(op)
    return _float_order(op.predicate, a, b, name)


def _float_order(predicate: str, a: Expr, b: Expr, name: str) -> Expr:
    if predicate in _FLOAT_ORDER:
        symbol = _FLOAT_ORDER[predicate]
        precedence = EQUALITY if symbol in ("==", "!=") else ORDER
        return infix(a, symbol, b, precedence, name)
    if predicate in _NEGATED:
        positive = _float_order(_NEGATED[predicate], a, b, name)
        return Expr(f"!({positive.text})", UNARY, name)
    if predicate == "one":
        less, greater = infix(a, "<", b, ORDER, name), infix(a, ">", b, ORDER, name)
        return infix(less, "||", greater, OR, name)
    if predicate in ("ord", "uno"):
        first, second = infix(a, "!=", a, EQUALITY, name), infix(b, "!=", b, EQUALITY, name)
        unordered = infix(first, "||", second, OR, name)
        if predicate == "uno":
            return unordered
        return Expr(f"!({unordered.text})", UNARY, name)
    return Expr("true" if predicate == "true" else "false", PRIMARY, "bool")


def _convert(writer: Writer, op: Op) -> Expr:
    name = msl_type(op.result)
    return call(name, name, writer[op.operands[0]])


def _from_integer(unsigned: bool) -> Rule:
    def rule(writer: Writer, op: Op) -> Expr:
        source, name = op.operands[0], msl_type(op.result)
        expr = writer[source]
        if bit_width(source.type) == 1:
            converted = call(name, name, expr)
            return converted if unsigned else Expr(f"-{converted.text}", UNARY, name)
        if not writer.nonnegative(source):
            expr = writer.unsigned(source) if unsigned else writer.signed(source)
        return call(name, name, expr)

    return rule


def _negate(writer: Writer, op: Op) -> Expr:
    return Expr(f"-{writer[op.operands[0]].inside(PRIMARY)}", UNARY, msl_type(op.result))


# -- both ------------------------------------------------------------------------------------------


def _select(writer: Writer, op: Op) -> Expr:
    condition, x, y = op.operands
    a, b = writer[x], writer[y]
    if isinstance(element_of(op.result.type), IntegerType | IndexType) and a.type != b.type:
        a, b = writer.signed(x), writer.signed(y)
    type_ = b.type if a.literal else a.type
    if isinstance(condition.type, VectorType):
        return call("select", type_, b, a, writer[condition])
    test = writer[condition].inside(OR)
    return Expr(f"{test} ? {a.inside(OR)} : {b.inside(OR)}", CONDITIONAL, type_)


def _same_bits(writer: Writer, op: Op) -> Expr:
    source = op.operands[0]
    if isinstance(op.result.type, PointerType):
        name = name_of(op.result.type, const=writer.is_const(op.result))
        return Expr(f"({name}){writer[source].inside(UNARY)}", UNARY, name)
    name = msl_type(op.result)
    if writer[source].type == name:
        return writer[source]
    return call(f"as_type<{name}>", name, writer[source])


def _pointer_sum(writer: Writer, op: Op) -> Expr:
    pointer, index = op.operands
    base, offset = writer[pointer], writer[index]
    if not writer.nonnegative(index):
        offset = writer.signed(index)
    name = name_of(op.result.type, const=writer.is_const(op.result))
    total = infix(base, "+", offset, SUM, name)
    return replace(total, place=(base, offset))


def _splat(writer: Writer, op: Op) -> Expr:
    source = writer[op.operands[0]]
    return Expr(source.text, source.precedence, msl_type(op.result), scalar=source)


def _iota(writer: Writer, op: Op) -> Expr:
    type_ = op.result.type
    assert isinstance(type_, VectorType)
    name = msl_type(op.result)
    return Expr(f"{name}({', '.join(map(str, range(type_.size)))})", PRIMARY, name)


COMPONENTS = "xyzw"


def _extract(writer: Writer, op: Op) -> Expr:
    assert isinstance(op, metal.Extract)
    source = writer.expressions[op.source]
    if source.scalar is not None:
        return source.scalar
    return Expr(f"{source.inside(PRIMARY)}.{COMPONENTS[op.index]}", PRIMARY, msl_type(op.result))


def _slice(writer: Writer, op: Op) -> Expr:
    assert isinstance(op, metal.Slice)
    type_ = op.result.type
    assert isinstance(type_, VectorType)
    letters = COMPONENTS[op.index : op.index + type_.size]
    source = writer[op.source].inside(PRIMARY)
    return Expr(f"{source}.{letters}", PRIMARY, msl_type(op.result))


def _pack(writer: Writer, op: Op) -> Expr:
    name = msl_type(op.result)
    return call(name, name, *(writer[value] for value in op.operands))


def _program(base: str) -> Rule:
    def rule(writer: Writer, op: Op) -> Expr:
        assert isinstance(op, tt.GetProgramId | tt.GetNumPrograms)
        return Expr(f"{base}.{op.axis}", PRIMARY, "uint")

    return rule


def _thread_index(writer: Writer, op: Op) -> Expr:
    return Expr("thread_index", PRIMARY, "uint")


RULES: dict[type[Op], Rule] = {
    arith.Constant: _constant,
    arith.Addi: _wrapping("+", SUM, free=True),
    arith.Subi: _wrapping("-", SUM, free=False),
    arith.Muli: _wrapping("*", PRODUCT, free=True),
    arith.Divsi: _division("/", unsigned=False),
    arith.Divui: _division("/", unsigned=True),
    arith.Remsi: _division("%", unsigned=False),
    arith.Remui: _division("%", unsigned=True),
    arith.Andi: _bitwise("&", BIT_AND, "&&", AND),
    arith.Ori: _bitwise("|", BIT_OR, "||", OR),
    arith.Xori: _bitwise("^", BIT_XOR, "!=", EQUALITY),
    arith.Cmpi: _cmpi,
    arith.Maxsi: _extreme("max", unsigned=False),
    arith.Maxui: _extreme("max", unsigned=True),
    arith.Minsi: _extreme("min", unsigned=False),
    arith.Minui: _extreme("min", unsigned=True),
    arith.Extsi: _extend(unsigned=False),
    arith.Extui: _extend(unsigned=True),
    arith.IndexCast: _extend(unsigned=False),
    arith.Trunci: _truncate,
    arith.Addf: _float("+", SUM),
    arith.Subf: _float("-", SUM),
    arith.Mulf: _float("*", PRODUCT),
    arith.Divf: _float("/", PRODUCT),
    arith.Negf: _negate,
    arith.Cmpf: _cmpf,
    arith.Maxnumf: _function("fmax"),
    arith.Minnumf: _function("fmin"),
    arith.Extf: _convert,
    arith.Truncf: _convert,
    arith.Sitofp: _from_integer(unsigned=False),
    arith.Uitofp: _from_integer(unsigned=True),
    arith.Select: _select,
    arith.Bitcast: _same_bits,
    math.Exp: _function("exp", precise=True),
    math.Exp2: _function("exp2", precise=True),
    math.Log: _function("log", precise=True),
    math.Log2: _function("log2", precise=True),
    math.Sin: _function("sin", precise=True),
    math.Cos: _function("cos", precise=True),
    math.Sqrt: _function("sqrt", precise=True),
    math.Rsqrt: _function("rsqrt", precise=True),
    math.Absf: _function("fabs"),
    math.Floor: _function("floor"),
    math.Ceil: _function("ceil"),
    math.Fma: _function("fma"),
    tt.Addptr: _pointer_sum,
    tt.Bitcast: _same_bits,
    tt.GetProgramId: _program("program"),
    tt.GetNumPrograms: _program("programs"),
    metal.ThreadIndex: _thread_index,
    metal.SplatVector: _splat,
    metal.Iota: _iota,
    metal.Extract: _extract,
    metal.Slice: _slice,
    metal.Pack: _pack,
    metal.BitCast: _same_bits,
}
