"""Loops and branches that carry tensors and scalars."""

from __future__ import annotations

import numpy as np
import pytest

from .support import Array, blocked, module, pointers, poison, run

LAYOUT = blocked([4], [32], [4])
FLOATS = f"tensor<512xf32, {LAYOUT}>"
INTS = f"tensor<512xi32, {LAYOUT}>"
POINTERS = f"tensor<512x!tt.ptr<f32>, {LAYOUT}>"


def kernel(body: str, arguments: str = "") -> str:
    """A kernel with `%at` (0..511), `%x` loaded from x_ptr and `%out_p` to store through."""
    return module(f"""
  tt.func public @kernel(%x_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>{arguments}) {{
    %at = tt.make_range {{end = 512 : i32, start = 0 : i32}} : {INTS}
    {pointers("%x_ptr", "%at", (512,), "f32", LAYOUT)}
    %x = tt.load %at_p : {POINTERS}
    %out = tt.splat %out_ptr : !tt.ptr<f32> -> {POINTERS}
    %out_p = tt.addptr %out, %at : {POINTERS}, {INTS}
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    {body}
    tt.return
  }}""")


def data() -> tuple[Array, Array]:
    """A fresh input and a poisoned output."""
    return np.random.default_rng().standard_normal(512).astype(np.float32), poison(512, "float32")


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_loop_carries_a_tensor(steps: int) -> None:
    x, out = data()
    body = f"""
    %sum = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %x) -> ({FLOATS})  : i32 {{
      %next = arith.addf %acc, %x : {FLOATS}
      scf.yield %next : {FLOATS}
    }}
    tt.store %out_p, %sum : {POINTERS}"""
    run(kernel(body, ", %n: i32"), (1,), x, out, steps)
    expected = np.copy(x)
    for _ in range(steps):
        expected += x
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_loop_swaps_what_it_carries(steps: int) -> None:
    x, out = data()
    body = f"""
    %two = arith.addf %x, %x : {FLOATS}
    %a, %b, %s, %t = scf.for %k = %c0 to %n step %c1
        iter_args(%p = %x, %q = %two, %i = %c0, %j = %c1)
        -> ({FLOATS}, {FLOATS}, i32, i32)  : i32 {{
      scf.yield %q, %p, %j, %i : {FLOATS}, {FLOATS}, i32, i32
    }}
    %f = arith.sitofp %s : i32 to f32
    %g = tt.splat %f : f32 -> {FLOATS}
    %r = arith.addf %a, %g : {FLOATS}
    tt.store %out_p, %r : {POINTERS}"""
    run(kernel(body, ", %n: i32"), (1,), x, out, steps)
    expected = x + x + np.float32(1) if steps % 2 else x
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("condition", [False, True])
def test_an_if_gives_a_tensor_and_a_scalar(condition: bool) -> None:
    x, out = data()
    body = f"""
    %y, %s = scf.if %cond -> ({FLOATS}, f32) {{
      %double = arith.addf %x, %x : {FLOATS}
      %one = arith.constant 1.000000e+00 : f32
      scf.yield %double, %one : {FLOATS}, f32
    }} else {{
      %two = arith.constant 2.000000e+00 : f32
      scf.yield %x, %two : {FLOATS}, f32
    }}
    %g = tt.splat %s : f32 -> {FLOATS}
    %r = arith.mulf %y, %g : {FLOATS}
    tt.store %out_p, %r : {POINTERS}"""
    run(kernel(body, ", %cond: i1"), (1,), x, out, condition)
    np.testing.assert_array_equal(out, x + x)


def test_an_if_without_else_stores() -> None:
    x, out = data()
    before = out.tobytes()
    body = f"""
    scf.if %cond {{
      tt.store %out_p, %x : {POINTERS}
    }}"""
    run(kernel(body, ", %cond: i1"), (1,), x, out, False)
    assert out.tobytes() == before
    run(kernel(body, ", %cond: i1"), (1,), x, out, True)
    np.testing.assert_array_equal(out, x)


@pytest.mark.parametrize("limit", [0, 7, 100])
def test_a_while_loop(limit: int) -> None:
    x, out = data()
    body = f"""
    %c3 = arith.constant 3 : i32
    %last, %sum = scf.while (%i = %c0, %acc = %x) : (i32, {FLOATS}) -> (i32, {FLOATS}) {{
      %go = arith.cmpi slt, %i, %limit : i32
      scf.condition(%go) %i, %acc : i32, {FLOATS}
    }} do {{
    ^bb0(%i: i32, %acc: {FLOATS}):
      %next = arith.addi %i, %c3 : i32
      %more = arith.addf %acc, %x : {FLOATS}
      scf.yield %next, %more : i32, {FLOATS}
    }}
    %f = arith.sitofp %last : i32 to f32
    %g = tt.splat %f : f32 -> {FLOATS}
    %r = arith.addf %sum, %g : {FLOATS}
    tt.store %out_p, %r : {POINTERS}"""
    run(kernel(body, ", %limit: i32"), (1,), x, out, limit)
    steps = -(-limit // 3)
    expected = np.copy(x)
    for _ in range(steps):
        expected += x
    np.testing.assert_array_equal(out, expected + np.float32(3 * steps))


def test_a_reduction_in_a_loop() -> None:
    """The partial results of one turn must not be overwritten before all have read them."""
    x, out = data()
    body = f"""
    %c9 = arith.constant 9 : i32
    %y = scf.for %k = %c0 to %c9 step %c1 iter_args(%acc = %x) -> ({FLOATS})  : i32 {{
      %top = "tt.reduce"(%acc) <{{axis = 0 : i32}}> ({{
      ^bb0(%a: f32, %b: f32):
        %m = arith.maxnumf %a, %b : f32
        tt.reduce.return %m : f32
      }}) : ({FLOATS}) -> f32
      %all = tt.splat %top : f32 -> {FLOATS}
      %next = arith.subf %acc, %all : {FLOATS}
      scf.yield %next : {FLOATS}
    }}
    tt.store %out_p, %y : {POINTERS}"""
    run(kernel(body), (1,), x, out)
    expected = np.copy(x)
    for _ in range(9):
        expected = expected - np.max(expected)
    np.testing.assert_array_equal(out, expected)
