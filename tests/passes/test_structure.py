"""Branches between blocks as structured ops, on text."""

from __future__ import annotations

from trimetal.transpiler.passes.canonicalize import canonicalize
from trimetal.transpiler.passes.cleanup import (
    eliminate_common_subexpressions,
    eliminate_dead_code,
)
from trimetal.transpiler.passes.structure import structure_control_flow

from .support import after, lines


def test_an_early_return() -> None:
    body = """
      cf.cond_br %c, ^early, ^go
    ^early:
      tt.return
    ^go:
      tt.store %p, %n : !tt.ptr<i32>
      tt.return
    """
    assert after(body, structure_control_flow, canonicalize) == lines("""
        scf.if %c {
        } else {
          tt.store %p, %n : !tt.ptr<i32>
        }
        tt.return
    """)


def test_both_ways_to_one_block() -> None:
    body = """
      cf.cond_br %c, ^a, ^b
    ^a:
      %x = arith.addi %n, %n : i32
      cf.br ^end(%x : i32)
    ^b:
      cf.br ^end(%n : i32)
    ^end(%r: i32):
      tt.store %p, %r : !tt.ptr<i32>
      tt.return
    """
    assert after(body, structure_control_flow) == lines("""
        %r = scf.if %c -> (i32) {
          %x = arith.addi %n, %n : i32
          scf.yield %x : i32
        } else {
          scf.yield %n : i32
        }
        tt.store %p, %r : !tt.ptr<i32>
        tt.return
    """)


def test_a_way_past_a_block_goes_under_a_test() -> None:
    body = """
      cf.cond_br %c, ^a, ^end(%n : i32)
    ^a:
      %x = arith.addi %n, %n : i32
      %big = arith.cmpi sgt, %x, %n : i32
      cf.cond_br %big, ^end(%x : i32), ^leave
    ^leave:
      tt.return
    ^end(%r: i32):
      tt.store %p, %r : !tt.ptr<i32>
      tt.return
    """
    found = after(
        body,
        structure_control_flow,
        canonicalize,
        eliminate_common_subexpressions,
        eliminate_dead_code,
    )
    assert found == lines("""
        %0, %r = scf.if %c -> (i1, i32) {
          %x = arith.addi %n, %n : i32
          %big = arith.cmpi sgt, %x, %n : i32
          scf.yield %big, %x : i1, i32
        } else {
          %1 = arith.constant true
          scf.yield %1, %n : i1, i32
        }
        scf.if %0 {
          tt.store %p, %r : !tt.ptr<i32>
        }
        tt.return
    """)


def test_a_loop() -> None:
    body = """
      %c0 = arith.constant 0 : i32
      cf.br ^head(%c0 : i32)
    ^head(%i: i32):
      %next = arith.addi %i, %n : i32
      %go = arith.cmpi slt, %next, %n : i32
      cf.cond_br %go, ^head(%next : i32), ^end
    ^end:
      tt.store %p, %next : !tt.ptr<i32>
      tt.return
    """
    found = after(body, structure_control_flow, canonicalize)
    assert found.count("scf.while") == 1
    assert "scf.condition(" in found
    assert "cf.br" not in found.replace("scf.", "")
