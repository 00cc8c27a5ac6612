"""The 8-bit float that Triton leaves to the backend."""

from __future__ import annotations

import numpy as np
import pytest

from .support import Array, buffers, kernels

pytestmark = pytest.mark.triton


def value_of(code: int) -> float:
    """The value: bias 15, three bits of fraction, no infinity or NaN."""
    exponent, fraction = code >> 3 & 15, code & 7
    magnitude = (8 + fraction) * 2.0 ** (exponent - 18) if exponent else fraction * 2.0**-17
    return -magnitude if code & 0x80 else magnitude


def values_of(codes: Array) -> Array:
    return np.array([value_of(int(code)) for code in codes])


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_every_code_has_its_value(dtype: str):
    codes = np.arange(256, dtype="uint8")
    out = np.zeros(256, dtype)
    kernels.from_fp8e4b15[(1,)](*buffers(codes, out), BLOCK=256)
    np.testing.assert_array_equal(out, values_of(codes))


def test_numbers_are_rounded_to_the_nearest_finite_value():
    numbers: Array = np.arange(65536, dtype="uint16")
    every = numbers.view("float16")
    out = np.zeros(65536, "uint8")
    for start in range(0, 65536, 8192):
        part = slice(start, start + 8192)
        kernels.to_fp8e4b15[(1,)](*buffers(every[part], out[part]), BLOCK=8192)
    assert not ((out & 0x7F) == 0x7F).any()
    finite = np.isfinite(every)
    wanted: Array = np.minimum(np.maximum(every[finite].astype(float), -1.75), 1.75)
    nearest = values_of(np.arange(127, dtype="uint8"))
    distances = np.abs(nearest[:, None] - np.abs(wanted)).min(axis=0)
    np.testing.assert_array_equal(np.abs(values_of(out[finite]) - wanted), distances)


def test_a_half_is_rounded_away_from_zero():
    out = np.zeros(2, "uint8")
    kernels.to_fp8e4b15[(1,)](*buffers(np.array([1.0625, -1.0625], "float16"), out), BLOCK=2)
    np.testing.assert_array_equal(values_of(out), [1.125, -1.125])
