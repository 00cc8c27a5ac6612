"""What a launch refuses, on every device: in one line, and before anything is written."""

# MLX's and PyTorch's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportMissingImports=false

from __future__ import annotations

import array
import platform
import sys
from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import mlx.core as mx
import numpy as np
import pytest

import trimetal
from trimetal.runtime import Address, Empty, Kernel, compile
from trimetal.transpiler.errors import LaunchError

from . import kernels
from .stand_in import stand_in

COUNT = 100


@pytest.fixture(params=["cpu", "metal"])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "cpu":
        yield "cpu"
    else:
        with stand_in():
            yield "metal"


def kernel_on(device: str, text: str | None = None) -> Kernel:
    return compile(trimetal.transpile(text or kernels.double()), device)


def values() -> Any:
    return np.random.default_rng().standard_normal(COUNT).astype(np.float32)


class DLPack:
    """Another library's array: all that it has is DLPack."""

    def __init__(self, inner: Any, old: bool = False) -> None:
        self.inner, self._old = inner, old

    def __dlpack__(self, **options: Any) -> Any:
        if self._old and options:
            raise TypeError("options are of a later version")
        return self.inner.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.inner.__dlpack_device__()


def as_torch(data: Any) -> Any:
    return pytest.importorskip("torch").from_numpy(data)


LIBRARIES: dict[str, Callable[[Any], Any]] = {
    "numpy": lambda data: data,
    "torch": as_torch,
    "dlpack": DLPack,
    "old dlpack": lambda data: DLPack(data, old=True),
    "memoryview": lambda data: memoryview(data).cast("B").cast("f"),
    "array": lambda data: array.array("f", data.tobytes()),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_arrays_of_every_library_change_in_place(device: str, library: str) -> None:
    data = values()
    x, out = LIBRARIES[library](data), LIBRARIES[library](np.zeros(COUNT + 2, np.float32))
    kernel_on(device)((1,), x, out, COUNT)
    found = np.from_dlpack(out.inner) if isinstance(out, DLPack) else np.asarray(out)
    assert np.array_equal(found, np.concatenate([2 * data, np.zeros(2, np.float32)]))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int64", "bool", "uint8"])
def test_torch_types(device: str, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    names = {"bfloat16": "bf16", "float16": "f16", "int64": "i64", "bool": "i1", "uint8": "i8"}
    x = (torch.randn(50) * 3).to(getattr(torch, dtype))
    out = torch.zeros(50, dtype=x.dtype)
    kernel_on(device, kernels.copy(names[dtype]))((1,), x, out, 50)
    assert torch.equal(out, x)


def test_arrays_of_mlx_are_values_on_every_device(device: str) -> None:
    data = values()
    x, out = mx.array(data), mx.zeros(COUNT + 1)
    view = out[:]
    kernel_on(device)((1,), x, out, COUNT)
    assert np.array_equal(np.array(out), np.concatenate([2 * data, [0]]))
    assert not np.array(view).any()
    kernel_on(device)((1,), out, out, 10)
    assert np.array_equal(np.array(out)[:10], 4 * data[:10])
    assert np.array_equal(np.array(out)[10:COUNT], 2 * data[10:])


@pytest.mark.parametrize("library", ["numpy", "torch", "mlx"])
def test_results_are_new_arrays(device: str, library: str) -> None:
    data = values()
    makers: dict[str, Any] = {**LIBRARIES, "mlx": mx.array}
    make = makers[library]
    x, out = make(data), make(np.full(COUNT, np.float32(3)))
    kernel = kernel_on(device)
    (found,) = kernel.results((1,), x, out, 60)
    expected = np.concatenate([2 * data[:60], np.full(40, np.float32(3))])
    assert np.array_equal(np.asarray(found), expected)
    assert set(np.asarray(out).tolist()) == {3.0}
    (made,) = kernel.results((1,), x, Empty((COUNT,)), COUNT)
    assert np.array_equal(np.asarray(made), 2 * data)


def given(**changed: Any) -> tuple[Any, ...]:
    whole: dict[str, Any] = {"x": values(), "out": np.full(COUNT, np.float32(7)), "n": COUNT}
    return tuple({**whole, **changed}.values())


def read_only() -> Any:
    fixed = np.ones(COUNT, np.float32)
    fixed.flags.writeable = False
    return fixed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": [1.0] * 4}, "x: an array is expected, not list"),
        ({"x": None}, "x: an array is expected, not NoneType"),
        ({"x": 3.0}, "x: an array is expected, not float"),
        ({"x": np.zeros(COUNT)}, "x: an array of float32 is expected, found float64"),
        ({"x": mx.zeros(COUNT, mx.int32)}, "x: an array of float32 is expected, found int32"),
        ({"x": np.zeros(COUNT, ">f4")}, "x: an array of float32 is expected, found >f4"),
        ({"x": DLPack(np.zeros(4, "i2"))}, "x: an array of float32 is expected, found int16"),
        ({"x": bytearray(8)}, "x: an array of float32 is expected, found uint8"),
        ({"x": np.zeros((4, 4), "f4").T}, "x: a C-contiguous array is expected, found a strided"),
        ({"x": DLPack(np.zeros(9, "f4")[::2])}, "x: a C-contiguous array is expected"),
        ({"x": np.zeros(0, "f4")}, "x: an array with elements is expected, found an empty one"),
        ({"x": mx.zeros(0)}, "x: an array with elements is expected, found an empty one"),
        ({"out": read_only()}, "out: the kernel writes to this array, but it is read-only"),
        ({"out": bytes(8)}, "out: an array of float32 is expected, found uint8"),
        ({"n": 2.5}, "n: an integer is expected, not float"),
        ({"n": 2**40}, "n: 1099511627776 does not fit i32"),
    ],
)
def test_wrong_arguments(device: str, changed: dict[str, Any], message: str) -> None:
    arguments = given(**changed)
    with pytest.raises(LaunchError) as caught:
        kernel_on(device)((1,), *arguments)
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
    if "out" not in changed:
        assert set(arguments[1].tolist()) == {7.0}


def test_a_tensor_of_torch_that_is_elsewhere_or_strided(device: str) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(LaunchError, match="x: a tensor on the CPU is expected, found one on meta"):
        kernel_on(device)((1,), *given(x=torch.zeros(COUNT, device="meta")))
    with pytest.raises(LaunchError, match="x: a C-contiguous array is expected"):
        kernel_on(device)((1,), *given(x=torch.zeros(COUNT, 2)[:, 0]))


@pytest.mark.parametrize("count", [0, 2, 4])
def test_the_number_of_arguments(device: str, count: int) -> None:
    whole: tuple[Any, ...] = (*given(), 1)
    with pytest.raises(LaunchError, match=f"{count} arguments given, 3 expected: x, out, n"):
        kernel_on(device)((1,), *whole[:count])
    assert set(whole[1].tolist()) == {7.0}


@pytest.mark.parametrize("grid", [0, (0,), (1, 0), -1, 2**31, (1, 1, 1, 1), (), "4", None])
def test_wrong_grids(device: str, grid: Any) -> None:
    arguments = given()
    with pytest.raises(LaunchError, match="grid"):
        kernel_on(device)(grid, *arguments)
    assert set(arguments[1].tolist()) == {7.0}


def test_the_grid_of_mlx_counts_threads_in_32_bits() -> None:
    with stand_in() as device:
        message = r"grid \(16777216, 1, 1\): MLX takes 16777215 programs of 128 threads at most"
        with pytest.raises(LaunchError, match=message):
            kernel_on("metal")(2**24, *given())
        assert not device.texts


def test_broken_divisibility(device: str) -> None:
    text = kernels.copy("f32", 16)
    x, out = np.zeros(COUNT, np.float32), np.full(COUNT, np.float32(7))
    with pytest.raises(LaunchError, match="n: the kernel was compiled for a multiple of 16"):
        kernel_on(device, text)((1,), x, out, 99)
    assert set(out.tolist()) == {7.0}


def test_a_broken_alignment() -> None:
    memory = np.full(COUNT + 8, np.float32(7))
    start = next(i for i in range(8) if memory[i:].ctypes.data % 16 == 4)
    message = "x: the kernel was compiled for an address divisible by 16 bytes, found one divisible"
    for x in (memory[start:], DLPack(memory[start:])):
        with pytest.raises(LaunchError, match=message):
            kernel_on("cpu", kernels.copy("f32", 16))((1,), x, memory, 96)
    assert set(memory.tolist()) == {7.0}


def test_what_is_stored_in_a_temporary_would_be_lost(device: str) -> None:
    x, out = mx.ones(COUNT), mx.zeros(COUNT)
    kernel = kernel_on(device)
    message = "out: the kernel writes to this array, which nobody else holds"
    with pytest.raises(LaunchError, match=message) as caught:
        kernel((1,), x, out[10:], 5)
    assert "results(...)" in caught.value.note
    assert out.sum().item() == 0
    kernel((1,), x[10:], out, 5)
    kept = [out[10:]]
    kernel((1,), x, *kept, 5)
    assert kept[0].sum().item() == 10


def test_an_address_is_for_the_cpu() -> None:
    with stand_in(), pytest.raises(LaunchError, match="x: an array is expected, not an address"):
        kernel_on("metal")((1,), *given(x=Address(4096, 4)))


def test_an_array_without_contents_is_for_results(device: str) -> None:
    with pytest.raises(LaunchError, match="out: an array is expected"):
        kernel_on(device)((1,), *given(out=Empty((COUNT,))))
    with pytest.raises(LaunchError, match=r"x: .*Empty"):
        kernel_on(device).results((1,), *given(x=Empty((COUNT,))))


def test_bfloat_of_numpy(device: str) -> None:
    x = values().astype(ml_dtypes.bfloat16)
    out = np.zeros(COUNT, ml_dtypes.bfloat16)
    kernel_on(device, kernels.copy("bf16"))((1,), x, out, COUNT)
    assert out.tobytes() == x.tobytes()


@pytest.mark.skipif(sys.platform == "darwin", reason="this is a Mac")
def test_a_machine_without_an_apple_gpu_says_what_to_do() -> None:
    with pytest.raises(LaunchError) as caught:
        compile(trimetal.transpile(kernels.double()), "metal")
    where = f"{platform.system()} on {platform.machine()}"
    assert caught.value.message == f"device 'metal' needs an Apple GPU, and this is {where}"
    assert "device='cpu'" in caught.value.note
    assert "pip install 'trimetal[metal]'" in caught.value.note
