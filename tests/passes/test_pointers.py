"""Loops carry distances instead of pointers, on text."""

from __future__ import annotations

from trimetal.transpiler.passes.canonicalize import canonicalize
from trimetal.transpiler.passes.cleanup import (
    eliminate_common_subexpressions,
    eliminate_dead_code,
)
from trimetal.transpiler.passes.pointers import carry_distances

from .support import after, lines

INTS = "tensor<512xi32, #blocked>"
POINTERS = "tensor<512x!tt.ptr<i32>, #blocked>"
BEFORE = f"""
      %c0 = arith.constant 0 : i32
      %c1 = arith.constant 1 : i32
      %r = tt.make_range {{end = 512 : i32, start = 0 : i32}} : {INTS}
      %s = tt.splat %p : !tt.ptr<i32> -> {POINTERS}
      %q = tt.addptr %s, %r : {POINTERS}, {INTS}
"""


def rewritten(body: str) -> str:
    """After the pass, without what is not needed any more."""
    found = after(
        f"{BEFORE}{body}\n tt.return",
        canonicalize,
        carry_distances,
        eliminate_common_subexpressions,
        eliminate_dead_code,
    )
    return found


def test_a_uniform_step_moves_the_scalar_pointer() -> None:
    body = f"""
      %t = tt.splat %n : i32 -> {INTS}
      %e = scf.for %i = %c0 to %n step %c1 iter_args(%a = %q) -> ({POINTERS}) : i32 {{
        tt.store %a, %r : {POINTERS}
        %b = tt.addptr %a, %t : {POINTERS}, {INTS}
        scf.yield %b : {POINTERS}
      }}"""
    assert rewritten(body) == lines(f"""
        %c0 = arith.constant 0 : i32
        %c1 = arith.constant 1 : i32
        %r = tt.make_range {{end = 512 : i32, start = 0 : i32}} : {INTS}
        %0 = arith.constant 0 : i64
        %e_offset = scf.for %i = %c0 to %n step %c1 iter_args(%a_offset = %0) -> (i64)  : i32 {{
          %a = tt.addptr %p, %a_offset : !tt.ptr<i32>, i64
          %1 = tt.splat %a : !tt.ptr<i32> -> {POINTERS}
          %q = tt.addptr %1, %r : {POINTERS}, {INTS}
          tt.store %q, %r : {POINTERS}
          %2 = arith.extsi %n : i32 to i64
          %3 = arith.addi %a_offset, %2 overflow<nsw> : i64
          scf.yield %3 : i64
        }}
        tt.return
    """)


def test_the_result_of_a_loop_is_made_behind_it() -> None:
    body = f"""
      %t = arith.constant dense<512> : {INTS}
      %e = scf.for %i = %c0 to %n step %c1 iter_args(%a = %q) -> ({POINTERS}) : i32 {{
        %b = tt.addptr %a, %t : {POINTERS}, {INTS}
        tt.store %b, %r : {POINTERS}
        scf.yield %b : {POINTERS}
      }}
      tt.store %e, %r : {POINTERS}"""
    found = rewritten(body)
    assert "-> (i64)" in found
    behind = found.split("scf.yield")[1]
    assert "tt.addptr %p, %e_offset" in behind
    assert "tt.store" in behind


def test_nested_loops() -> None:
    body = f"""
      %t = arith.constant dense<512> : {INTS}
      %e = scf.for %i = %c0 to %n step %c1 iter_args(%a = %q) -> ({POINTERS}) : i32 {{
        %f = scf.for %j = %c0 to %n step %c1 iter_args(%b = %a) -> ({POINTERS}) : i32 {{
          tt.store %b, %r : {POINTERS}
          %g = tt.addptr %b, %t : {POINTERS}, {INTS}
          scf.yield %g : {POINTERS}
        }}
        scf.yield %f : {POINTERS}
      }}"""
    found = rewritten(body)
    assert found.count("-> (i64)") == 2
    assert f"-> ({POINTERS})" not in found


def test_steps_that_differ_stay_as_they_are() -> None:
    body = f"""
      %e = scf.for %i = %c0 to %n step %c1 iter_args(%a = %q) -> ({POINTERS}) : i32 {{
        tt.store %a, %r : {POINTERS}
        %b = tt.addptr %a, %r : {POINTERS}, {INTS}
        scf.yield %b : {POINTERS}
      }}"""
    assert f"-> ({POINTERS})" in rewritten(body)


def test_pointers_swapped_by_a_loop_stay_as_they_are() -> None:
    body = f"""
      %t = arith.constant dense<512> : {INTS}
      %o = tt.addptr %q, %t : {POINTERS}, {INTS}
      %e:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %q, %b = %o) -> ({POINTERS}, {POINTERS})
          : i32 {{
        tt.store %a, %r : {POINTERS}
        scf.yield %b, %a : {POINTERS}, {POINTERS}
      }}"""
    assert f"-> ({POINTERS}, {POINTERS})" in rewritten(body)


def test_a_branch_chooses_a_scalar_pointer() -> None:
    body = f"""
      %t = tt.splat %n : i32 -> {INTS}
      %e = scf.if %c -> ({POINTERS}) {{
        %u = tt.addptr %q, %t : {POINTERS}, {INTS}
        scf.yield %u : {POINTERS}
      }} else {{
        scf.yield %q : {POINTERS}
      }}
      tt.store %e, %r : {POINTERS}"""
    found = after(f"{BEFORE}{body}\n tt.return", carry_distances, canonicalize, eliminate_dead_code)
    assert "scf.if %c -> (!tt.ptr<i32>) {" in found
    assert "tt.addptr %p, %n : !tt.ptr<i32>, i32" in found


def test_a_branch_chooses_offsets() -> None:
    body = f"""
      %e = scf.if %c -> ({POINTERS}) {{
        %o = arith.addi %r, %r : {INTS}
        %u = tt.addptr %s, %o : {POINTERS}, {INTS}
        scf.yield %u : {POINTERS}
      }} else {{
        scf.yield %q : {POINTERS}
      }}
      tt.store %e, %r : {POINTERS}"""
    found = after(f"{BEFORE}{body}\n tt.return", carry_distances, canonicalize, eliminate_dead_code)
    assert f"-> ({INTS})" in found
    assert "tt.splat %p" in found
