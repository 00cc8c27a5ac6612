"""Constants in MSL."""

from __future__ import annotations

import math
import struct

from ..errors import UnsupportedError
from ..ir.attributes import FloatAttr, IntegerAttr
from ..ir.core import Op
from ..ir.types import FloatType, Type, bit_width
from .ranges import full_range
from .types import name_of
from .writer import PRIMARY, UNARY, Expr, Operands


def constant(writer: Operands, op: Op) -> Expr:
    """The literal of arith.constant."""
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
    if attribute.type.width == 8:
        return Expr(f"{name}({attribute.bits})", PRIMARY, name)
    if math.isnan(value) or math.isinf(value):
        text = "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
        if name != "float":
            return Expr(f"{name}({text})", PRIMARY, name)
        return Expr(text, UNARY if text.startswith("-") else PRIMARY, name)
    text = _shortest(value, attribute.type)
    if name == "bfloat":
        return Expr(f"bfloat({text}f)", PRIMARY, name)
    suffix = "h" if name == "half" else "f"
    return Expr(f"{text}{suffix}", UNARY if text.startswith("-") else PRIMARY, name)


def _shortest(value: float, type_: FloatType) -> str:
    digits = {"f32": 9, "f16": 5, "bf16": 4}[type_.name]
    text = ""
    for precision in range(1, digits + 1):
        text = f"{value:.{precision}g}"
        if _rounded(float(text), type_) == value:
            break
    mantissa, _, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def _rounded(value: float, type_: FloatType) -> float:
    """The number that a literal of the type stands for; bfloat's is read as a float first."""
    if type_.name == "f16":
        return struct.unpack("<e", struct.pack("<e", value))[0] if abs(value) < 65520 else value
    try:
        bits = struct.unpack("<I", struct.pack("<f", value))[0]
    except OverflowError:
        return math.inf
    if type_.name == "bf16":
        bits = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16
    return struct.unpack("<f", struct.pack("<I", bits))[0]
