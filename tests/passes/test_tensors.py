"""Passes that leave fewer kinds of ops on tensors, on text."""

from __future__ import annotations

import pytest

from trimetal.transpiler.errors import UnsupportedError
from trimetal.transpiler.passes.buffers import lower_buffers
from trimetal.transpiler.passes.cleanup import eliminate_common_subexpressions
from trimetal.transpiler.passes.debugging import record_debugging
from trimetal.transpiler.passes.descriptors import lower_descriptors
from trimetal.transpiler.passes.numbers import refuse_doubles, split_results
from trimetal.transpiler.passes.plain_axes import make_axes_plain

from .support import after, lines, with_target

INTS = "tensor<512xi32, #blocked>"
LONGS = "tensor<512xi64, #blocked>"
BOOLS = "tensor<512xi1, #blocked>"
POINTERS = "tensor<512x!tt.ptr<i32>, #blocked>"
RANGE = f"%o = tt.make_range {{end = 512 : i32, start = 0 : i32}} : {INTS}"


def test_buffer_accesses_are_accesses_through_pointers() -> None:
    found = after(
        f"""
      {RANGE}
      %x = amdg.buffer_load %p[%o] : {INTS}
      amdg.buffer_store %x, %p[%o] : {INTS}
      tt.return""",
        lower_buffers,
        eliminate_common_subexpressions,
    )
    assert found == lines(f"""
        {RANGE}
        %0 = tt.splat %p : !tt.ptr<i32> -> {POINTERS}
        %1 = tt.addptr %0, %o : {POINTERS}, {INTS}
        %x = tt.load %1 : {POINTERS}
        tt.store %1, %x : {POINTERS}
        tt.return
    """)


def test_a_product_of_two_halves_is_two_products() -> None:
    found = after(
        f"""
      {RANGE}
      %low, %high = arith.mului_extended %o, %o : {INTS}
      %q = tt.splat %p : !tt.ptr<i32> -> {POINTERS}
      tt.store %q, %low : {POINTERS}
      tt.store %q, %high : {POINTERS}
      tt.return""",
        split_results,
    )
    assert found == lines(f"""
        {RANGE}
        %0 = arith.muli %o, %o : {INTS}
        %1 = tt.mulhiui %o, %o : {INTS}
        %q = tt.splat %p : !tt.ptr<i32> -> {POINTERS}
        tt.store %q, %0 : {POINTERS}
        tt.store %q, %1 : {POINTERS}
        tt.return
    """)


def test_doubles_are_refused_where_they_are_computed() -> None:
    body = """
      %x = arith.sitofp %n : i32 to f64
      %y = arith.fptosi %x : f64 to i32
      tt.store %p, %y : !tt.ptr<i32>
      tt.return"""
    with pytest.raises(UnsupportedError, match="f64") as caught:
        after(body, refuse_doubles)
    assert "arith.sitofp" in str(caught.value)


def test_prints_and_assertions_are_records_in_a_buffer() -> None:
    found = after(
        """
      tt.print " n: " {hex = false, isSigned = array<i32: 1>} : %n : i32
      tt.assert %c, "in range" : i1
      tt.return""",
        record_debugging,
    )
    assert found == lines("""
        "metal.report"(%debug_buffer, %n) <{site = 1 : i32}> : (!tt.ptr<ui32>, i32) -> ()
        "metal.report"(%debug_buffer, %c) <{fails, site = 2 : i32}> : (!tt.ptr<ui32>, i1) -> ()
        tt.return
    """)


def test_an_assertion_that_holds_goes_away() -> None:
    body = '%true = arith.constant true\n tt.assert %true, "fine" : i1\n tt.return'
    assert "report" not in after(body, record_debugging)


def test_a_tile_of_a_descriptor_is_a_masked_load() -> None:
    desc = "!tt.tensordesc<512xi32>"
    found = after(
        f"""
      %one = arith.constant 1 : i64
      %d = tt.make_tensor_descriptor %p, [%n], [%one] : !tt.ptr<i32>, {desc}
      %x = tt.descriptor_load %d[%n] : {desc} -> {INTS}
      %q = tt.splat %p : !tt.ptr<i32> -> {POINTERS}
      tt.store %q, %x : {POINTERS}
      tt.return""",
        lower_descriptors,
        eliminate_common_subexpressions,
    )
    assert found == lines(f"""
        %one = arith.constant 1 : i64
        %0 = arith.constant false
        %1 = arith.extsi %n : i32 to i64
        %2 = tt.make_range {{end = 512 : i32, start = 0 : i32}} : {INTS}
        %3 = arith.extsi %2 : {INTS} to {LONGS}
        %4 = tt.splat %1 : i64 -> {LONGS}
        %5 = arith.addi %4, %3 : {LONGS}
        %6 = tt.splat %one : i64 -> {LONGS}
        %7 = arith.constant dense<0> : {LONGS}
        %8 = arith.cmpi sge, %5, %7 : {LONGS}
        %9 = arith.cmpi slt, %5, %4 : {LONGS}
        %10 = arith.andi %8, %9 : {BOOLS}
        %11 = arith.muli %5, %6 : {LONGS}
        %q = tt.splat %p : !tt.ptr<i32> -> {POINTERS}
        %12 = tt.addptr %q, %11 : {POINTERS}, {LONGS}
        %13 = arith.constant dense<0> : {INTS}
        %x = tt.load %12, %10, %13 : {POINTERS}
        tt.store %q, %x : {POINTERS}
        tt.return
    """)


# The last register bit moves along both dimensions.
MIXED = (
    "#ttg.linear<{register = [[0, 1], [1, 2]], lane = [[0, 4], [0, 8], [2, 0], [4, 0], [8, 0]],"
    " warp = [[0, 2], [0, 0]], block = []}>"
)


@pytest.mark.parametrize("is_mixed", [True, False])
def test_a_scan_along_a_mixed_layout_gets_a_plain_one(is_mixed: bool) -> None:
    layout = MIXED if is_mixed else MIXED.replace("[1, 2]", "[1, 0]")
    tensor = f"tensor<16x16xi32, {layout}>"
    found = after(
        f"""
      %x = tt.splat %n : i32 -> {tensor}
      %y = "tt.scan"(%x) <{{axis = 1 : i32, reverse = false}}> ({{
      ^bb0(%a: i32, %b: i32):
        %s = arith.addi %a, %b : i32
        tt.scan.return %s : i32
      }}) : ({tensor}) -> {tensor}
      %q = tt.splat %p : !tt.ptr<i32> -> {tensor.replace("i32", "!tt.ptr<i32>")}
      tt.store %q, %y : {tensor.replace("i32", "!tt.ptr<i32>")}
      tt.return""",
        with_target(make_axes_plain),
    )
    assert found.count("ttg.convert_layout") == (2 if is_mixed else 0)
