"""More simdgroups than warps, on text."""

from __future__ import annotations

import pytest

from trimetal.transpiler.passes.simdgroups import add_simdgroups

from .support import HEAD, whole, with_target

WARPS = {1: "[1, 1]", 4: "[2, 2]", 8: "[4, 2]", 16: "[4, 4]"}


def kernel(rows: int, columns: int, warps: int) -> str:
    """A dot whose operands and sums are numbers; the sums' columns are added up."""
    layout = (
        "#ttg.blocked<{sizePerThread = [4, 4], threadsPerWarp = [2, 16], "
        f"warpsPerCTA = {WARPS[warps]}, order = [1, 0]}}>"
    )
    c, a, b = (
        f"tensor<{size}, {layout}>"
        for size in (f"{rows}x{columns}xf32", f"{rows}x16xf16", f"16x{columns}xf16")
    )
    line = f"tensor<{rows}xf32, #ttg.slice<{{dim = 1, parent = {layout}}}>>"
    pointers = line.replace("xf32", "x!tt.ptr<f32>")
    return f"""{HEAD.replace("4 : i32", f"{warps} : i32", 1)}
tt.func public @kernel(%p: !tt.ptr<f32>, %x: f16) {{
  %zero = arith.constant dense<0.0> : {c}
  %a = tt.splat %x : f16 -> {a}
  %b = tt.splat %x : f16 -> {b}
  %d = tt.dot %a, %b, %zero : {a} * {b} -> {c}
  %s = "tt.reduce"(%d) <{{axis = 1 : i32}}> ({{
    ^bb0(%l: f32, %r: f32):
      %t = arith.addf %l, %r : f32
      tt.reduce.return %t : f32
  }}) : ({c}) -> {line}
  %q = tt.splat %p : !tt.ptr<f32> -> {pointers}
  tt.store %q, %s : {pointers}
  tt.return
}}
}}
"""


@pytest.mark.parametrize(
    ("rows", "columns", "warps", "expected"),
    [
        (64, 64, 4, 4),  # 16 matrices a simdgroup: 32 registers
        (128, 64, 4, 4),  # 32 matrices, 64 registers: half of what there is
        (128, 128, 4, 8),
        (128, 128, 1, 8),
        (256, 128, 8, 16),
        (256, 256, 8, 32),
        (256, 256, 16, 32),
        (16, 16, 16, 16),  # never fewer
    ],
)
def test_sums_take_half_of_the_registers(
    rows: int, columns: int, warps: int, expected: int
) -> None:
    """Twice the simdgroups until each has at most 32 matrices, or a threadgroup is full."""
    text = whole(kernel(rows, columns, warps), with_target(add_simdgroups))
    assert f'"ttg.num-warps" = {expected} : i32' in text
    (line,) = [line for line in text.splitlines() if line.startswith("#blocked")]
    counts = line.split("warpsPerCTA = [")[1].split("]")[0].split(", ")
    assert int(counts[0]) * int(counts[1]) == expected


def test_linear_layouts_give_their_last_registers() -> None:
    linear = (
        "#ttg.linear<{register = [[0, 1], [32, 0], [64, 0]], lane = [[0, 2], [0, 4], [1, 0], "
        "[2, 0], [4, 0]], warp = [[8, 0], [16, 0]], block = []}>"
    )
    text = kernel(128, 128, 4).replace(
        "%q = tt.splat",
        f"%v = arith.constant dense<1.0> : tensor<128x8xf32, {linear}>\n%q = tt.splat",
    )
    found = whole(text, with_target(add_simdgroups))
    assert "register = [[0, 1], [32, 0]]" in found
    assert "warp = [[8, 0], [16, 0], [64, 0]]" in found
    assert '"ttg.num-warps" = 8 : i32' in found


def test_layouts_of_matrix_units_become_plain() -> None:
    mma = (
        "#ttg.nvidia_mma<{versionMajor = 2, versionMinor = 0, warpsPerCTA = [2, 2], "
        "instrShape = [16, 8]}>"
    )
    text = kernel(128, 128, 4).replace(
        "%q = tt.splat",
        f"%v = arith.constant dense<1.0> : tensor<128x128xf32, {mma}>\n%q = tt.splat",
    )
    found = whole(text, with_target(add_simdgroups))
    assert "nvidia_mma" not in found
    assert "warpsPerCTA = [8, 1]" in found
