"""scf loops over every kind of counter, switches, regions that run once, poison and assume."""

from __future__ import annotations

import numpy as np
import pytest

from ..lower.support import poison, run
from ..shape.support import blocked_layout, kernel, numbers, tensor
from .test_branches import kernel as scalar_kernel
from .test_branches import results

LAYOUT = blocked_layout((256,), [2], [32], [4])
INTS = tensor(LAYOUT, "i32")

COUNTERS = {
    "i32": ("", "i32", (0, 10, 3)),
    "i32 negative": ("", "i32", (-7, 8, 4)),
    "i64": ("", "i64", (2**33, 2**33 + 5, 2)),
    "unsigned": ("unsigned ", "i32", (2**31 - 2, 2**31 + 3, 2)),
    "never": ("", "i32", (5, 5, 1)),
}


@pytest.mark.parametrize("name", COUNTERS)
def test_counters(name: str) -> None:
    unsigned, type_, (start, stop, step) = COUNTERS[name]
    width = int(type_[1:])
    wrapped = [(v + 2 ** (width - 1)) % 2**width - 2 ** (width - 1) for v in (start, stop, step)]
    last = "%i" if type_ == "i32" else "%t"
    cut = "" if type_ == "i32" else "%t = arith.trunci %i : i64 to i32"
    text = scalar_kernel(
        f"""
    %r:2 = scf.for {unsigned}%i = %from to %to step %by iter_args(%n = %c0, %l = %c0) -> (i32, i32)
        : {type_} {{
      {cut}
      %m = arith.addi %n, %c1 : i32
      scf.yield %m, {last} : i32, i32
    }}
    tt.store %out, %r#0 : !tt.ptr<i32>
    %next = tt.addptr %out, %c1 : !tt.ptr<i32>, i32
    tt.store %next, %r#1 : !tt.ptr<i32>
    tt.return""",
        f"%from: {type_}, %to: {type_}, %by: {type_}",
    )
    turns = range(start, stop, step)
    expected = (turns[-1] + 2**31) % 2**32 - 2**31 if turns else 0
    assert results(text, *wrapped, size=2) == [len(turns), expected]


def test_an_index_counter_and_a_switch() -> None:
    text = scalar_kernel("""
    %a = arith.constant 0 : index
    %b = arith.constant 5 : index
    %s = arith.constant 1 : index
    %r = scf.for %i = %a to %b step %s iter_args(%sum = %c0) -> (i32) {
      %v = scf.index_switch %i -> i32
      case 0 {
        scf.yield %c7 : i32
      }
      case 3 {
        scf.yield %c100 : i32
      }
      default {
        scf.yield %c1 : i32
      }
      %m = arith.addi %sum, %v : i32
      scf.yield %m : i32
    }
    tt.store %out, %r : !tt.ptr<i32>
    tt.return""")
    assert results(text, 0) == [7 + 1 + 1 + 100 + 1]


def test_a_region_that_runs_once() -> None:
    text = scalar_kernel("""
    %r = scf.execute_region -> i32 {
      %p = arith.cmpi sgt, %n, %c7 : i32
      cf.cond_br %p, ^a, ^b
    ^a:
      scf.yield %c100 : i32
    ^b:
      scf.yield %n : i32
    }
    tt.store %out, %r : !tt.ptr<i32>
    tt.return""")
    assert results(text, 3) == [3]
    assert results(text, 8) == [100]


def test_poison_and_assume() -> None:
    """What a loop starts with and does not use may be poison."""
    body = f"""
    %c0 = arith.constant 0 : i32
    %c3 = arith.constant 3 : i32
    %c1 = arith.constant 1 : i32
    %true = arith.constant true
    llvm.intr.assume %true : i1
    %p = ub.poison : {INTS}
    %q = ub.poison : i32
    %y, %z = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %p, %b = %q) -> ({INTS}, i32) : i32 {{
      %s = tt.splat %i : i32 -> {INTS}
      %n = arith.addi %x0, %s : {INTS}
      scf.yield %n, %i : {INTS}, i32
    }}"""
    x, out = numbers((256,), "i32"), poison(256, "int32")
    run(kernel([(LAYOUT, "i32")], body, [("%y", LAYOUT, "i32")]), (1,), x, out)
    np.testing.assert_array_equal(out, x + 2)


@pytest.mark.parametrize("limit", [0, 3, 20])
def test_tensors_through_a_while_in_an_if_in_a_for(limit: int) -> None:
    body = f"""
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c4 = arith.constant 4 : i32
    %limit = arith.constant {limit} : i32
    %one = arith.constant dense<1> : {INTS}
    %y = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %x0) -> ({INTS}) : i32 {{
      %odd = arith.remsi %i, %c2 : i32
      %is = arith.cmpi eq, %odd, %c1 : i32
      %b = scf.if %is -> ({INTS}) {{
        %w, %k = scf.while (%v = %a, %j = %c0) : ({INTS}, i32) -> ({INTS}, i32) {{
          %go = arith.cmpi slt, %j, %limit : i32
          scf.condition(%go) %v, %j : {INTS}, i32
        }} do {{
        ^bb0(%v: {INTS}, %j: i32):
          %v1 = arith.addi %v, %one : {INTS}
          %j1 = arith.addi %j, %c1 : i32
          scf.yield %v1, %j1 : {INTS}, i32
        }}
        scf.yield %w : {INTS}
      }} else {{
        %d = arith.muli %a, %a : {INTS}
        scf.yield %d : {INTS}
      }}
      scf.yield %b : {INTS}
    }}"""
    x, out = numbers((256,), "i32", -5, 5), poison(256, "int32")
    run(kernel([(LAYOUT, "i32")], body, [("%y", LAYOUT, "i32")]), (1,), x, out)
    np.testing.assert_array_equal(out, (x * x + limit) ** 2 + limit)


def test_reductions_scans_and_exchanges_in_a_loop() -> None:
    """What shares threadgroup memory in one turn must not disturb the next one."""
    other = blocked_layout((256,), [1], [32], [4])
    body = f"""
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c5 = arith.constant 5 : i32
    %y = scf.for %i = %c0 to %c5 step %c1 iter_args(%a = %x0) -> ({INTS}) : i32 {{
      %s = "tt.scan"(%a) <{{axis = 0 : i32, reverse = false}}> ({{
      ^bb0(%p: i32, %q: i32):
        %t = arith.addi %p, %q : i32
        tt.scan.return %t : i32
      }}) : ({INTS}) -> {INTS}
      %m = "tt.reduce"(%s) <{{axis = 0 : i32}}> ({{
      ^bb0(%p: i32, %q: i32):
        %t = arith.maxsi %p, %q : i32
        tt.reduce.return %t : i32
      }}) : ({INTS}) -> i32
      %e = ttg.convert_layout %s : {INTS} -> {tensor(other, "i32")}
      %f = arith.addi %e, %e : {tensor(other, "i32")}
      %g = ttg.convert_layout %f : {tensor(other, "i32")} -> {INTS}
      %all = tt.splat %m : i32 -> {INTS}
      %n = arith.subi %g, %all : {INTS}
      scf.yield %n : {INTS}
    }}"""
    x, out = numbers((256,), "i32"), poison(256, "int32")
    run(kernel([(LAYOUT, "i32")], body, [("%y", LAYOUT, "i32")]), (1,), x, out)
    expected = x.astype(np.int32)
    with np.errstate(over="ignore"):
        for _ in range(5):
            sums = np.cumsum(expected, dtype=np.int32)
            expected = sums + sums - sums.max()
    np.testing.assert_array_equal(out, expected)
