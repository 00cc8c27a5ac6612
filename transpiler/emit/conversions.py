"""Conversions in MSL: between integers and floats, between floats, and of bits.

Floats of 8 bits are bytes: they become float, exactly, and are made of float, by functions of ours.
"""

from __future__ import annotations

from ..dialects import arith, metal, tt
from ..errors import UnsupportedError
from ..ir.core import Op, Value
from ..ir.types import FloatType, PointerType, Type, bit_width, element_of
from .types import name_of
from .writer import (
    EQUALITY,
    PRIMARY,
    UNARY,
    Expr,
    Operands,
    Rule,
    call,
    convert,
    infix,
    is_bool,
    lanes_of,
    msl_type,
    prefix,
)

_NEAREST = ("", "rtne", "to_nearest_even")
_TO_ZERO = ("rtz", "toward_zero")


def sign_of_bool(number: Expr) -> Expr:
    """Minus the number that a bool became: a signed i1 is 0 or -1."""
    if number.type in ("short", "char"):
        return call(number.type, number.type, prefix("-", number))
    return prefix("-", number)


def is_float8(type_: Type) -> bool:
    """Whether a type, or its elements, are 8-bit floats."""
    element = element_of(type_)
    return isinstance(element, FloatType) and element.width == 8


def float_name(name: str) -> str:
    """`float` with as many lanes as a type has."""
    return f"float{lanes_of(name)}"


def as_float(writer: Operands, value: Value) -> Expr:
    """A float of any type as float, exactly."""
    expr, element = writer[value], element_of(value.type)
    name = float_name(expr.type)
    if is_float8(element):
        return writer.helper(f"float_of_{element}", name, expr)
    return convert(expr, name)


def rounded(writer: Operands, expr: Expr, type_: Type, mode: str = "") -> Expr:
    """A float as another type: to nearest even, or with mode `rtz` toward zero."""
    element, name = element_of(type_), name_of(type_)
    if is_float8(element):
        suffix = "_rtz" if mode in _TO_ZERO else ""
        return writer.helper(f"{element}_of_float{suffix}", name, expr)
    if mode in _TO_ZERO and bit_width(element) == 16:
        return writer.helper(f"{name.rstrip('234')}_of_float_rtz", name, expr)
    return convert(expr, name)


def _between_floats(writer: Operands, op: Op) -> Expr:
    mode = op.rounding if isinstance(op, arith.Convertf | arith.Truncf | tt.FpToFp) else ""
    if mode not in (*_NEAREST, *_TO_ZERO):
        raise UnsupportedError(f"{op.op_name} with rounding {mode}", op.span)
    source = op.operands[0]
    if bit_width(source.type) < bit_width(op.result.type) and not is_float8(source.type):
        return convert(writer[source], msl_type(op.result))
    if source.type == op.result.type:
        return writer[source]
    return rounded(writer, as_float(writer, source), op.result.type, mode)


def _from_integer(*, unsigned: bool) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        source = op.operands[0]
        expr = writer[source]
        wide = float_name(msl_type(op.result))
        # bfloat and 8-bit floats come by way of float, half of 64 bits does so exactly.
        name = msl_type(op.result) if msl_type(op.result).startswith("half") else wide
        if is_bool(source):
            if not unsigned:  # 0 or -1 as an integer first: there is no negative zero among them
                whole = f"int{lanes_of(name)}"
                expr = prefix("-", call(whole, whole, expr))
            number = call(name, name, expr)
        else:
            if not writer.nonnegative(source):
                expr = writer.unsigned(source) if unsigned else writer.signed(source)
                literal = expr.literal and unsigned
                expr = convert(expr, msl_type(source, True)) if literal else expr
            number = call(name, name, expr)
        return number if name == msl_type(op.result) else rounded(writer, number, op.result.type)

    return rule


def _to_integer(*, unsigned: bool) -> Rule:
    """Toward zero. What does not fit, and NaN, give anything."""

    def rule(writer: Operands, op: Op) -> Expr:
        source = op.operands[0]
        plain = msl_type(source).startswith("half")
        expr = writer[source] if plain else as_float(writer, source)
        if is_bool(op.result):
            name = f"int{lanes_of(expr.type)}"
            zero = Expr("0", PRIMARY, "int", literal=True)
            return infix(call(name, name, expr), "!=", zero, EQUALITY, msl_type(op.result))
        name = msl_type(op.result, unsigned)
        return call(name, name, expr)

    return rule


def same_bits(writer: Operands, op: Op) -> Expr:
    """The same bits as another type of the same width; pointers too."""
    source = op.operands[0]
    if isinstance(op.result.type, PointerType):
        return _as_pointer(writer, op)
    name, expr = msl_type(op.result), writer.typed(source)
    if expr.type == name:
        return expr
    if bit_width(op.result.type) == 8 and bit_width(source.type) == 8:
        return convert(expr, name)  # both are integers in MSL
    return call(f"as_type<{name}>", name, expr)


def _as_pointer(writer: Operands, op: Op) -> Expr:
    name = name_of(op.result.type, const=writer.is_const(op.result))
    source = writer[op.operands[0]]
    if not isinstance(op.operands[0].type, PointerType):
        source = convert(source, "ulong")
    return Expr(f"({name}){source.inside(UNARY)}", UNARY, name)


def _as_address(writer: Operands, op: Op) -> Expr:
    address = Expr(f"(ulong){writer[op.operands[0]].inside(UNARY)}", UNARY, "ulong")
    return address if bit_width(op.result.type) == 64 else convert(address, msl_type(op.result))


CONVERSION_RULES: dict[type[Op], Rule] = {
    arith.Convertf: _between_floats,
    arith.Extf: _between_floats,
    arith.Truncf: _between_floats,
    arith.Sitofp: _from_integer(unsigned=False),
    arith.Uitofp: _from_integer(unsigned=True),
    arith.Fptosi: _to_integer(unsigned=False),
    arith.Fptoui: _to_integer(unsigned=True),
    arith.Bitcast: same_bits,
    metal.BitCast: same_bits,
    tt.Bitcast: same_bits,
    tt.FpToFp: _between_floats,
    tt.IntToPtr: _as_pointer,
    tt.PtrToInt: _as_address,
}
