"""The passes on dots, on text."""

from __future__ import annotations

import pytest

from trimetal.transpiler.ir.core import Module
from trimetal.transpiler.passes.accelerate import accelerate
from trimetal.transpiler.passes.cleanup import eliminate_dead_code
from trimetal.transpiler.passes.layouts import place_layouts
from trimetal.transpiler.passes.staging import stage_operands
from trimetal.transpiler.passes.tiling import Grid, choose_grid, fragment_layout
from trimetal.transpiler.target import get_target

from .support import HEAD, whole

SQUARE = (
    "#ttg.blocked<{sizePerThread = [4, 4], threadsPerWarp = [2, 16], "
    "warpsPerCTA = [4, 1], order = [1, 0]}>"
)
SUMS, A, B = (f"tensor<{size}, {SQUARE}>" for size in ("64x64xf32", "64x32xf16", "32x64xf16"))
LOOP = f"""{HEAD}tt.func public @kernel(%p: !tt.ptr<f32>, %n: i32, %x: f16) {{
  %zero = arith.constant dense<0.0> : {SUMS}
  %first = arith.constant 0 : i32
  %step = arith.constant 1 : i32
  %a = tt.splat %x : f16 -> {A}
  %b = tt.splat %x : f16 -> {B}
  %pointers = tt.splat %p : !tt.ptr<f32> -> tensor<64x64x!tt.ptr<f32>, {SQUARE}>
  %sums = scf.for %i = %first to %n step %step iter_args(%acc = %zero) -> ({SUMS}) : i32 {{
    %d = tt.dot %a, %b, %acc : {A} * {B} -> {SUMS}
    %e = arith.mulf %d, %d : {SUMS}
    scf.yield %e : {SUMS}
  }}
  tt.store %pointers, %sums : tensor<64x64x!tt.ptr<f32>, {SQUARE}>
  tt.return
}}
}}
"""
M3 = get_target("m3")


def on_m3(module: Module) -> None:
    """All passes on dots."""
    for each in (accelerate, place_layouts):
        each(module, M3)
    eliminate_dead_code(module)


def test_no_conversion_is_left_in_a_loop() -> None:
    """Sums have the fragments' layout from their start to the store."""
    text = whole(LOOP, on_m3)
    assert "convert_layout" not in text
    assert text.count("#linear = ") == 1
    assert "tt.store %pointers" in text


def test_accelerate_alone_converts_around_the_dot() -> None:
    """One conversion before, one behind."""
    text = whole(LOOP, lambda module: accelerate(module, M3))
    assert text.count("ttg.convert_layout") == 2


def test_operands_are_staged_where_they_are_computed() -> None:
    """Rows are padded by 16 bytes."""
    text = whole(LOOP, on_m3, lambda module: stage_operands(module, M3))
    assert "pitch = 40" in text
    assert "pitch = 72" in text
    assert text.index("metal.stage") < text.index("metal.dot")
    assert "tt.dot" not in text


@pytest.mark.parametrize(
    ("shape", "simdgroups", "rows_only", "grid"),
    [
        ((64, 64), 4, False, Grid(1, 2, 2, 1)),
        ((128, 16), 4, False, Grid(1, 4, 1, 1)),
        ((64, 64), 4, True, Grid(1, 4, 1, 1)),
        ((16, 16), 8, False, Grid(1, 2, 2, 2)),
        ((4, 32, 32), 8, False, Grid(4, 2, 1, 1)),
    ],
)
def test_grid(shape: tuple[int, ...], simdgroups: int, rows_only: bool, grid: Grid) -> None:
    """Tiles are square where they can be; what is too many does the same work."""
    assert choose_grid(shape, simdgroups, rows_only=rows_only) == grid


def test_every_element_has_one_place() -> None:
    """The layout covers the block, each element once."""
    layout = fragment_layout((32, 16), choose_grid((32, 16), 2)).to_linear((32, 16))
    places = {
        layout.element(register, lane, warp)
        for register in range(layout.registers)
        for lane in range(32)
        for warp in range(2)
    }
    assert len(places) == 32 * 16 == layout.registers * 64
