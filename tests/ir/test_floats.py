"""Floats of every type: bits of numbers, and MLIR's text of them."""

from __future__ import annotations

import math
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimetal.transpiler.ir.attributes import FLOAT8_FORMATS, float_of_bits
from trimetal.transpiler.ir.floats import bits_of_float, float_text
from trimetal.transpiler.ir.types import BF16, F16, F32, F64, FloatType

SMALL = [FloatType(name) for name in FLOAT8_FORMATS]


@pytest.mark.parametrize("type_", [*SMALL, F16, BF16], ids=str)
def test_every_number_comes_back(type_: FloatType) -> None:
    for bits in range(1 << type_.width):
        value = float_of_bits(bits, type_)
        if math.isnan(value):
            assert math.isnan(float_of_bits(bits_of_float(value, type_), type_))
        else:
            assert bits_of_float(value, type_) == bits


@pytest.mark.parametrize("type_", SMALL, ids=str)
def test_rounding_is_to_nearest_even(type_: FloatType) -> None:
    numbers = sorted(
        (value, bits)
        for bits in range(128)
        if not math.isnan(value := float_of_bits(bits, type_)) and not math.isinf(value)
    )
    for (a, low), (b, high) in pairwise(numbers):
        middle = (a + b) / 2
        assert bits_of_float(middle, type_) == (low if low % 2 == 0 else high)
        assert bits_of_float(math.nextafter(middle, a), type_) == low
        assert bits_of_float(math.nextafter(middle, b), type_) == high


@given(st.floats(width=32))
def test_f32_is_ieee(value: float) -> None:
    bits = bits_of_float(value, F32)
    assert bits.to_bytes(4, "little") == struct.pack("<f", value)


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        (1e300, F32, math.inf),
        (-1e300, F32, -math.inf),
        (1e300, F16, math.inf),
        (1e300, BF16, math.inf),
        (1e6, FloatType("f8E5M2"), math.inf),
    ],
)
def test_overflow(value: float, type_: FloatType, expected: float) -> None:
    assert float_of_bits(bits_of_float(value, type_), type_) == expected


@pytest.mark.parametrize("name", ["f8E4M3FN", "f8E4M3FNUZ", "f8E5M2FNUZ", "f8E4M3B11FNUZ"])
def test_types_without_infinity_overflow_to_nan(name: str) -> None:
    for value in (1e9, math.inf):
        assert math.isnan(float_of_bits(bits_of_float(value, FloatType(name)), FloatType(name)))


@pytest.mark.parametrize(
    ("bits", "type_", "text"),
    [
        (0x3F800000, F32, "1.000000e+00"),
        (0x3FB8AA3B, F32, "1.44269502"),
        (0x3DCCCCCD, F32, "1.000000e-01"),
        (0xBF578A95, F32, "-0.841958343"),
        (0x40C90FDB, F32, "6.28318548"),
        (0x3727C5AC, F32, "9.99999974E-6"),
        (0x30000000, F32, "4.65661287E-10"),
        (0x80000000, F32, "-0.000000e+00"),
        (0xFF800000, F32, "0xFF800000"),
        (0x7FC00000, F32, "0x7FC00000"),
        (0x00000001, F32, "1.401300e-45"),
        (0x7E00, F16, "0x7E00"),
        (0x3C00, F16, "1.000000e+00"),
        (0x3FF0000000000000, F64, "1.000000e+00"),
        (0x3FF71547652B82FE, F64, "1.4426950408889634"),
        (0x38, FloatType("f8E4M3FN"), "1.000000e+00"),
    ],
)
def test_texts(bits: int, type_: FloatType, text: str) -> None:
    assert float_text(bits, type_) == text


@given(st.integers(0, (1 << 32) - 1))
def test_every_text_comes_back(bits: int) -> None:
    text = float_text(bits, F32)
    if text.startswith("0x"):
        assert int(text, 16) == bits
    else:
        assert bits_of_float(float(text), F32) == bits
