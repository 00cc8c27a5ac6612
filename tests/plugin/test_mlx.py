"""MLX's arrays as arguments."""

from __future__ import annotations

from typing import Any

import pytest

from .support import kernels

mx: Any = pytest.importorskip("mlx.core")
pytestmark = pytest.mark.triton


def values(array: Any) -> list[Any]:
    return array.astype(mx.float32).tolist()


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16", "int8", "uint32", "int64"])
def test_a_kernel_stores_into_an_array(name: str):
    x = mx.arange(128).astype(getattr(mx, name))
    out = mx.zeros(128, dtype=x.dtype)
    kernels.copy[(1,)](x, out, BLOCK=128)
    assert values(out) == list(range(128))
    assert out.dtype == x.dtype


def test_lazy_inputs_are_computed_first():
    x = mx.ones(64) + mx.arange(64)
    out = mx.zeros(64)
    kernels.copy[(1,)](x * 2, out, BLOCK=64)
    assert values(out) == [2.0 * (i + 1) for i in range(64)]


def test_values_taken_earlier_stay():
    x = mx.arange(64)
    copy, view, pending = mx.array(x), x.reshape(8, 8), x * 10
    alias = x
    kernels.increment[(1,)](x, BLOCK=64)
    assert values(x) == list(range(1, 65))
    assert alias is x
    assert values(copy) == list(range(64))
    assert values(view.flatten()) == list(range(64))
    assert values(pending) == list(range(0, 640, 10))


def test_one_array_may_be_input_and_output():
    x = mx.arange(64, dtype=mx.float32)
    kernels.add[(1,)](x, x, x, 64, BLOCK=64)
    assert values(x) == list(range(0, 128, 2))


def test_what_is_not_written_keeps_its_value():
    out = mx.full((100,), 7.0)
    kernels.add[(1,)](mx.ones(40), mx.ones(40), out, 40, BLOCK=64)
    assert values(out) == [2.0] * 40 + [7.0] * 60


def test_an_array_is_in_row_major_order():
    x = mx.arange(64, dtype=mx.float32).reshape(8, 8)
    out = mx.zeros((8, 8))
    kernels.copy[(1,)](x.T, out, BLOCK=64)
    assert values(out) == [[row + 8 * column for column in range(8)] for row in range(8)]


def test_arrays_without_elements_and_without_dimensions():
    out = mx.array(3)
    kernels.store_scalar[(1,)](out, 5)
    assert out.item() == 5
    kernels.store_scalar[(0,)](mx.zeros((0,)), 5.0)
