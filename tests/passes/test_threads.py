"""Passes over one thread's program, on text."""

from __future__ import annotations

from collections.abc import Callable

from trimetal.transpiler.ir.core import Module
from trimetal.transpiler.passes.barriers import place_barriers
from trimetal.transpiler.passes.cleanup import (
    eliminate_common_subexpressions,
    eliminate_dead_code,
    forward_values,
    hoist_loop_invariants,
)
from trimetal.transpiler.passes.guards import merge_guards
from trimetal.transpiler.passes.threadgroup_memory import plan_threadgroup_memory

from .support import lines, whole, with_target

PTR = "!tt.ptr<f32>"
OWN = "!metal.array<1xf32, thread>"
SHARED = "!metal.array<128xf32, threadgroup>"
BARRIER = '"metal.barrier"() <{flags = "threadgroup"}> : () -> ()'


def after(body: str, *passes: Callable[[Module], object]) -> str:
    """The program of %p, %q: !tt.ptr<f32>, %c: i1 and %n: i32, when the passes have run."""
    text = f"""
module attributes {{"ttg.num-warps" = 4 : i32}} {{
  "metal.kernel"() <{{simdgroups = 4 : i32, sym_name = "k"}}> ({{
  ^bb0(%p: {PTR}, %q: {PTR}, %c: i1, %n: i32):
{body}
    "metal.return"() : () -> ()
  }}) : () -> ()
}}"""
    return "\n".join(line[4:] for line in whole(text, *passes).split("\n")[3:-4])


def test_what_is_computed_twice_is_computed_once() -> None:
    found = after(
        f"""
    %a = arith.muli %n, %n : i32
    %x = "metal.load"(%p) : ({PTR}) -> f32
    "metal.if"(%c) ({{
      %b = arith.muli %n, %n : i32
      %s = tt.addptr %q, %b : {PTR}, i32
      "metal.store"(%s, %x) : ({PTR}, f32) -> ()
      "metal.yield"() : () -> ()
    }}) : (i1) -> ()
    %d = arith.muli %n, %n : i32
    %t = tt.addptr %q, %d : {PTR}, i32
    %y = "metal.load"(%p) : ({PTR}) -> f32
    "metal.store"(%t, %y) : ({PTR}, f32) -> ()""",
        eliminate_common_subexpressions,
    )
    # Both loads stay: memory may change in between. What a branch computes is not seen behind it.
    assert found == lines(f"""
        %a = arith.muli %n, %n : i32
        %x = "metal.load"(%p) : ({PTR}) -> f32
        "metal.if"(%c) ({{
          %s = tt.addptr %q, %a : {PTR}, i32
          "metal.store"(%s, %x) : ({PTR}, f32) -> ()
          "metal.yield"() : () -> ()
        }}) : (i1) -> ()
        %t = tt.addptr %q, %a : {PTR}, i32
        %y = "metal.load"(%p) : ({PTR}) -> f32
        "metal.store"(%t, %y) : ({PTR}, f32) -> ()
    """)


def test_what_a_loop_computes_again_stands_before_it() -> None:
    found = after(
        f"""
    %zero = arith.constant 0 : i32
    %one = arith.constant 1 : i32
    %x = "metal.load"(%p) : ({PTR}) -> f32
    scf.for %i = %zero to %n step %one  : i32 {{
      %a = arith.muli %n, %n : i32
      %b = arith.divsi %one, %n : i32
      %d = arith.addi %a, %b : i32
      %e = arith.addi %d, %i : i32
      %s = tt.addptr %q, %e : {PTR}, i32
      "metal.store"(%s, %x) : ({PTR}, f32) -> ()
    }}""",
        hoist_loop_invariants,
    )
    # The quotient stays: where the loop runs no times, the divisor may be zero.
    assert found == lines(f"""
        %zero = arith.constant 0 : i32
        %one = arith.constant 1 : i32
        %x = "metal.load"(%p) : ({PTR}) -> f32
        %a = arith.muli %n, %n : i32
        scf.for %i = %zero to %n step %one  : i32 {{
          %b = arith.divsi %one, %n : i32
          %d = arith.addi %a, %b : i32
          %e = arith.addi %d, %i : i32
          %s = tt.addptr %q, %e : {PTR}, i32
          "metal.store"(%s, %x) : ({PTR}, f32) -> ()
        }}
    """)


def test_what_nobody_uses_goes_away() -> None:
    found = after(
        f"""
    %zero = arith.constant 0 : i32
    %x = "metal.load"(%p) : ({PTR}) -> f32
    %y = arith.addf %x, %x : f32
    %s = "metal.threadgroup"() : () -> {SHARED}
    "metal.write"(%y, %s, %zero) : (f32, {SHARED}, i32) -> ()
    %z = "metal.load"(%p) <{{volatile}}> : ({PTR}) -> f32""",
        eliminate_dead_code,
    )
    assert found == lines(f"""
        %z = "metal.load"(%p) <{{volatile}}> : ({PTR}) -> f32
    """)


def variable(read: str) -> str:
    """A variable that is set to a load, and read."""
    return f"""
    %zero = arith.constant 0 : i32
    %x = "metal.local"() : () -> {OWN}
    %v = "metal.load"(%p) : ({PTR}) -> f32
    "metal.write"(%v, %x, %zero) : (f32, {OWN}, i32) -> ()
{read}"""


def test_a_variable_that_is_set_once_is_the_value() -> None:
    read = f"""
    "metal.if"(%c) ({{
      %r = "metal.read"(%x, %zero) : ({OWN}, i32) -> f32
      "metal.store"(%q, %r) : ({PTR}, f32) -> ()
      "metal.yield"() : () -> ()
    }}) : (i1) -> ()"""
    assert after(variable(read), forward_values) == lines(f"""
        %zero = arith.constant 0 : i32
        %v = "metal.load"(%p) : ({PTR}) -> f32
        "metal.if"(%c) ({{
          "metal.store"(%q, %v) : ({PTR}, f32) -> ()
          "metal.yield"() : () -> ()
        }}) : (i1) -> ()
    """)


def test_a_variable_that_is_set_twice_stays() -> None:
    again = f"""
    %w = arith.addf %v, %v : f32
    "metal.write"(%w, %x, %zero) : (f32, {OWN}, i32) -> ()
    %r = "metal.read"(%x, %zero) : ({OWN}, i32) -> f32
    "metal.store"(%q, %r) : ({PTR}, f32) -> ()"""
    assert after(variable(again), forward_values) == after(variable(again))


def test_accesses_under_one_mask_become_one_branch() -> None:
    found = after(
        f"""
    %x = "metal.load"(%p, %c) : ({PTR}, i1) -> f32
    %y = "metal.load"(%q, %c) : ({PTR}, i1) -> f32
    %z = arith.addf %x, %y : f32
    "metal.store"(%q, %z, %c) : ({PTR}, f32, i1) -> ()""",
        merge_guards,
    )
    assert found == lines(f"""
        "metal.if"(%c) ({{
          %x = "metal.load"(%p) : ({PTR}) -> f32
          %y = "metal.load"(%q) : ({PTR}) -> f32
          %z = arith.addf %x, %y : f32
          "metal.store"(%q, %z) : ({PTR}, f32) -> ()
          "metal.yield"() : () -> ()
        }}) : (i1) -> ()
    """)


def test_a_value_that_is_needed_outside_keeps_its_mask() -> None:
    body = f"""
    %x = "metal.load"(%p, %c) : ({PTR}, i1) -> f32
    "metal.store"(%q, %x) : ({PTR}, f32) -> ()"""
    assert after(body, merge_guards) == after(body)


SET_UP = f"""
    %zero = arith.constant 0 : i32
    %one = arith.constant 1 : i32
    %t = "metal.thread_index"() : () -> i32
    %s = "metal.threadgroup"() : () -> {SHARED}
    %v = "metal.load"(%p) : ({PTR}) -> f32"""
WRITE = f'"metal.write"(%v, %s, %t) : (f32, {SHARED}, i32) -> ()'
READ = f'%r = "metal.read"(%s, %zero) : ({SHARED}, i32) -> f32'
STORE = f'"metal.store"(%q, %r) : ({PTR}, f32) -> ()'


def with_barriers(*body: str) -> list[str]:
    """The lines behind the set-up, without indentation."""
    text = "\n".join(("", *body))
    found = after(SET_UP + text, place_barriers)
    return [line.strip() for line in found.split("\n")[5:]]


def test_a_barrier_stands_between_a_write_and_a_read() -> None:
    assert with_barriers(WRITE, READ, STORE) == [WRITE, BARRIER, READ, STORE]


def test_two_writes_of_one_phase_need_no_barrier() -> None:
    assert with_barriers(WRITE, WRITE) == [WRITE, WRITE]


def test_a_barrier_that_is_there_is_enough() -> None:
    assert with_barriers(WRITE, BARRIER, READ, STORE) == [WRITE, BARRIER, READ, STORE]


def test_a_loop_has_a_barrier_around_its_back_edge() -> None:
    head = "scf.for %i = %zero to %n step %one  : i32 {"
    found = with_barriers(head, WRITE, READ, STORE, "}")
    assert found == [head, BARRIER, WRITE, BARRIER, READ, STORE, "}"]


def test_a_loop_that_begins_with_a_barrier_needs_none_before_it() -> None:
    head = "scf.for %i = %zero to %n step %one  : i32 {"
    first = WRITE.replace("%t)", "%zero)")
    found = with_barriers(WRITE, READ, STORE, head, first, READ.replace("%r", "%u"), "}")
    begin = [WRITE, BARRIER, READ, STORE, head, BARRIER, first, BARRIER]
    assert found[: len(begin)] == begin


def test_a_loop_that_only_reads_needs_one_before_it() -> None:
    head = "scf.for %i = %zero to %n step %one  : i32 {"
    assert with_barriers(WRITE, head, READ, STORE, "}") == [WRITE, BARRIER, head, READ, STORE, "}"]


def test_both_branches_are_followed() -> None:
    branch = ["scf.if %c {", READ, STORE, "} else {", WRITE, "}"]
    found = with_barriers(WRITE, *branch, READ.replace("%r", "%u"))
    assert found[:2] == [WRITE, BARRIER]
    assert found[-2] == BARRIER


def arrays(count: int) -> str:
    """Two arrays of which the second is used when the first is not any more."""
    kind = f"!metal.array<{count}xf32, threadgroup>"
    return f"""
    %zero = arith.constant 0 : i32
    %a = "metal.threadgroup"() : () -> {kind}
    %b = "metal.threadgroup"() : () -> {kind}
    %v = "metal.load"(%p) : ({PTR}) -> f32
    "metal.write"(%v, %a, %zero) : (f32, {kind}, i32) -> ()
    %r = "metal.read"(%a, %zero) : ({kind}, i32) -> f32
    "metal.write"(%r, %b, %zero) : (f32, {kind}, i32) -> ()
    %u = "metal.read"(%b, %zero) : ({kind}, i32) -> f32
    "metal.store"(%q, %u) : ({PTR}, f32) -> ()"""


def test_arrays_that_fit_side_by_side_have_no_offsets() -> None:
    found = after(arrays(4096), with_target(plan_threadgroup_memory))
    assert found == after(arrays(4096))


def test_arrays_that_do_not_fit_lie_over_one_another() -> None:
    found = after(arrays(6000), with_target(plan_threadgroup_memory))
    assert found.count("offset = 0 : i32") == 2


def test_a_barrier_separates_arrays_that_share_memory() -> None:
    found = after(arrays(6000), with_target(plan_threadgroup_memory), place_barriers)
    text = [line.split(" : ")[0] for line in found.split("\n")]
    second = text.index('"metal.write"(%r, %b, %zero)')
    assert text[second - 1] == BARRIER.split(" : ", maxsplit=1)[0]
