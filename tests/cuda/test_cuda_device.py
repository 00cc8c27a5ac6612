"""The CUDA device, on an NVIDIA GPU: arrays, streams, errors. `pytest --device cuda` runs the tests
of kernels on it too.
"""

# torch, which is no dependency, has types that say too little to a strict checker.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.cpu.support import arguments, fresh, inline, poison, stored
from trimetal.runtime import compile, devices
from trimetal.runtime.cuda.compiler import Accuracy
from trimetal.runtime.cuda.kernel import CudaKernel
from trimetal.transpiler.errors import CompileError, LaunchError
from trimetal.transpiler.shader import Shader

pytestmark = pytest.mark.cuda

ADD = "x: f32/16, y: f32/16, out: f32/16!, n=i32"


def adder() -> Any:
    return compile(stored("vector_add", ADD, 128), "cuda")


def test_the_device_is_there() -> None:
    assert "cuda" in devices()


@pytest.mark.parametrize("n", [1, 127, 5000])
def test_arrays_of_the_host_are_copied_and_brought_back(n: int) -> None:
    x, y = (fresh().standard_normal(n, np.float32) for _ in range(2))
    out = poison(n + 8)
    before = out.copy()
    adder()((-(-n // 1024),), x, y, out, n)
    np.testing.assert_array_equal(out[:n], x + y)
    np.testing.assert_array_equal(out[n:].view(np.uint32), before[n:].view(np.uint32))


def test_arrays_that_overlap_stay_so() -> None:
    n = 1024
    memory = fresh().standard_normal(2 * n, np.float32)
    x, y = memory[:n], memory[n:]
    expected = x + y
    adder()((1,), x, y, y, n)
    np.testing.assert_array_equal(y, expected)


def test_tensors_of_the_gpu_are_used_in_place() -> None:
    torch = pytest.importorskip("torch")
    n = 100_003
    x, y = (torch.randn(n, device="cuda") for _ in range(2))
    out = torch.full((n,), -7.0, device="cuda")
    adder()((-(-n // 1024),), x, y, out, n)
    assert torch.equal(out, x + y)


def test_the_stream_is_the_current_one() -> None:
    torch = pytest.importorskip("torch")
    n, kernel = 1 << 20, adder()
    x, y = (torch.randn(n, device="cuda") for _ in range(2))
    out, graph = torch.zeros(n, device="cuda"), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kernel((n // 1024,), x, y, out, n)
    assert not out.any()
    graph.replay()
    assert torch.equal(out, x + y)


def test_what_does_not_fit_is_refused() -> None:
    torch = pytest.importorskip("torch")
    x = torch.randn(4096, device="cuda")
    kernel = adder()
    with pytest.raises(LaunchError, match="y: an array of float32 is expected, found float16"):
        kernel((1,), x, x.half(), x, 10)
    with pytest.raises(LaunchError, match="x: a C-contiguous array"):
        kernel((1,), x[::2], x, x, 10)
    with pytest.raises(LaunchError, match="out: the kernel was compiled for an address divisible"):
        kernel((1,), x, x, x[1:], 10)
    with pytest.raises(LaunchError, match="65535 in y and z"):
        kernel((1, 65536), x, x, x, 10)


def test_an_error_of_the_compiler_shows_the_line() -> None:
    with pytest.raises(CompileError) as error:
        compile(inline("    out[0] = nothing;"), "cuda")
    assert error.value.span is not None and "out[0] = nothing;" in str(error.value)


def test_a_struct_of_scalars() -> None:
    text = """#include <metal_stdlib>
using namespace metal;
struct Scalars { uchar small; float scale; long far; };
kernel void test(device float* out [[buffer(0)]], constant Scalars& s [[buffer(1)]],
                 uint i [[thread_index_in_threadgroup]]) {
    out[i] = float(s.small) * s.scale + float(s.far);
}
"""
    (out,) = arguments("out: f32!")
    scalars = [
        type(out)(name, "scalar", dtype, 1, offset=offset)
        for name, dtype, offset in (("small", "i8", 0), ("scale", "f32", 4), ("far", "i64", 8))
    ]
    made = poison(32)
    compile(Shader(text, "test", (out, *scalars), 32, 0, "m3"), "cuda")(
        (1,), made, 3, 0.5, -(2**40)
    )
    np.testing.assert_array_equal(made, np.full(32, 1.5 - 2.0**40, np.float32))


@pytest.mark.parametrize("accuracy", ["metal", "triton"])
def test_exponentials_and_quotients_are_as_accurate_as_asked(accuracy: Accuracy) -> None:
    """Errors in ulp; Triton's e^x is 2^(x * log2(e)), whose error grows with x."""
    lines = ("precise::exp(x[i])", "precise::exp2(x[i])", "x[i] / x[1023 - i]")
    body = "".join(f"out[{k} * 1024 + i] = {line};" for k, line in enumerate(lines))
    text = f"""#include <metal_stdlib>
using namespace metal;
kernel void test(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                 uint i [[thread_index_in_threadgroup]]) {{ {body} }}
"""
    kernel = CudaKernel(
        Shader(text, "test", arguments("x: f32, out: f32!"), 1024, 0, "m3"), accuracy=accuracy
    )
    x, out = fresh().uniform(-80, 80, 1024).astype(np.float32), poison(3 * 1024)
    kernel((1,), x, out)
    wide = x.astype(np.float64)
    exact = np.exp(wide), np.exp2(wide), wide / wide[::-1]
    errors = [
        np.abs(found - right) / np.spacing(np.abs(right).astype(np.float32))
        for found, right in zip(out.reshape(3, 1024), exact, strict=True)
    ]
    limits = (2, 2, 0.5) if accuracy == "metal" else (80, 4, 2)
    for error, limit in zip(errors, limits, strict=True):
        assert error.max() <= limit * 1.0001
    assert (errors[0].max() > 4) == (accuracy == "triton")


def test_a_profile_is_the_cpus() -> None:
    with pytest.raises(LaunchError, match="profile"):
        adder().profile((1,))
    with pytest.raises(LaunchError, match="CPU device"):
        compile(inline(""), "cuda", schedules=3)
