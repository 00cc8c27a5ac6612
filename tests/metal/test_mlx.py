"""Device "metal" through MLX: its texts, checked and run by the stand-in, against NumPy."""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import mlx.core as mx
import numpy as np
import pytest

import trimetal
from tests.lower.support import module
from trimetal.runtime import Empty, Kernel, compile
from trimetal.transpiler.errors import LaunchError

from . import kernels
from .stand_in import StandIn, stand_in

MLX_TYPES = {
    "i1": mx.bool_,
    "i8": mx.int8,
    "i16": mx.int16,
    "i32": mx.int32,
    "i64": mx.int64,
    "f16": mx.float16,
    "bf16": mx.bfloat16,
    "f32": mx.float32,
    "f8E4M3FN": mx.uint8,
}
# Fewer than eight elements are in constant memory, where MLX makes the signature.
SIZES = (1, 7, 8, 3001)
GUARD = 0x5A


@pytest.fixture
def device() -> Iterator[StandIn]:
    with stand_in() as found:
        yield found


def kernel_of(text: str) -> Kernel:
    return compile(trimetal.transpile(text), "metal")


def bits(array: Any) -> bytes:
    """The bytes of an array of MLX."""
    flat: Any = mx.contiguous(array.reshape(-1)).view(mx.uint8)
    return bytes(memoryview(flat))


def random_array(dtype: Any, size: int) -> Any:
    """Any bits but those of a bool, which has two values."""
    random = np.random.default_rng().integers(0, 256, size * dtype.size, np.uint8)
    if dtype == mx.bool_:
        random &= 1
    return mx.array(random).view(dtype)


def guarded(dtype: Any, size: int) -> Any:
    """An array that no kernel computes by chance."""
    value = 1 if dtype == mx.bool_ else GUARD
    return mx.array(np.full(size * dtype.size, value, np.uint8)).view(dtype)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", MLX_TYPES)
def test_types_and_sizes(device: StandIn, dtype: str, size: int) -> None:
    """All but one element are written; MLX's text goes through the strict check on its way."""
    kernel = kernel_of(kernels.copy(dtype))
    kind = MLX_TYPES[dtype]
    x, out = random_array(kind, size), guarded(kind, size)
    before, view, count = bits(out), out[:], size - 1
    kernel((-(-size // kernels.BLOCK),), x, out, count)
    width = kind.size
    assert bits(out)[: count * width] == bits(x)[: count * width]
    assert bits(out)[count * width :] == before[count * width :]
    assert bits(view) == before, "an array that was made before has another value now"
    assert len(device.texts) == 3  # into private memory, the kernel, and into an array
    assert ("constant uint8_t" not in device.texts[1]) and "(device" in device.texts[1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", MLX_TYPES)
def test_outputs_without_contents(device: StandIn, dtype: str, size: int) -> None:
    kernel = kernel_of(kernels.copy(dtype))
    kind = MLX_TYPES[dtype]
    x = random_array(kind, size)
    name = str(kind).removeprefix("mlx.core.").removesuffix("_")
    (out,) = kernel.results((-(-size // kernels.BLOCK),), x, Empty((size,), name), size)
    assert out.dtype == kind
    assert bits(out) == bits(x)
    assert len(device.texts) == 1  # nothing is copied


@pytest.mark.parametrize("size", SIZES)
def test_an_array_that_is_written_as_a_whole_is_not_copied(device: StandIn, size: int) -> None:
    kernel = kernel_of(kernels.copy("f32"))
    x, out = random_array(mx.float32, size), guarded(mx.float32, size)
    view, before = out[:], bits(out)
    kernel((-(-size // kernels.BLOCK),), x, out, size)
    assert bits(out) == bits(x)
    assert bits(view) == before
    assert len(device.texts) == 1


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("i1", True),
        ("i8", -7),
        ("i16", 40000),
        ("i32", -(2**31)),
        ("i32", 2**32 - 1),
        ("i64", -(2**63)),
        ("i64", 2**40 + 1),
        ("f16", 0.1),
        ("bf16", 3.0078125),
        ("f32", float("-inf")),
        ("f32", 0.1),
    ],
)
def test_scalars(device: StandIn, dtype: str, value: float) -> None:
    (out,) = kernel_of(kernels.scalar(dtype)).results((1,), Empty((1,), _name(dtype)), value)
    if dtype in ("f16", "f32", "bf16"):
        kinds = {"f16": np.float16, "f32": np.float32, "bf16": ml_dtypes.bfloat16}
        assert bits(out) == np.array([value], kinds[dtype]).tobytes()
    else:
        width = 8 * out.itemsize
        assert out.item() % (1 << width) == value % (1 << width)
    assert len(device.texts) == 1


def _name(dtype: str) -> str:
    return str(MLX_TYPES[dtype]).removeprefix("mlx.core.").removesuffix("_")


@pytest.mark.parametrize("count", [12, 45])
def test_many_scalars(device: StandIn, count: int) -> None:
    random = np.random.default_rng()
    values = [int(random.integers(-(2**15), 2**15)) for _ in range(count)]
    out = guarded(mx.int64, count + 3)
    kernel_of(kernels.scalars(count))((1,), out, *values)
    assert out.tolist()[:count] == values
    assert bits(out)[count * 8 :] == bytes([GUARD] * 24)
    assert ("struct" in device.texts[1]) == (count > 30)


def test_scalars_are_packed_where_the_output_that_mlx_needs_is_one_too_many(
    device: StandIn,
) -> None:
    values = [int(each) for each in np.random.default_rng().integers(-(2**15), 2**15, 30)]
    out = guarded(mx.int64, 31)
    kernel_of(kernels.scalars(30))((1,), out, *values)
    assert out.tolist()[:30] == values
    assert bits(out)[240:] == bytes([GUARD] * 8)
    assert "struct" not in device.texts[1]
    assert device.texts[1].count("[[buffer(") == 3


def test_too_many_buffers(device: StandIn) -> None:
    names = ", ".join(f"%b{k}: !tt.ptr<i32>" for k in range(31))
    text = module(f"""
  tt.func public @many({names}) {{
    %c1 = arith.constant 1 : i32
    %b0_1 = tt.addptr %b0, %c1 : !tt.ptr<i32>, i32
    tt.store %b0_1, %c1 : !tt.ptr<i32>
    tt.return
  }}""")
    with pytest.raises(LaunchError, match="many: 32 buffers are needed, Metal has 31"):
        kernel_of(text)((1,), *[mx.zeros(9, mx.int32)] + [mx.zeros(9, mx.int32) for _ in range(30)])
    assert len(device.texts) == 0


def test_atomics_and_several_outputs(device: StandIn) -> None:
    random = np.random.default_rng()
    n = 5000
    bins = random.integers(0, 37, n).astype(np.int32)
    weights = random.integers(-8, 8, n).astype(np.float32)
    counts, total = mx.full((37,), 3, mx.int32), mx.array([100.0])
    given = mx.array(bins), mx.array(weights)
    kernel_of(kernels.histogram())((5,), *given, counts, total, n)
    assert counts.tolist() == (3 + np.bincount(bins, minlength=37)).tolist()
    assert total.item() == 100 + weights.sum()
    assert len(device.texts) == 5


def test_one_array_twice(device: StandIn) -> None:
    random = np.random.default_rng()
    values = random.standard_normal(2000).astype(np.float32)
    x = mx.array(values)
    kernel = kernel_of(kernels.double())
    kernel((2,), x, x, 1500)
    expected = np.concatenate([2 * values[:1500], values[1500:]])
    assert np.array_equal(np.array(x), expected)
    (again,) = kernel.results((2,), x, x, 1500)
    expected[:1500] *= 2
    assert np.array_equal(np.array(again), expected)
    assert np.array_equal(np.array(x)[:1500], 2 * values[:1500])
    assert len(device.texts) == 6


def test_results_leave_the_arguments(device: StandIn) -> None:
    x, out = random_array(mx.float16, 100), guarded(mx.float16, 101)
    before = bits(out)
    (made,) = kernel_of(kernels.copy("f16")).results((1,), x, out, 100)
    assert bits(made) == bits(x) + before[200:]
    assert bits(out) == before
    assert device.texts


def test_an_array_without_dimensions(device: StandIn) -> None:
    x, out = mx.array(2.5), mx.array(9.0)
    kernel_of(kernels.double())((1,), x, out, 1)
    assert out.shape == () and out.item() == 5.0
    kernel_of(kernels.double())((1,), out, out, 1)
    assert out.shape == () and out.item() == 10.0
    assert len(device.texts) == 4


def test_a_strided_array_is_read_in_its_order(device: StandIn) -> None:
    x = mx.array(np.random.default_rng().standard_normal((40, 30)).astype(np.float32))
    out = mx.zeros((30, 40))
    kernel_of(kernels.double())((2,), x.T, out, 1200)
    assert np.array_equal(np.array(out), 2 * np.array(x).T)
    assert device.texts


def test_a_wide_read_needs_one_elements_alignment(device: StandIn) -> None:
    x = random_array(mx.float16, 1031)
    out = mx.zeros(1024, mx.float16)
    kernel_of(kernels.copy("f16", 16))((1,), x[7:], out, 1024)
    assert bits(out) == bits(x[7:])
    (text,) = device.texts
    assert "trimetal_words" in text
    assert "packed_ushort4" in text


def test_memory_of_this_process_is_copied_and_written_back(device: StandIn) -> None:
    x = np.random.default_rng().standard_normal(100).astype(np.float32)
    out = np.full(103, np.float32(7))
    kernel_of(kernels.double())((1,), x, out, 100)
    assert np.array_equal(out, np.concatenate([2 * x, np.full(3, 7, np.float32)]))
    both = np.arange(6, dtype=np.float32)
    kernel_of(kernels.double())((1,), both, both, 4)
    assert both.tolist() == [0, 2, 4, 6, 4, 5]
    assert device.texts


def test_views_of_one_memory_are_refused(device: StandIn) -> None:
    memory = np.ones(100, np.float32)
    with pytest.raises(LaunchError, match="x and out share memory"):
        kernel_of(kernels.double())((1,), memory[:60], memory[40:], 50)
    assert memory.sum() == 100
    assert not device.texts


@pytest.mark.parametrize("name", ["x", "out", "bins"])
def test_prints_and_assertions(
    device: StandIn, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    kernel = kernel_of(kernels.printing())
    x, out = mx.array([4, 5, 6]), mx.zeros(3, mx.int32)
    kernel((3,), x, out)
    assert capfd.readouterr().out.splitlines() == [
        f"pid ({pid}, 0, 0) idx () value: {pid + 4}" for pid in range(3)
    ]
    with pytest.raises(trimetal.AssertionFailed, match=r"program \(1, 0, 0\): no seven"):
        kernel((2,), mx.array([6, 7]), out)
    assert out.tolist() == [4, 5, 6]
    assert device.texts, name


def test_the_examples(device: StandIn) -> None:
    """Every example of the demo: each writes its outputs as a whole, so nothing is copied."""
    from examples.demo import CASES, HERE

    random = np.random.default_rng()
    for case in CASES:
        shader = trimetal.transpile(HERE / f"{case.dump}.ttgir")
        launch = case.launch(random)
        kernel = compile(shader, "metal")
        wanted = {id(array): expected for array, expected in launch.expected}
        values = [mx.array(v) if isinstance(v, np.ndarray) else v for v in launch.arguments]
        found = kernel.results(launch.grid, *values)
        pairs = zip(shader.arguments, launch.arguments, strict=True)
        given = [value for argument, value in pairs if argument.written]
        for array, value in zip(found, given, strict=True):
            expected = wanted[id(value)]
            error = np.abs(np.array(array).astype(np.float64) - expected).max()
            assert error <= case.tolerance * np.abs(expected).max(), case.dump
        plain = case.dump.startswith(("vector_add", "softmax", "layer_norm", "row_sum"))
        assert not plain or len(device.texts) == 1, case.dump
        device.texts.clear()
