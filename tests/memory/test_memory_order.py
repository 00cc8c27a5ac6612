"""Loads and stores of one program through one argument: in the order of the text."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from ..lower.support import blocked, module, poison, run, tile

np: Any = numpy

# A row's threads, and a column's, are in two simdgroups.
LAYOUT = blocked([1, 1], [1, 32], [2, 2])
POINTERS = f"tensor<64x64x!tt.ptr<f32>, {LAYOUT}>"
INTS = f"tensor<64x64xi32, {LAYOUT}>"
FLOATS = f"tensor<64x64xf32, {LAYOUT}>"

LOAD = f"%v = tt.load %to : {POINTERS}"
TURN = f"%v = tt.load %turned : {POINTERS}"
STORE = f"tt.store %to, %v : {POINTERS}"


def kernel(body: str) -> str:
    """A kernel with pointers to every element of x and of y, and to the turned matrix x."""
    return module(
        f"""
  tt.func public @kernel(%x: !tt.ptr<f32>, %y: !tt.ptr<f32>, %turns: i32) {{
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c64 = arith.constant dense<64> : {INTS}
    {tile((64, 64), LAYOUT, "e")}
    %i = arith.divsi %e_offsets, %c64 : {INTS}
    %j = arith.remsi %e_offsets, %c64 : {INTS}
    %j64 = arith.muli %j, %c64 : {INTS}
    %t = arith.addi %j64, %i : {INTS}
    %i64 = arith.muli %i, %c64 : {INTS}
    %xs = tt.splat %x : !tt.ptr<f32> -> {POINTERS}
    %ys = tt.splat %y : !tt.ptr<f32> -> {POINTERS}
    %to = tt.addptr %xs, %e_offsets : {POINTERS}, {INTS}
    %other = tt.addptr %ys, %e_offsets : {POINTERS}, {INTS}
    %turned = tt.addptr %xs, %t : {POINTERS}, {INTS}
    %first = tt.addptr %xs, %i64 : {POINTERS}, {INTS}
    {body}
    tt.return
  }}"""
    )


def run_on(body: str, turns: int = 0) -> tuple[Any, Any, Any, str]:
    """x before, x and y after, and the MSL; in two orders of the threads."""
    before = np.random.default_rng().integers(-9999, 9999, (64, 64)).astype(np.float32)
    x, y = before.copy(), poison((64, 64), "float32")
    shader = run(kernel(body), (1,), x, y, turns)
    return before, x, y, shader.source


def test_what_is_stored_elsewhere_has_been_loaded() -> None:
    before, x, _, source = run_on(f"{TURN}\n{STORE}")
    np.testing.assert_array_equal(x, before.T)
    assert source.count("threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_dev") == 1


def test_what_all_threads_of_a_row_load_is_there_until_they_have() -> None:
    before, x, _, source = run_on(f"%v = tt.load %first : {POINTERS}\n{STORE}")
    np.testing.assert_array_equal(x, np.broadcast_to(before[:, :1], x.shape))
    assert "threadgroup_barrier" in source


def test_what_is_loaded_elsewhere_has_been_stored() -> None:
    double = f"%u = tt.load %to : {POINTERS}\n%w = arith.addf %u, %u : {FLOATS}"
    store = f"tt.store %to, %w : {POINTERS}"
    before, x, y, source = run_on(f"{double}\n{store}\n{TURN}\ntt.store %other, %v : {POINTERS}")
    np.testing.assert_array_equal(x, 2 * before)
    np.testing.assert_array_equal(y, 2 * before.T)
    assert source.count("threadgroup_barrier") == 1


def test_all_threads_have_loaded_what_an_atomic_changes() -> None:
    """They agree on the branch."""
    _, x, y, source = run_on(f"""
    %one = arith.constant 1.0 : f32
    %zero = arith.constant 0.0 : f32
    %true = arith.constant true
    tt.store %x, %zero : !tt.ptr<f32>
    %n = tt.load %x : !tt.ptr<f32>
    %new = arith.cmpf oeq, %n, %zero : f32
    scf.if %new {{
      %o = tt.atomic_rmw exch, relaxed, gpu, %x, %one, %true : (!tt.ptr<f32>, f32, i1) -> f32
      %v = tt.splat %one : f32 -> {FLOATS}
      tt.store %other, %v : {POINTERS}
    }}""")
    assert x[0, 0] == 1
    np.testing.assert_array_equal(y, np.ones_like(y))
    assert source.count("threadgroup_barrier") == 2


@pytest.mark.parametrize("turns", [0, 1, 4, 5])
def test_from_turn_to_turn(turns: int) -> None:
    loop = f"scf.for %k = %c0 to %turns step %c1 : i32 {{\n{TURN}\n{STORE}\n}}"
    before, x, _, _ = run_on(loop, turns)
    np.testing.assert_array_equal(x, before.T if turns % 2 else before)


def test_in_a_branch_and_behind_it() -> None:
    branch = f"%c = arith.cmpi sgt, %turns, %c0 : i32\nscf.if %c {{\n{TURN}\n{STORE}\n}}"
    again = f"%u = tt.load %turned : {POINTERS}\ntt.store %other, %u : {POINTERS}"
    before, x, y, _ = run_on(f"{branch}\n{again}", turns=1)
    np.testing.assert_array_equal(x, before.T)
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize(
    "body",
    [
        f"{LOAD}\n%w = arith.addf %v, %v : {FLOATS}\ntt.store %to, %w : {POINTERS}",
        f"{TURN}\ntt.store %other, %v : {POINTERS}",
        f"scf.for %k = %c0 to %turns step %c1 : i32 {{\n{LOAD}\n{STORE}\n}}",
        "%v = tt.load %x : !tt.ptr<f32>\n%w = arith.addf %v, %v : f32\n"
        "tt.store %x, %w : !tt.ptr<f32>",
    ],
    ids=["in place", "to another argument", "in place in a loop", "one number"],
)
def test_no_barrier_is_needed(body: str) -> None:
    _, _, _, source = run_on(body, turns=2)
    assert "threadgroup_barrier" not in source
