"""Types as MSL spells them."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..ir.types import COHERENT, FloatType, IndexType, IntegerType, PointerType, Type, VectorType

# (bits, is unsigned) -> MSL's scalar type
_INTEGERS = {
    (1, False): "bool",
    (1, True): "bool",
    (8, False): "char",
    (8, True): "uchar",
    (16, False): "short",
    (16, True): "ushort",
    (32, False): "int",
    (32, True): "uint",
    (64, False): "long",
    (64, True): "ulong",
}
_FLOATS = {"f16": "half", "bf16": "bfloat", "f32": "float"}
# 8-bit floats are bytes in memory and in registers.
_FLOAT8_AS = "uchar"


def scalar_name(type_: Type, unsigned: bool = False) -> str:
    """MSL's name of a scalar type; signless integers are signed unless `unsigned`."""
    if isinstance(type_, IntegerType) and type_.sign:
        unsigned = type_.sign == "u"
    if isinstance(type_, IntegerType | IndexType) and (type_.width, unsigned) in _INTEGERS:
        return _INTEGERS[type_.width, unsigned]
    if isinstance(type_, FloatType):
        if type_.name in _FLOATS:
            return _FLOATS[type_.name]
        if type_.width == 8:
            return _FLOAT8_AS
    raise UnsupportedError(f"{type_} has no form in Metal")


def name_of(type_: Type, unsigned: bool = False, const: bool = False) -> str:
    """MSL's name of a scalar, vector or device pointer type."""
    if isinstance(type_, VectorType):
        return f"{scalar_name(type_.element, unsigned)}{type_.size}"
    if isinstance(type_, PointerType):
        return f"{device_space(type_, const)} {pointee_name(type_)}*"
    return scalar_name(type_, unsigned)


def device_space(type_: PointerType, const: bool = False) -> str:
    """The address space of what a pointer points at, and `const` where nobody writes to it."""
    words = ["COHERENT"] * (type_.space == COHERENT) + ["device"] + ["const"] * const
    return " ".join(words)


def pointee_name(type_: PointerType) -> str:
    """MSL's name of what a pointer points at."""
    if isinstance(type_.pointee, PointerType):
        return "ulong"  # pointers in memory are addresses
    if type_.pointee == IntegerType(1):
        return "uchar"  # one byte each
    return scalar_name(type_.pointee)


def is_unsigned(name: str) -> bool:
    """Whether an MSL integer type is unsigned."""
    return name.startswith("u")


def with_sign(name: str, unsigned: bool) -> str:
    """The signed or unsigned twin of an MSL integer type, scalar or vector."""
    bare = name.removeprefix("u")
    return f"u{bare}" if unsigned and not bare.startswith("bool") else bare
