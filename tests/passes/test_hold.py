"""Left operands from outside a loop, on text."""

from __future__ import annotations

import pytest

import trimetal
from trimetal.transpiler.ir.core import Module
from trimetal.transpiler.passes.accelerate import accelerate
from trimetal.transpiler.passes.cleanup import eliminate_dead_code
from trimetal.transpiler.passes.layouts import place_layouts
from trimetal.transpiler.passes.staging import stage_operands
from trimetal.transpiler.target import get_target

from .support import HEAD, whole

ROWS = (
    "#ttg.blocked<{sizePerThread = [1, 4], threadsPerWarp = [4, 8], "
    "warpsPerCTA = [4, 1], order = [1, 0]}>"
)
SUMS = f"tensor<64x64xf32, {ROWS}>"


def kernel(depth: int, left: str) -> str:
    """Two loops that multiply %a, which is made before them."""
    a, b = f"tensor<64x{depth}xf16, {ROWS}>", f"tensor<{depth}x64xf16, {ROWS}>"
    pointers = a.replace("f16", "!tt.ptr<f16>")

    def loop(name: str, start: str) -> str:
        return f"""
  %{name} = scf.for %i = %c0 to %n step %c1 iter_args(%acc = {start}) -> ({SUMS}) : i32 {{
    %d = tt.dot %a, %b, %acc : {a} * {b} -> {SUMS}
    scf.yield %d : {SUMS}
  }}"""

    return f"""{HEAD}tt.func public @kernel(%p: !tt.ptr<f16>, %n: i32, %x: f16, %out: !tt.ptr<f32>) {{
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : {SUMS}
  %b = tt.splat %x : f16 -> {b}
  %q = tt.splat %p : !tt.ptr<f16> -> {pointers}
  {left.replace("PTR", pointers).replace("TYPE", a)}
  {loop("e", "%zero")}
  {loop("f", "%e")}
  %r = tt.splat %out : !tt.ptr<f32> -> {SUMS.replace("f32", "!tt.ptr<f32>")}
  tt.store %r, %f : {SUMS.replace("f32", "!tt.ptr<f32>")}
  tt.return
}}
}}
"""  # noqa: E501


LOADED = "%a = tt.load %q : PTR"
COMPUTED = "%l = tt.load %q : PTR\n  %a = arith.mulf %l, %l : TYPE"


def staged(text: str) -> str:
    """After the passes on dots."""

    def run(module: Module) -> None:
        for each in (accelerate, place_layouts):
            each(module, get_target("m3"))
        eliminate_dead_code(module)
        stage_operands(module, get_target("m3"))
        eliminate_dead_code(module)

    return whole(text, run)


@pytest.mark.parametrize("left", [LOADED, COMPUTED])
def test_it_is_brought_into_registers_once(left: str) -> None:
    """Both loops have the same sums' layout, and so the same fragments."""
    text = staged(kernel(64, left))
    before, behind = text.split("scf.for", 1)
    assert before.count('"metal.hold"') == 1
    assert '"metal.hold"' not in behind
    assert behind.count('"metal.dot"') == 2


def test_what_takes_too_many_registers_is_staged() -> None:
    """Rows of 32 by 256 halves: 128 words of a lane."""
    text = staged(kernel(256, COMPUTED))
    assert '"metal.hold"' not in text


def test_how_many_registers() -> None:
    """A quarter of 128: 32 words, rows of 32 by 64 halves."""
    assert '"metal.hold"' in staged(kernel(64, COMPUTED))
    assert '"metal.hold"' not in staged(kernel(128, COMPUTED))


def test_sums_go_on_in_the_second_loop() -> None:
    """The second loop's sums are the first one's array: nothing is copied between them."""
    source = trimetal.transpile(kernel(64, LOADED)).source
    assert source.count("simdgroup_float8x8") == 1
    assert source.count("trimetal_elements(") == 2  # the function, and the store
