"""What a launch takes: grids, arrays and numbers; a refused launch writes nothing."""

# numpy's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from trimetal.runtime import compile, devices
from trimetal.transpiler.errors import CompileError, LaunchError
from trimetal.transpiler.shader import Argument, Shader

from .support import Array, arguments, poison

_TYPES = {
    "i1": "bool",
    "i8": "char",
    "i16": "short",
    "i32": "int",
    "i64": "long",
    "f16": "half",
    "bf16": "bfloat",
    "f32": "float",
    "f8E4M3FN": "uchar",
    "f8E5M2": "uchar",
}


def _copy(dtype: str) -> Shader:
    """Copies x to out and stores n after it."""
    word = _TYPES[dtype]
    text = f"""#include <metal_stdlib>
using namespace metal;
kernel void copy(device const {word}* x [[buffer(0)]], device {word}* out [[buffer(1)]],
                 constant {word}& n [[buffer(2)]], uint i [[thread_position_in_grid]]) {{
    out[i] = i == 31u ? n : x[i];
}}
"""
    scalar = dtype if not dtype.startswith("f8") else "i8"
    return Shader(text, "copy", arguments(f"x: {dtype}, out: {dtype}!, n={scalar}"), 32, 0, "m3")


def _assumed() -> Shader:
    text = """#include <metal_stdlib>
using namespace metal;
kernel void store(device float* out [[buffer(0)]], constant int& n [[buffer(1)]]) {
    out[0] = float(n);
}
"""
    return Shader(text, "store", arguments("out: f32/16!, n=i32/8"), 1, 0, "m3")


@pytest.mark.parametrize(
    ("dtype", "array", "number"),
    [
        ("i1", np.bool_, True),
        ("i1", np.uint8, 1),
        ("i8", np.int8, -128),
        ("i8", np.uint8, 255),
        ("i16", np.uint16, 65535),
        ("i16", np.int16, np.int64(-32768)),
        ("i32", np.int32, -(2**31)),
        ("i32", np.uint32, 2**32 - 1),
        ("i64", np.int64, -(2**63)),
        ("i64", np.uint64, 2**64 - 1),
        ("f16", np.float16, 65504.0),
        ("f32", np.float32, np.float32(0.1)),
        ("f32", np.float32, float("-inf")),
        ("bf16", ml_dtypes.bfloat16, 1.5),
        ("f8E4M3FN", ml_dtypes.float8_e4m3fn, None),
        ("f8E5M2", ml_dtypes.float8_e5m2, None),
        ("f8E5M2", np.uint8, None),
    ],
)
def test_types(dtype: str, array: type, number: object) -> None:
    kernel = compile(_copy(dtype))
    x = np.random.default_rng().integers(0, 2, 32).astype(array)
    out = poison(32, array)
    kernel(1, x, out, 0 if number is None else number)
    assert out[:31].tobytes() == x[:31].tobytes()
    if number is not None:
        assert out[31] == np.array(number).astype(array)


@pytest.mark.parametrize("value", [1.00390625, 1.01171875, -3.3e38, 1e-40, 7.0])
def test_bfloat_scalar_rounds_to_even(value: float) -> None:
    out = poison(32, ml_dtypes.bfloat16)
    compile(_copy("bf16"))(1, np.zeros(32, ml_dtypes.bfloat16), out, value)
    assert out[31] == np.float32(value).astype(ml_dtypes.bfloat16)


def _floats() -> Array:
    return np.zeros(32, np.float32)


@pytest.mark.parametrize(
    ("dtype", "number", "message"),
    [
        ("i32", 2**40, "n: 1099511627776 does not fit i32"),
        ("i32", -(2**31) - 1, "does not fit i32"),
        ("i1", 2, "n: 2 does not fit i1"),
        ("i8", 256, "does not fit i8"),
        ("i64", 2**64, "does not fit i64"),
        ("i32", 1.0, "n: an integer is expected, not float"),
        ("i32", "1", "n: an integer is expected, not str"),
        ("i32", None, "n: an integer is expected, not NoneType"),
        ("f32", 1e39, "n: 1e\\+39 does not fit f32"),
        ("f16", 65520.0, "does not fit f16"),
        ("bf16", 3.4e38, "does not fit bf16"),
        ("f32", "1.0", "n: a number is expected, not str"),
        ("f32", None, "n: a number is expected, not NoneType"),
    ],
)
def test_wrong_number(dtype: str, number: object, message: str) -> None:
    kernel = compile(_copy(dtype))
    dtypes = {"f16": np.float16, "f32": np.float32, "bf16": np.uint16, "i1": np.bool_}
    word = dtypes.get(dtype, f"int{dtype[1:]}")
    x, out = np.zeros(32, word), poison(32, word)
    before = out.tobytes()
    with pytest.raises(LaunchError, match=message):
        kernel(1, x, out, number)
    assert out.tobytes() == before


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0] * 32, "x: an array is expected, not list"),
        (np.zeros(32), "x: an array of float32 is expected, found float64"),
        (np.zeros(32, ">f4"), "x: an array of float32 is expected, found >f4"),
        (np.zeros(64, np.float32)[::2], "x: a C-contiguous array is expected"),
        (np.zeros((4, 8), np.float32).T, "x: a C-contiguous array is expected"),
    ],
)
def test_wrong_array(x: object, message: str) -> None:
    out = poison(32)
    before = out.tobytes()
    with pytest.raises(LaunchError, match=message):
        compile(_copy("f32"))(1, x, out, 1.0)
    assert out.tobytes() == before


def test_read_only_arrays_are_for_reading() -> None:
    kernel = compile(_copy("f32"))
    fixed = np.ones(32, np.float32)
    fixed.flags.writeable = False
    out = poison(32)
    kernel(1, fixed, out, 1.0)
    np.testing.assert_array_equal(out, fixed)
    with pytest.raises(LaunchError, match="out: the kernel writes to this array"):
        kernel(1, out, fixed, 1.0)


def test_number_of_arguments() -> None:
    with pytest.raises(LaunchError, match="1 arguments given, 3 expected: x, out, n"):
        compile(_copy("f32"))(1, _floats())


def _aligned(count: int) -> Array:
    """An array whose address is a multiple of 64."""
    memory = np.zeros(4 * count + 64, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64
    return memory[start : start + 4 * count].view(np.float32)


def test_assumptions_are_checked() -> None:
    kernel = compile(_assumed())
    out = _aligned(16)
    kernel(1, out, 24)
    assert out[0] == 24
    kernel(1, out[4:], 8)
    assert out[4] == 8
    out[:] = 5
    message = "out: the kernel was compiled for an address divisible by 16 bytes, found one .* by 4"
    with pytest.raises(LaunchError, match=message):
        kernel(1, out[1:], 8)
    with pytest.raises(LaunchError, match=r"n: .* a multiple of 8, found 12"):
        kernel(1, out, 12)
    assert (out == 5).all()


@pytest.mark.parametrize("which", ["x", "out"])
def test_an_empty_array_is_refused(which: str) -> None:
    given = {"x": _floats(), "out": poison(32)}
    before = given["out"].tobytes()
    values = {**given, which: np.zeros(0, np.float32)}
    message = f"{which}: an array with elements is expected, found an empty one"
    with pytest.raises(LaunchError, match=message):
        compile(_copy("f32"))(1, values["x"], values["out"], 1.0)
    assert given["out"].tobytes() == before


@pytest.mark.parametrize("grid", [0, (0,), (3, 0), (0, 2**31 - 1, 2), (1, 1, 0)])
def test_an_empty_grid_is_refused(grid: int | tuple[int, ...]) -> None:
    out = poison(32)
    before = out.tobytes()
    with pytest.raises(LaunchError, match=r"a size must be from 1 to 2\*\*31 - 1"):
        compile(_copy("f32"))(grid, _floats(), out, 1.0)
    assert out.tobytes() == before


@pytest.mark.parametrize("grid", [np.int64(2), (np.int32(2),), [2], (1, 2), (1, 1, 2)])
def test_forms_of_a_grid(grid: object) -> None:
    text = """#include <metal_stdlib>
using namespace metal;
kernel void count(device atomic_uint* out [[buffer(0)]]) {
    atomic_fetch_add_explicit(out, 1u, memory_order_relaxed);
}
"""
    shader = Shader(text, "count", (Argument("out", "buffer", "i32", 0, 4, True),), 32, 0, "m3")
    out = np.zeros(1, np.uint32)
    compile(shader)(grid, out)  # type: ignore[arg-type]
    assert out[0] == 64


@pytest.mark.parametrize("grid", [-1, (1, -1), 2**31, (1, 1, 1, 1), (), 1.5, ("1",), None])
def test_wrong_grid(grid: object) -> None:
    with pytest.raises(LaunchError, match="grid"):
        compile(_copy("f32"))(grid, _floats(), _floats(), 1.0)  # type: ignore[arg-type]


def test_devices() -> None:
    assert devices()[-1] == "cpu"
    assert set(devices()) <= {"metal", "cpu"}
    with pytest.raises(LaunchError, match="unknown device 'tpu'; the devices are metal, cpu, cuda"):
        compile(_copy("f32"), "tpu")


def test_wrong_shaders() -> None:
    shader = _copy("f32")
    with pytest.raises(CompileError, match="2048 threads in a threadgroup"):
        compile(Shader(shader.source, "copy", shader.arguments, 2048, 0, "m3"))
    odd = (*shader.arguments[:2], Argument("n", "scalar", "f64", 2))
    with pytest.raises(CompileError, match="no argument can be of type f64"):
        compile(Shader(shader.source, "copy", odd, 32, 0, "m3"))
    with pytest.raises(LaunchError, match="schedules must be at least 1"):
        compile(shader, schedules=0)
    with pytest.raises(LaunchError, match="schedule must not be negative: -1"):
        compile(shader, schedule=-1)
