"""Calls: inlined, whatever they take and give."""

from __future__ import annotations

import numpy as np
import pytest

import trimetal
from trimetal.transpiler.errors import TrimetalError, UnsupportedError

from ..lower.support import poison, run
from ..shape.support import blocked_layout, kernel, numbers, tensor
from .test_branches import kernel as scalar_kernel
from .test_branches import results

LAYOUT = blocked_layout((256,), [2], [32], [4])
INTS = tensor(LAYOUT, "i32")


def test_several_results_and_names_used_twice() -> None:
    function = f"""
  tt.func private @both(%x: {INTS}, %k: i32) -> ({INTS}, i32) attributes {{noinline = true}} {{
    %s = tt.splat %k : i32 -> {INTS}
    %y = arith.addi %x, %s : {INTS}
    %c1 = arith.constant 1 : i32
    %z = arith.addi %k, %c1 : i32
    tt.return %y, %z : {INTS}, i32
  }}"""
    body = f"""
    %c1 = arith.constant 1 : i32
    %s, %k = tt.call @both(%x0, %c1) : ({INTS}, i32) -> ({INTS}, i32)
    %y, %z = tt.call @both(%s, %k) : ({INTS}, i32) -> ({INTS}, i32)"""
    x, out = numbers((256,), "i32"), poison(256, "int32")
    text = kernel([(LAYOUT, "i32")], body, [("%y", LAYOUT, "i32")], functions=function)
    run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x + 3)


FUNCTIONS = """
  tt.func private @clamp(%x: i32) -> i32 {
    %lo = arith.constant -5 : i32
    %hi = arith.constant 5 : i32
    %a = arith.cmpi slt, %x, %lo : i32
    cf.cond_br %a, ^low, ^rest
  ^low:
    tt.return %lo : i32
  ^rest:
    %b = arith.cmpi sgt, %x, %hi : i32
    cf.cond_br %b, ^high, ^same
  ^high:
    tt.return %hi : i32
  ^same:
    %d = tt.call @double(%x) : (i32) -> i32
    tt.return %d : i32
  }
  tt.func private @double(%x: i32) -> i32 {
    %y = arith.addi %x, %x : i32
    tt.return %y : i32
  }
  tt.func private @save(%p: !tt.ptr<i32>, %x: i32) {
    tt.store %p, %x : !tt.ptr<i32>
    tt.return
  }
"""


@pytest.mark.parametrize("n", [-9, -2, 4, 9])
def test_early_returns_calls_of_calls_and_calls_in_loops(n: int) -> None:
    text = scalar_kernel(
        """
    %r = scf.for %i = %c0 to %c7 step %c1 iter_args(%v = %n) -> (i32) : i32 {
      %w = tt.call @clamp(%v) : (i32) -> i32
      scf.yield %w : i32
    }
    tt.call @save(%out, %r) : (!tt.ptr<i32>, i32) -> ()
    tt.return""",
        functions=FUNCTIONS,
    )
    value = n
    for _ in range(7):
        value = -5 if value < -5 else 5 if value > 5 else 2 * value
    assert results(text, n) == [value]


def test_recursion_is_refused() -> None:
    function = """
  tt.func private @a(%x: i32) -> i32 {
    %y = tt.call @b(%x) : (i32) -> i32
    tt.return %y : i32
  }
  tt.func private @b(%x: i32) -> i32 {
    %y = tt.call @a(%x) : (i32) -> i32
    tt.return %y : i32
  }"""
    body = """
    %r = tt.call @a(%n) : (i32) -> i32
    tt.store %out, %r : !tt.ptr<i32>
    tt.return"""
    with pytest.raises(UnsupportedError, match="recursion: @kernel calls @a calls @b calls @a"):
        trimetal.transpile(scalar_kernel(body, functions=function))


def test_a_call_of_nothing_is_an_error() -> None:
    body = """
    tt.call @nowhere(%n) : (i32) -> ()
    tt.return"""
    with pytest.raises(TrimetalError, match="nowhere"):
        trimetal.transpile(scalar_kernel(body))
