"""Which operands of dots have a tile, and when: on text."""

from __future__ import annotations

import re

import pytest

import trimetal
from trimetal.transpiler.errors import OutOfResourcesError
from trimetal.transpiler.ir.core import Module
from trimetal.transpiler.passes.accelerate import accelerate
from trimetal.transpiler.passes.cleanup import eliminate_dead_code
from trimetal.transpiler.passes.layouts import place_layouts
from trimetal.transpiler.passes.staging import stage_operands
from trimetal.transpiler.target import get_target

from .support import HEAD, whole

ROWS = (
    "#ttg.blocked<{sizePerThread = [1, 4], threadsPerWarp = [1, 32], "
    "warpsPerCTA = [4, 1], order = [1, 0]}>"
)
LIMIT = 32768
LEFT = 32 * (32 + 4) * 4  # bytes of %a before the loop, where its depth is 32


def tensor(height: int, width: int, element: str) -> str:
    return f"tensor<{height}x{width}x{element}, {ROWS}>"


def loaded(name: str, depth: int, width: int) -> str:
    """`%name`: rows of `width` numbers in a row, from the argument of that name on."""
    line, column = (f"#ttg.slice<{{dim = {dim}, parent = {ROWS}}}>" for dim in (0, 1))
    return f"""
    %{name}_j = tt.make_range {{end = {width} : i32, start = 0 : i32}} : tensor<{width}xi32, {line}>
    %{name}_l = tt.expand_dims %{name}_j {{axis = 0 : i32}} : tensor<{width}xi32, {line}> -> {tensor(1, width, "i32")}
    %{name}_m = tt.broadcast %{name}_l : {tensor(1, width, "i32")} -> {tensor(depth, width, "i32")}
    %{name}_i = tt.make_range {{end = {depth} : i32, start = 0 : i32}} : tensor<{depth}xi32, {column}>
    %{name}_r = tt.expand_dims %{name}_i {{axis = 1 : i32}} : tensor<{depth}xi32, {column}> -> {tensor(depth, 1, "i32")}
    %{name}_w = arith.constant dense<{width}> : {tensor(depth, 1, "i32")}
    %{name}_s = arith.muli %{name}_r, %{name}_w : {tensor(depth, 1, "i32")}
    %{name}_b = tt.broadcast %{name}_s : {tensor(depth, 1, "i32")} -> {tensor(depth, width, "i32")}
    %{name}_o = arith.addi %{name}_b, %{name}_m : {tensor(depth, width, "i32")}
    %{name}_p = tt.splat %{name}_ptr : !tt.ptr<f32> -> {tensor(depth, width, "!tt.ptr<f32>")}
    %{name}_q = tt.addptr %{name}_p, %{name}_o : {tensor(depth, width, "!tt.ptr<f32>")}, {tensor(depth, width, "i32")}
    %{name} = tt.load %{name}_q : {tensor(depth, width, "!tt.ptr<f32>")}"""  # noqa: E501


def kernel(depth: int, width: int, *, outside: str = "", between: str = "") -> str:
    """A loop of four dots: by %x, %y, and by both again; x and y are loaded in the loop."""
    left, sums = tensor(32, depth, "f32"), tensor(32, width, "f32")

    def dot(name: str, right: str, c: str) -> str:
        type_ = tensor(depth, width, "f32")
        return f"\n    %{name} = tt.dot %a, {right}, {c} : {left} * {type_} -> {sums}"

    inside = "".join(loaded(name, depth, width) for name in "xy" if name != outside)
    return f"""{HEAD}tt.func public @kernel(%x_ptr: !tt.ptr<f32> {{tt.divisibility = 16 : i32}},
    %y_ptr: !tt.ptr<f32> {{tt.divisibility = 16 : i32}}, %n: i32, %number: f32,
    %out: !tt.ptr<f32>) {{
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : {sums}
  %a = tt.splat %number : f32 -> {left}
  {loaded(outside, depth, width) if outside else ""}
  %e = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> ({sums}) : i32 {{
    {inside}
    {dot("d1", "%x", "%acc")}
    {dot("d2", "%y", "%d1")}
    {between}
    {dot("d3", "%x", "%d2")}
    {dot("d4", "%y", "%d3")}
    scf.yield %d4 : {sums}
  }}
  %r = tt.splat %out : !tt.ptr<f32> -> {tensor(32, width, "!tt.ptr<f32>")}
  tt.store %r, %e : {tensor(32, width, "!tt.ptr<f32>")}
  tt.return
}}
}}
"""


def staged(text: str, target: str) -> str:
    """After the passes on dots."""

    def run(module: Module) -> None:
        for each in (accelerate, place_layouts):
            each(module, get_target(target))
        eliminate_dead_code(module)
        stage_operands(module, get_target(target))
        eliminate_dead_code(module)

    return whole(text, run)


def slices(text: str) -> list[int]:
    """Of the operands that have a tile slice by slice."""
    return [int(found) for found in re.findall(r"slices = (\d+)", text)]


@pytest.mark.parametrize("target", ["m1", "m3"])
def test_what_fits_has_one_tile_for_all_its_dots(target: str) -> None:
    """Two tiles of 32 rows of 64 + 4 numbers."""
    text = staged(kernel(32, 64), target)
    inside = text.split("scf.for", 1)[1]
    assert inside.count('"metal.stage"') == 2
    assert '"metal.direct"' not in inside
    assert not slices(text)
    assert trimetal.transpile(kernel(32, 64), target).threadgroup_memory == LEFT + 2 * 32 * 68 * 4


def test_what_lives_at_once_and_does_not_fit_is_loaded_directly() -> None:
    """Two tiles of 32 rows of 128 + 4 numbers are 33,792 bytes: one of them stays."""
    text = staged(kernel(32, 128), "m3")
    inside = text.split("scf.for", 1)[1]
    assert inside.count('"metal.stage"') == 1
    assert inside.count('"metal.direct"') == 2
    assert trimetal.transpile(kernel(32, 128), "m3").threadgroup_memory == LEFT + 32 * 132 * 4


def test_else_each_dot_has_its_own_tile_in_as_few_slices_as_fit() -> None:
    """M1 stages what it can: the other operand has half of its 32 rows at a time."""
    text = staged(kernel(32, 128), "m1")
    assert '"metal.direct"' not in text.split("scf.for", 1)[1]
    assert slices(text) == [2, 2]
    shader = trimetal.transpile(kernel(32, 128), "m1")
    assert shader.threadgroup_memory == (32 + 16) * 132 * 4


@pytest.mark.parametrize("target", ["m1", "m3"])
def test_one_from_outside_the_loop_is_written_once(target: str) -> None:
    """Its tile lives through the loop."""
    text = staged(kernel(32, 64, outside="x"), target)
    before, inside = text.split("scf.for", 1)
    assert inside.count('"metal.stage"') == 1
    assert re.search(r'"metal.stage"\(%x\)', before)


def test_what_is_larger_than_all_memory_goes_in_slices() -> None:
    """64 rows of 256 + 4 numbers are 66,560 bytes; 16 fit beside %a's 32 rows of 64 + 4."""
    shader = trimetal.transpile(kernel(64, 256), "m1")
    assert slices(staged(kernel(64, 256), "m1")) == [4, 4, 4, 4]
    assert shader.threadgroup_memory == 16 * 260 * 4 + 32 * 68 * 4


def test_a_change_of_layout_goes_in_rounds_beside_tiles() -> None:
    """256 x 32 numbers, 33,792 bytes at once, meet two tiles of 8,704."""
    other = ROWS.replace("[1, 4]", "[4, 1]").replace("[1, 0]}", "[0, 1]}")
    column = other.replace("threadsPerWarp = [1, 32]", "threadsPerWarp = [32, 1]")
    moved = f"""
    %big_p = tt.splat %x_ptr : !tt.ptr<f32> -> {tensor(256, 32, "!tt.ptr<f32>")}
    %big_v = tt.load %big_p : {tensor(256, 32, "!tt.ptr<f32>")}
    %big = ttg.convert_layout %big_v : {tensor(256, 32, "f32")} -> tensor<256x32xf32, {column}>
    %to = tt.splat %out : !tt.ptr<f32> -> tensor<256x32x!tt.ptr<f32>, {column}>
    tt.store %to, %big : tensor<256x32x!tt.ptr<f32>, {column}>"""
    text = staged(kernel(32, 64, between=moved), "m1")
    assert "rounds = " in text
    assert trimetal.transpile(kernel(32, 64, between=moved), "m1").threadgroup_memory <= LIMIT


def test_what_no_plan_can_fit_is_refused() -> None:
    """8 rows of 1,024 + 4 numbers, the least that a dot can do with, are 32,896 bytes."""
    with pytest.raises(OutOfResourcesError, match=r"32896 needed, 32768 available"):
        trimetal.transpile(kernel(32, 1024), "m1")
