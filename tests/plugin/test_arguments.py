"""What a kernel can be called with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trimetal import LaunchError
from trimetal.runtime.triton_plugin.memory import Buffer

from .support import buffers, fresh, kernels, module, numbers

pytestmark = pytest.mark.triton

DTYPES = ("int8", "int16", "int32", "int64", "uint8", "uint32", "uint64", "float16", "float32")


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_of_every_type(dtype: str):
    x = np.arange(128).astype(dtype)
    out = np.zeros_like(x)
    kernels.copy[(1,)](*buffers(x, out), BLOCK=128)
    np.testing.assert_array_equal(out, x)


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_types_that_numpy_lacks_pass_as_memory(name: str):
    dtype: Any = getattr(pytest.importorskip("ml_dtypes"), name)
    x = np.linspace(-2, 2, 128).astype(dtype)
    out = np.zeros(128, dtype)
    kernels.copy[(1,)](*buffers(x, out), BLOCK=128)
    assert out.tobytes() == x.tobytes()


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (5, "int32"),
        (16, "int32"),
        (1, "int32"),
        (-(2**31), "int32"),
        (2**31, "int64"),
        (-(2**63), "int64"),
        (2**63 + 5, "uint64"),
        (True, "int8"),
        (False, "int8"),
        (0.1, "float32"),
        (float("inf"), "float32"),
        (3, "float32"),
    ],
)
def test_scalars_of_every_kind(value: float, dtype: str):
    out = np.full(2, 77, dtype)
    kernels.store_scalar[(1,)](Buffer(out), value)
    assert out[0] == np.dtype(dtype).type(value)
    assert out[1] == 77


def test_annotated_scalars_have_the_annotated_width():
    out = np.zeros(1, "int64")
    kernels.store_wide[(1,)](Buffer(out), -3)
    assert out[0] == -3
    halves = np.zeros(1, "float16")
    kernels.store_half[(1,)](Buffer(halves), 0.1)
    assert halves[0] == np.float16(0.1)


def test_none_is_known_at_compile_time():
    x, bias, out = numbers(64), numbers(64, seed=1), np.zeros(64, "float32")
    kernels.optional[(1,)](Buffer(x), None, Buffer(out), BLOCK=64)
    np.testing.assert_array_equal(out, x)
    kernels.optional[(1,)](*buffers(x, bias, out), BLOCK=64)
    np.testing.assert_array_equal(out, x + bias)


def test_tuples_are_their_elements():
    x, out = numbers(64), np.zeros(64, "float32")
    kernels.tuples[(1,)]((Buffer(x), (3, 0.5)), Buffer(out), BLOCK=64)
    np.testing.assert_array_equal(out, x * 3 + 0.5)
    # One of the elements is known at compile time.
    kernels.tuples[(1,)]((Buffer(x), (1, 2.5)), Buffer(out), BLOCK=64)
    np.testing.assert_array_equal(out, x + 2.5)


@pytest.mark.parametrize("columns", [16, 12])
def test_tensor_descriptors(columns: int):
    descriptors = pytest.importorskip("triton.tools.tensor_descriptor")
    x, out = numbers(8 * columns).reshape(8, columns), np.ones((16, 16), "float32")
    source = descriptors.TensorDescriptor(Buffer(x), [8, columns], [columns, 1], [16, 16])
    kernels.descriptor[(1,)](source, Buffer(out), M=16, N=16)
    expected = np.zeros((16, 16), "float32")
    expected[:8, :columns] = x
    np.testing.assert_array_equal(out, expected)


def test_strided_views_with_an_offset():
    base = numbers(40 * 40).reshape(40, 40)
    view = base[3:19:2, 5:37:4]
    out = np.zeros((8, 8), "float32")
    kernels.transpose[(1,)](Buffer(view), 80, 4, Buffer(out), M=8, N=8)
    np.testing.assert_array_equal(out, view.T)


def test_stores_are_seen_through_views_and_aliases():
    base = numbers(256)
    before = np.array(base)
    alias = base.reshape(16, 16)
    kernels.increment[(1,)](Buffer(base[64:128]), BLOCK=64)
    before[64:128] += 1
    np.testing.assert_array_equal(base, before)
    np.testing.assert_array_equal(alias.ravel(), before)


def test_one_array_may_be_input_and_output():
    x = numbers(256)
    before = np.array(x)
    kernels.add[(1,)](Buffer(x), Buffer(x), Buffer(x), 256, BLOCK=256)
    np.testing.assert_array_equal(x, before + before)


def test_an_address_is_a_pointer():
    from trimetal.runtime.triton_plugin.memory import address_of, sized_address_of

    assert address_of(None) == (0, 0)
    assert address_of(4096).address == 4096
    x = numbers(8)
    assert sized_address_of(Buffer(x)) == (x.ctypes.data, 32)
    with pytest.raises(LaunchError, match="an array is expected, not str"):
        address_of("x")


def test_buffers_do_what_an_autotuner_asks():
    buffer = Buffer(numbers(4))
    kept = buffer.clone()
    buffer.zero_()
    assert not buffer.array.any()
    buffer.copy_(kept)
    np.testing.assert_array_equal(buffer.array, kept.array)
    assert buffer.stride() == (1,)
    assert buffer.stride(0) == 1


@pytest.mark.parametrize("setting", ["TRIMETAL_CHECK_BUFFERS=1", "TRIMETAL_SCHEDULES=2"])
def test_the_checks_of_the_runtime_work(setting: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(*setting.split("="))
    x, y, out = numbers(100), numbers(100, seed=1), np.zeros(100, "float32")
    fresh(kernels.add)[(1,)](*buffers(x, y, out), 100, BLOCK=128)
    np.testing.assert_array_equal(out, x + y)


def test_an_access_behind_the_end_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRIMETAL_CHECK_BUFFERS", "1")
    x, out = numbers(100), np.zeros(128, "float32")
    with pytest.raises(LaunchError):
        fresh(kernels.copy)[(1,)](*buffers(x, out), BLOCK=128)


def test_a_device_that_takes_no_addresses_gets_arrays(monkeypatch: pytest.MonkeyPatch):
    launcher = module("trimetal.runtime.triton_plugin.launcher")
    x, y, out = numbers(64), numbers(64, seed=1), np.zeros(64, "float32")
    monkeypatch.setattr(launcher, "device_name", lambda: "metal")
    fresh(kernels.add)[(1,)](*buffers(x, y, out), 64, BLOCK=64)
    np.testing.assert_array_equal(out, x + y)
