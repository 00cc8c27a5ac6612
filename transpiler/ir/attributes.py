"""Attributes: constant facts attached to ops, arguments and modules. Frozen; compare by content."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, Union

from .types import FloatType, IndexType, IntegerType, TensorType, Type

if TYPE_CHECKING:
    from .encodings import Encoding, SharedEncoding


@dataclass(frozen=True)
class IntegerAttr:
    """`3 : i32`; `value` is the signed value (i1: 0 or -1 print as false or true)."""

    value: int
    type: IntegerType | IndexType

    def __str__(self) -> str:
        if self.type == IntegerType(1):
            return "true" if self.value else "false"
        return f"{self.value} : {self.type}"


@dataclass(frozen=True)
class FloatAttr:
    """`1.0 : f32`, kept as the bit pattern of its type, so that NaNs and -0.0 survive."""

    bits: int
    type: FloatType

    @property
    def value(self) -> float:
        """The number, exactly (every supported type fits a Python float)."""
        return float_of_bits(self.bits, self.type)


@dataclass(frozen=True)
class StringAttr:
    """`"text"`."""

    value: str


@dataclass(frozen=True)
class UnitAttr:
    """A key whose presence is the fact: `{allow_reorder}`."""


@dataclass(frozen=True)
class TypeAttr:
    """A type used as an attribute."""

    type: Type


@dataclass(frozen=True)
class SymbolAttr:
    """`@name`."""

    name: str


@dataclass(frozen=True)
class ArrayAttr:
    """`[a, b]`."""

    items: tuple[Attribute, ...]


@dataclass(frozen=True)
class DenseArrayAttr:
    """`array<i32: 1, 0>`; values are numbers (or bools for i1)."""

    element: IntegerType | FloatType
    values: tuple[int | float, ...]


@dataclass(frozen=True)
class DictAttr:
    """`{key = value}`, in the order of the text."""

    items: tuple[tuple[str, Attribute], ...]


@dataclass(frozen=True)
class DenseAttr:
    """`dense<...> : tensor<...>`: one entry (a splat) or one for each element, row-major.

    Entries are signed integers for integer elements and bit patterns for floats.
    """

    entries: tuple[int, ...]
    type: TensorType

    @property
    def is_splat(self) -> bool:
        """Whether every element is the same number."""
        return len(self.entries) == 1


@dataclass(frozen=True)
class OpaqueAttr:
    """Any other dialect attribute, kept as its text: `#tt.cache_policy<...>`, enum words."""

    text: str


Attribute: TypeAlias = Union[
    IntegerAttr,
    FloatAttr,
    StringAttr,
    UnitAttr,
    TypeAttr,
    SymbolAttr,
    ArrayAttr,
    DenseArrayAttr,
    DictAttr,
    DenseAttr,
    OpaqueAttr,
    "Encoding",
    "SharedEncoding",
]


def float_of_bits(bits: int, type_: FloatType) -> float:
    """The number that a bit pattern of f16, bf16, f32, f64 or an 8-bit float stands for."""
    match type_.name:
        case "f64":
            return struct.unpack("<d", struct.pack("<Q", bits))[0]
        case "f32" | "tf32":
            return struct.unpack("<f", struct.pack("<I", bits))[0]
        case "bf16":
            return struct.unpack("<f", struct.pack("<I", bits << 16))[0]
        case "f16":
            return struct.unpack("<e", struct.pack("<H", bits))[0]
        case _:
            return _float8_of_bits(bits, type_.name)


# name: exponent bits, mantissa bits, exponent bias, has infinities, "unsigned zero" (FNUZ).
# Sources: OCP 8-bit Floating Point Specification (OFP8) 1.0; LLVM's APFloat for the FNUZ kinds.
FLOAT8_FORMATS = {
    "f8E4M3FN": (4, 3, 7, False, False),
    "f8E5M2": (5, 2, 15, True, False),
    "f8E4M3FNUZ": (4, 3, 8, False, True),
    "f8E5M2FNUZ": (5, 2, 16, False, True),
    "f8E4M3B11FNUZ": (4, 3, 11, False, True),
    "f8E4M3": (4, 3, 7, True, False),
}


def _float8_of_bits(bits: int, name: str) -> float:
    exponent_bits, mantissa_bits, bias, has_infinity, unsigned_zero = FLOAT8_FORMATS[name]
    sign = -1.0 if bits & 0x80 else 1.0
    exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1)
    mantissa = bits & ((1 << mantissa_bits) - 1)
    top = (1 << exponent_bits) - 1
    if unsigned_zero and bits == 0x80:
        return float("nan")
    if has_infinity and exponent == top:
        return float("nan") if mantissa else sign * float("inf")
    if not has_infinity and not unsigned_zero and bits & 0x7F == 0x7F:
        return float("nan")
    if exponent == 0:
        return sign * mantissa * 2.0 ** (1 - bias - mantissa_bits)
    return sign * (1 + mantissa / (1 << mantissa_bits)) * 2.0 ** (exponent - bias)
