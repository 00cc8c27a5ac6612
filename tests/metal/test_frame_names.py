"""Names that mean something to MLX: it searches the body of a kernel for them."""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from typing import Any

import mlx.core as mx
import pytest

from tests.cpu.support import arguments
from trimetal.runtime import compile
from trimetal.transpiler.errors import CompileError
from trimetal.transpiler.shader import Shader

from .stand_in import stand_in

TEXT = """#include <metal_stdlib>
using namespace metal;
// as threads_per_grid says
kernel void names(device const float* x [[buffer(0)]],
                  device const float* x_shape [[buffer(1)]],
                  device float* out [[buffer(2)]],
                  constant int& x_ndim [[buffer(3)]],
                  constant uint& has_run [[buffer(4)]],
                  uint thread_position_in_grid [[thread_position_in_grid]],
                  uint3 grid [[threadgroups_per_grid]],
                  uint lane [[thread_index_in_simdgroup]]) {
    const uint grid_size = grid.x;  // of x_strides, not threads_per_threadgroup
    const float METAL_FUNC = x[thread_position_in_grid];
    const float x_strides = x_shape[thread_position_in_grid];
    out[thread_position_in_grid] = METAL_FUNC + 10.0f * x_strides + 100.0f * float(x_ndim)
        + 1000.0f * float(has_run) + 10000.0f * float(grid_size) + 0.0f * float(lane);
}
"""
SIGNATURE = "x: f32, x_shape: f32, out: f32!, x_ndim=i32, has_run=i32"


def test_names_of_mlx_are_no_trouble() -> None:
    shader = Shader(TEXT, "names", arguments(SIGNATURE), 32, 0, "m3")
    x, other, out = mx.arange(64.0), mx.ones(64), mx.zeros(64)
    with stand_in() as device:
        compile(shader, "metal")((2,), x, other, out, 3, 2**32 - 5)
    unsigned = 1000.0 * (2**32 - 5)
    expected = [i + 10.0 + 300.0 + unsigned + 20000.0 for i in range(64)]
    found: Any = out.tolist()
    assert all(abs(a / b - 1) < 1e-6 for a, b in zip(found, expected, strict=True))
    text = device.texts[1]
    parameters = text[text.index("custom_kernel_names") : text.index(") {")]
    assert parameters.count("[[buffer(") == 6  # no shapes, and MLX's own output
    assert "[[grid_size]]" not in parameters
    assert "[[threads_per" not in parameters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace("as threads", "as thr\u00e9ads"), "the text is not ASCII"),
        (TEXT.replace("void names", "void other"), "the text has no kernel 'names'"),
        (TEXT + "constant int after = 1;\n", "there is text behind the kernel"),
    ],
)
def test_texts_that_have_no_frame(text: str, message: str) -> None:
    shader = Shader(text, "names", arguments(SIGNATURE), 32, 0, "m3")
    with stand_in() as device, pytest.raises(CompileError, match=message):
        compile(shader, "metal").results((2,), mx.ones(64), mx.ones(64), mx.zeros(64), 3, 1)
    assert not device.texts
