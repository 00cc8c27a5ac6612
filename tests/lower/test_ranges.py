"""The example kernels over wide ranges of sizes, and what a launch must refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import trimetal
from tests.device import compiled
from trimetal import runtime

from .support import Array

EXAMPLES = Path(__file__).parents[2] / "examples"
TOLERANCE = 1e-5  # of the largest element of a row, for float32
COLUMNS = (1, 2, 3, 15, 16, 31, 33, 127, 128, 129, 500, 1000, 1023, 1024)
MORE_COLUMNS = (1025, 2047, 2049, 3999, 4000)


def kernel(name: str) -> runtime.Kernel:
    """An example's dump, ready to run with every check of the CPU device."""
    shader = trimetal.transpile(EXAMPLES / f"{name}.ttgir", verify=True)
    assert not trimetal.check(shader.source)
    return compiled(shader)


def assert_rows_close(got: Array, exact: Array) -> None:
    """Row by row: the largest error against the largest element."""
    error = np.abs(got.astype(np.float64) - exact).max(axis=-1)
    assert np.all(error <= TOLERANCE * np.abs(exact).max(axis=-1)), error


def softmax(exact: Array) -> Array:
    """In float64."""
    numerator = np.exp(exact - exact.max(axis=1, keepdims=True))
    return numerator / numerator.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def any_softmax() -> runtime.Kernel:
    return kernel("softmax/kernel.f32-1024-any")


@pytest.mark.parametrize("columns", COLUMNS)
def test_softmax_of_any_width(any_softmax: runtime.Kernel, columns: int) -> None:
    x = (np.random.default_rng().standard_normal((3, columns)) * 10).astype(np.float32)
    out = np.full_like(x, np.nan)
    any_softmax((3,), out, x, columns, columns, columns)
    assert_rows_close(out, softmax(x.astype(np.float64)))


@pytest.fixture(scope="module")
def wide_softmax() -> runtime.Kernel:
    return kernel("softmax/kernel.f32-8192")


@pytest.mark.parametrize("columns", [16, 160, 1024, 2064, 4000, 8192])
def test_softmax_of_wide_rows(wide_softmax: runtime.Kernel, columns: int) -> None:
    x = (np.random.default_rng().standard_normal((2, columns)) * 10).astype(np.float32)
    out = np.full_like(x, np.nan)
    wide_softmax((2,), out, x, columns, columns, columns)
    assert_rows_close(out, softmax(x.astype(np.float64)))


@pytest.fixture(scope="module")
def any_layer_norm() -> runtime.Kernel:
    return kernel("layer_norm/kernel.f32-any")


@pytest.mark.parametrize("columns", COLUMNS + MORE_COLUMNS)
def test_layer_norm_of_any_width(any_layer_norm: runtime.Kernel, columns: int) -> None:
    random = np.random.default_rng()
    x = (random.standard_normal((2, columns)) * 3 + 1).astype(np.float32)
    weight, bias = (random.standard_normal(columns).astype(np.float32) for _ in range(2))
    out = np.full_like(x, np.nan)
    mean, rstd = (np.full(2, np.nan, np.float32) for _ in range(2))
    any_layer_norm((2,), x, out, weight, bias, mean, rstd, columns, columns, 1e-5)
    exact = x.astype(np.float64)
    centre = exact.mean(axis=1, keepdims=True)
    scale = 1 / np.sqrt(exact.var(axis=1, keepdims=True) + 1e-5)
    assert_rows_close(mean[:, None], centre)
    assert_rows_close(rstd[:, None], scale)
    # Of one column the exact result is the bias; the error is relative to what is subtracted.
    magnitude = np.abs(exact * scale * weight).max() + np.abs(bias).max()
    expected = (exact - centre) * scale * weight + bias
    np.testing.assert_allclose(out, expected, rtol=0, atol=TOLERANCE * magnitude)


@pytest.fixture(scope="module")
def any_row_sum() -> runtime.Kernel:
    return kernel("row_sum/kernel.f32-any")


@pytest.mark.parametrize("rows", [1, 15, 16, 33])
@pytest.mark.parametrize("columns", [1, 7, 100, 255, 256])
def test_row_sum_of_any_size(any_row_sum: runtime.Kernel, rows: int, columns: int) -> None:
    x = np.random.default_rng().standard_normal((rows, columns)).astype(np.float32)
    out = np.full(rows, np.nan, np.float32)
    any_row_sum((-(-rows // 16),), x, out, rows, columns, columns)
    exact = x.astype(np.float64)
    magnitude = np.abs(exact).sum(axis=1)
    assert np.all(np.abs(out - exact.sum(axis=1)) <= TOLERANCE * magnitude)


@pytest.fixture(scope="module")
def aligned_add() -> runtime.Kernel:
    return kernel("vector_add/kernel.f32")


def test_a_size_that_is_no_multiple_of_16_is_refused(aligned_add: runtime.Kernel) -> None:
    x, y = np.ones(64, np.float32), np.ones(64, np.float32)
    out = np.full(64, np.nan, np.float32)
    with pytest.raises(trimetal.LaunchError, match="n_elements"):
        aligned_add((1,), x, y, out, 63)
    assert np.isnan(out).all()


def test_an_offset_slice_is_refused(aligned_add: runtime.Kernel) -> None:
    whole = np.ones(81, np.float32)
    address: int = whole.ctypes.data
    aligned = whole[(-address % 16) // 4 :][:64]
    x = whole[(-address % 16) // 4 + 1 :][:64]
    out = np.full(64, np.nan, np.float32)
    with pytest.raises(trimetal.LaunchError, match="x_ptr"):
        aligned_add((1,), x, aligned, out, 64)
    assert np.isnan(out).all()
