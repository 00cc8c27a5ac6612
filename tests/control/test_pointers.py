"""Tensors of pointers through loops and branches, with offsets at the edges of their width."""

from __future__ import annotations

import numpy as np
import pytest

from ..lower.support import module, poison, run
from ..shape.support import blocked_layout, tensor

LAYOUT = blocked_layout((256,), [4], [32], [2])
INTS = tensor(LAYOUT, "i32")
FLOATS = tensor(LAYOUT, "f32")
POINTERS = tensor(LAYOUT, "!tt.ptr<f32>")


def kernel(body: str, arguments: str = "") -> str:
    """A kernel with offsets `%r` (0..255), `%q` at `%x + %r`, and `%store` for the result `%y`."""
    return module(
        f"""
  tt.func public @kernel(%x: !tt.ptr<f32>, %z: !tt.ptr<f32>, %out: !tt.ptr<f32>{arguments}) {{
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %r = tt.make_range {{end = 256 : i32, start = 0 : i32}} : {INTS}
    %s = tt.splat %x : !tt.ptr<f32> -> {POINTERS}
    %q = tt.addptr %s, %r : {POINTERS}, {INTS}
    %zero = arith.constant dense<0.000000e+00> : {FLOATS}
    {body}
    %o = tt.splat %out : !tt.ptr<f32> -> {POINTERS}
    %to = tt.addptr %o, %r : {POINTERS}, {INTS}
    tt.store %to, %y : {POINTERS}
    tt.return
  }}""",
        warps=2,
    )


SUM = f"""
    %first = tt.splat %start : i32 -> {INTS}
    %q0 = tt.addptr %q, %first : {POINTERS}, {INTS}
    %t = tt.splat %step : i32 -> {INTS}
    %y, %end = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero, %p = %q0)
        -> ({FLOATS}, {POINTERS}) : i32 {{
      %v = tt.load %p : {POINTERS}
      %a = arith.addf %acc, %v : {FLOATS}
      %b = tt.addptr %p, %t : {POINTERS}, {INTS}
      scf.yield %a, %b : {FLOATS}, {POINTERS}
    }}"""


@pytest.mark.parametrize("step", [256, 1, -3])
@pytest.mark.parametrize("turns", [0, 1, 5])
def test_a_sum_over_blocks(turns: int, step: int) -> None:
    x = np.random.default_rng().integers(-9, 9, 256 * 6).astype(np.float32)
    start = 512 if step < 0 else 0  # so that pointers which go down stay inside
    out = poison(256, "float32")
    text = kernel(SUM, ", %n: i32, %step: i32, %start: i32")
    shader = run(text, (1,), x, x, out, turns, step, start)
    expected = np.zeros(256, np.float32)
    for i in range(turns):
        expected += x[start + i * step : start + i * step + 256]
    np.testing.assert_array_equal(out, expected)
    assert "device const float* p[" not in shader.source  # no pointer in every register


def test_the_pointers_behind_the_loop() -> None:
    body = f"""
    %t = arith.constant dense<256> : {INTS}
    %end = scf.for %i = %c0 to %n step %c1 iter_args(%p = %q) -> ({POINTERS}) : i32 {{
      %b = tt.addptr %p, %t : {POINTERS}, {INTS}
      scf.yield %b : {POINTERS}
    }}
    %y = tt.load %end : {POINTERS}"""
    x = np.random.default_rng().standard_normal(256 * 4).astype(np.float32)
    for turns in (0, 3):
        out = poison(256, "float32")
        run(kernel(body, ", %n: i32"), (1,), x, np.array(x), out, turns)
        np.testing.assert_array_equal(out, x[256 * turns : 256 * turns + 256])


@pytest.mark.parametrize("condition", [False, True])
def test_a_branch_chooses_between_two_arguments(condition: bool) -> None:
    body = f"""
    %w = tt.splat %z : !tt.ptr<f32> -> {POINTERS}
    %two = arith.constant dense<2> : {INTS}
    %p = scf.if %c -> ({POINTERS}) {{
      scf.yield %q : {POINTERS}
    }} else {{
      %m = arith.muli %r, %two : {INTS}
      %u = tt.addptr %w, %m : {POINTERS}, {INTS}
      scf.yield %u : {POINTERS}
    }}
    %y = tt.load %p : {POINTERS}"""
    x, z = (np.random.default_rng().standard_normal(512).astype(np.float32) for _ in range(2))
    out = poison(256, "float32")
    run(kernel(body, ", %c: i1"), (1,), x, z, out, condition)
    np.testing.assert_array_equal(out, x[:256] if condition else z[::2])


def test_steps_that_differ_from_element_to_element() -> None:
    body = f"""
    %y, %end = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero, %p = %q)
        -> ({FLOATS}, {POINTERS}) : i32 {{
      %v = tt.load %p : {POINTERS}
      %a = arith.addf %acc, %v : {FLOATS}
      %b = tt.addptr %p, %r : {POINTERS}, {INTS}
      scf.yield %a, %b : {FLOATS}, {POINTERS}
    }}"""
    x = np.random.default_rng().integers(-9, 9, 1024).astype(np.float32)
    out = poison(256, "float32")
    run(kernel(body, ", %n: i32"), (1,), x, np.array(x), out, 3)
    at = np.arange(256)
    np.testing.assert_array_equal(out, x[at] + x[2 * at] + x[3 * at])


def test_pointers_that_a_loop_swaps() -> None:
    body = f"""
    %w = tt.splat %z : !tt.ptr<f32> -> {POINTERS}
    %v = tt.addptr %w, %r : {POINTERS}, {INTS}
    %a, %b = scf.for %i = %c0 to %n step %c1 iter_args(%p = %q, %o = %v) -> ({POINTERS}, {POINTERS})
        : i32 {{
      scf.yield %o, %p : {POINTERS}, {POINTERS}
    }}
    %y = tt.load %a : {POINTERS}"""
    x, z = (np.random.default_rng().standard_normal(256).astype(np.float32) for _ in range(2))
    for turns in (2, 3):
        out = poison(256, "float32")
        run(kernel(body, ", %n: i32"), (1,), x, z, out, turns)
        np.testing.assert_array_equal(out, z if turns % 2 else x)


@pytest.mark.parametrize("turns", [0, 1, 4])
def test_a_while_loop_over_pointers(turns: int) -> None:
    body = f"""
    %t = arith.constant dense<16> : {INTS}
    %p, %k = scf.while (%a = %q, %i = %c0) : ({POINTERS}, i32) -> ({POINTERS}, i32) {{
      %go = arith.cmpi slt, %i, %n : i32
      scf.condition(%go) %a, %i : {POINTERS}, i32
    }} do {{
    ^bb0(%a: {POINTERS}, %i: i32):
      %b = tt.addptr %a, %t : {POINTERS}, {INTS}
      %j = arith.addi %i, %c1 : i32
      scf.yield %b, %j : {POINTERS}, i32
    }}
    %y = tt.load %p : {POINTERS}"""
    x = np.random.default_rng().standard_normal(512).astype(np.float32)
    out = poison(256, "float32")
    run(kernel(body, ", %n: i32"), (1,), x, np.array(x), out, turns)
    np.testing.assert_array_equal(out, x[16 * turns : 16 * turns + 256])


def test_an_address_that_is_kept_in_the_loop_of_its_first_access() -> None:
    """Offsets that are costly and needed again are kept; the first load needs them at once."""
    body = f"""
    %seven = arith.constant dense<7> : {INTS}
    %three = arith.constant dense<3> : {INTS}
    %a = arith.divsi %r, %seven : {INTS}
    %b = arith.remsi %a, %three : {INTS}
    %d = arith.divsi %r, %three : {INTS}
    %e = arith.addi %b, %d : {INTS}
    %p = tt.addptr %s, %e : {POINTERS}, {INTS}
    %v = tt.load %p : {POINTERS}
    %t = arith.constant dense<16> : {INTS}
    %y, %end = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %v, %m = %p)
        -> ({FLOATS}, {POINTERS}) : i32 {{
      %w = tt.load %m : {POINTERS}
      %k = arith.addf %acc, %w : {FLOATS}
      %l = tt.addptr %m, %t : {POINTERS}, {INTS}
      scf.yield %k, %l : {FLOATS}, {POINTERS}
    }}"""
    x = np.random.default_rng().integers(-9, 9, 512).astype(np.float32)
    out = poison(256, "float32")
    run(kernel(body, ", %n: i32"), (1,), x, np.array(x), out, 2)
    r = np.arange(256)
    at = r // 7 % 3 + r // 3
    np.testing.assert_array_equal(out, x[at] + x[at] + x[at + 16])


@pytest.mark.parametrize("scalar", [True, False], ids=["one pointer", "a tensor of pointers"])
def test_a_loop_that_starts_with_no_pointer(scalar: bool) -> None:
    """As where two loops became one: the first turn sets what all use."""
    kind = "!tt.ptr<f32>" if scalar else POINTERS
    body = f"""
    %none = ub.poison : {kind}
    %y, %end = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero, %p = %none)
        -> ({FLOATS}, {kind}) : i32 {{
      %first = arith.cmpi eq, %i, %c0 : i32
      %use = scf.if %first -> ({kind}) {{
        scf.yield {"%z" if scalar else "%q"} : {kind}
      }} else {{
        scf.yield %p : {kind}
      }}
      {f"%u = tt.splat %use : {kind} -> {POINTERS}" if scalar else ""}
      %at = tt.addptr {"%u" if scalar else "%use"}, %r : {POINTERS}, {INTS}
      %v = tt.load %at : {POINTERS}
      %a = arith.addf %acc, %v : {FLOATS}
      scf.yield %a, %use : {FLOATS}, {kind}
    }}"""
    x, z = (np.random.default_rng().integers(-9, 9, 512).astype(np.float32) for _ in "xz")
    out = poison(256, "float32")
    run(kernel(body, ", %n: i32"), (1,), x, z, out, 3)
    np.testing.assert_array_equal(out, 3 * (z[:256] if scalar else x[:512:2]))
