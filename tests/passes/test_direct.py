"""Operands that are loaded as matrices from device memory, on text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from trimetal.transpiler.ir.core import Module
from trimetal.transpiler.passes.accelerate import accelerate
from trimetal.transpiler.passes.cleanup import eliminate_dead_code
from trimetal.transpiler.passes.layouts import place_layouts
from trimetal.transpiler.passes.staging import stage_operands
from trimetal.transpiler.target import Target, get_target

from .support import HEAD, whole

ROWS = (
    "#ttg.blocked<{sizePerThread = [1, 4], threadsPerWarp = [4, 8], "
    "warpsPerCTA = [4, 1], order = [1, 0]}>"
)
FULL = f"tensor<64x64xf16, {ROWS}>"
SUMS = FULL.replace("f16", "f32")
INTS = FULL.replace("f16", "i32")
BITS = FULL.replace("f16", "i1")
POINTERS = FULL.replace("f16", "!tt.ptr<f16>")
LINES = [f"tensor<64xi32, #ttg.slice<{{dim = {dim}, parent = {ROWS}}}>>" for dim in (1, 0)]
THIN = [f"tensor<{shape}xi32, {ROWS}>" for shape in ("64x1", "1x64")]


def line(name: str, dim: int, start: str = "%c0") -> str:
    """`%name`: start + 0 .. 63 along a dimension."""
    return f"""
  %{name}_r = tt.make_range {{end = 64 : i32, start = 0 : i32}} : {LINES[dim]}
  %{name}_s = tt.splat {start} : i32 -> {LINES[dim]}
  %{name}_l = arith.addi %{name}_r, %{name}_s : {LINES[dim]}
  %{name} = tt.expand_dims %{name}_l {{axis = {1 - dim} : i32}} : {LINES[dim]} -> {THIN[dim]}"""


def at(name: str, slow: str, fast: str, slow_dim: int) -> str:
    """`%name`: pointers at slow * %n + fast."""
    return f"""
  %{name}_n = tt.splat %n : i32 -> {THIN[slow_dim]}
  %{name}_m = arith.muli {slow}, %{name}_n : {THIN[slow_dim]}
  %{name}_a = tt.broadcast %{name}_m : {THIN[slow_dim]} -> {INTS}
  %{name}_b = tt.broadcast {fast} : {THIN[1 - slow_dim]} -> {INTS}
  %{name}_o = arith.addi %{name}_a, %{name}_b : {INTS}
  %{name}_p = tt.splat %p : !tt.ptr<f16> -> {POINTERS}
  %{name} = tt.addptr %{name}_p, %{name}_o : {POINTERS}, {INTS}"""


def kernel(
    *,
    start: str = "%c0",
    offset: str = "",
    pointers: str = "%at",
    mask: str = "",
    between: str = "",
    also: str = "",
) -> str:
    """A dot of a loaded matrix (left) with a splat (right, which is never direct)."""
    return f"""{HEAD}tt.func public @kernel(%p: !tt.ptr<f16> {{tt.divisibility = 16 : i32}},
    %n: i32 {{tt.divisibility = 16 : i32}}, %odd: i32, %x: f16, %out: !tt.ptr<f32>) {{
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : {SUMS}
  %none = arith.constant dense<0.0> : {FULL}
  %b = tt.splat %x : f16 -> {FULL}
  {line("i", 0, start)}
  {line("j", 1)}
  {offset}
  {at("at", "%i", "%j", 0)}
  {at("turned", "%j", "%i", 1)}
  {mask}
  %a = tt.load {pointers}{", %mask, %none" if mask else ""} : {POINTERS}
  {between}
  %d = tt.dot %a, %b, %zero : {FULL} * {FULL} -> {SUMS}
  %q = tt.splat %out : !tt.ptr<f32> -> {SUMS.replace("f32", "!tt.ptr<f32>")}
  tt.store %q, %d : {SUMS.replace("f32", "!tt.ptr<f32>")}
  {also}
  tt.return
}}
}}
"""


def limited(limit: str, thin: str, dim: int) -> str:
    """`%mask`: a line of numbers below a limit."""
    bits = THIN[dim].replace("i32", "i1")
    return f"""
  %limit = tt.splat {limit} : i32 -> {THIN[dim]}
  %less = arith.cmpi slt, {thin}, %limit : {THIN[dim]}
  %mask = tt.broadcast %less : {bits} -> {BITS}"""


def staged(text: str, target: str | Target = "m3") -> str:
    """After the passes on dots."""

    def run(module: Module) -> None:
        for each in (accelerate, place_layouts):
            each(module, get_target(target))
        eliminate_dead_code(module)
        stage_operands(module, get_target(target))
        eliminate_dead_code(module)

    return whole(text, run)


@pytest.mark.parametrize(
    ("arguments", "transposed"),
    [
        ({}, False),
        ({"pointers": "%turned"}, True),
        ({"start": "%n"}, False),
        ({"mask": limited("%n", "%i", 0)}, False),
        ({"mask": limited("%n", "%j", 1)}, False),
        ({"start": "%odd"}, False),
    ],
)
def test_direct(arguments: dict[str, str], transposed: bool) -> None:
    """Rows of one pitch, at any start; masks that hold for whole matrices."""
    text = staged(kernel(**arguments))
    (line,) = [line for line in text.splitlines() if "metal.direct" in line]
    assert ("transposed" in line) == transposed
    assert re.search(r"metal\.direct\"\(%\w+, %n", line)
    assert text.count('"metal.stage"') == 1
    assert "tt.load" not in text


def test_a_transposed_matrix_is_loaded_transposed() -> None:
    turned = ROWS.replace("[1, 4]", "[4, 1]", 1).replace("[4, 8]", "[8, 4]", 1)
    turned = turned.replace("[4, 1], order = [1, 0]", "[1, 4], order = [0, 1]")
    tensor = FULL.replace(ROWS, turned)
    ops = f"%t = tt.trans %a {{order = array<i32: 1, 0>}} : {FULL} -> {tensor}\n"
    ops += f"%u = ttg.convert_layout %t : {tensor} -> {FULL}"
    for pointers, transposed in (("%at", True), ("%turned", False)):
        text = kernel(pointers=pointers, between=ops).replace("tt.dot %a", "tt.dot %u")
        (line,) = [line for line in staged(text).splitlines() if "metal.direct" in line]
        assert ("transposed" in line) == transposed
        assert "along_k = 0" in line


WRAPPED = f"""
  %limit_n = tt.splat %odd : i32 -> {THIN[0]}
  %w = arith.remsi %i, %limit_n : {THIN[0]}
"""


@pytest.mark.parametrize(
    "arguments",
    [
        {"mask": limited("%odd", "%i", 0)},  # a matrix may be masked in part
        {"mask": limited("%n", "%i", 0), "start": "%odd"},
        {"between": f"tt.store %at, %b : {POINTERS}"},
        {"also": f"tt.store %at, %a : {POINTERS}"},  # the elements are needed, too
        {"also": f"tt.store %turned, %b : {POINTERS}"},  # other threads may write there
    ],
)
def test_staged(arguments: dict[str, str]) -> None:
    text = staged(kernel(**arguments))
    assert "metal.direct" not in text
    assert text.count('"metal.stage"') == 2


def test_remainders_that_wrap_inside_a_matrix_are_staged() -> None:
    for number, is_direct in (("%n", True), ("%odd", False)):
        wrapped = WRAPPED.replace("%odd", number)
        text = kernel(offset=wrapped).replace("muli %i,", "muli %w,")
        assert ("metal.direct" in staged(text)) == is_direct


def test_a_chip_without_dynamic_caching_stages() -> None:
    assert "metal.direct" not in staged(kernel(), "m1")
    assert "metal.direct" not in staged(kernel(), "m2")


@pytest.mark.parametrize(("most", "is_direct"), [(1, False), (2, True)])
def test_what_many_simdgroups_share_is_staged(most: int, is_direct: bool) -> None:
    """Two by two simdgroups: two of them have the same rows."""
    target = replace(get_target("m3"), direct_sharing=most)
    assert ("metal.direct" in staged(kernel(), target)) == is_direct
