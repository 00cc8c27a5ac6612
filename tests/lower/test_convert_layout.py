"""Every change of layout keeps every element, whatever moves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from .support import blocked, module, pointers, poison, run, tile

LAYOUTS = {
    "rows": blocked([1, 4], [4, 8], [4, 1]),
    "columns": blocked([4, 1], [8, 4], [1, 4], [0, 1]),
    "square": blocked([2, 2], [4, 8], [2, 2]),
    "wide": blocked([1, 8], [1, 32], [4, 1]),
    "replicated": blocked([1, 1], [32, 1], [4, 1]),
    "linear": (
        "#ttg.linear<{register = [[0, 1], [8, 0], [0, 16]], "
        "lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [0, 8]], block = []}>"
    ),
}


def convert_kernel(shape: tuple[int, int], dtype: str, source: str, result: str) -> str:
    """Load in one layout, convert, store in another."""
    rows, cols = shape
    before, after = (f"tensor<{rows}x{cols}x{dtype}, {layout}>" for layout in (source, result))
    ptr_before, ptr_after = (
        f"tensor<{rows}x{cols}x!tt.ptr<{dtype}>, {layout}>" for layout in (source, result)
    )
    return module(f"""
  tt.func public @convert(%x_ptr: !tt.ptr<{dtype}>, %out_ptr: !tt.ptr<{dtype}>) {{
    {tile(shape, source, "a")}
    {pointers("%x_ptr", "%a_offsets", shape, dtype, source)}
    %x = tt.load %a_offsets_p : {ptr_before}
    %y = ttg.convert_layout %x : {before} -> {after}
    {tile(shape, result, "b")}
    {pointers("%out_ptr", "%b_offsets", shape, dtype, result)}
    tt.store %b_offsets_p, %y : {ptr_after}
    tt.return
  }}""")


@pytest.mark.parametrize(("source", "result"), list(itertools.permutations(LAYOUTS, 2)))
def test_any_pair_of_layouts(source: str, result: str) -> None:
    x = np.random.default_rng().standard_normal((32, 32)).astype(np.float32)
    out = poison(x.shape, "float32")
    run(convert_kernel((32, 32), "f32", LAYOUTS[source], LAYOUTS[result]), (1,), x, out)
    np.testing.assert_array_equal(out, x)


@pytest.mark.parametrize("dtype", ["i8", "i16", "i32", "i64", "f16"])
def test_element_types(dtype: str) -> None:
    name = {"f16": "float16"}.get(dtype, f"int{dtype[1:]}")
    x = np.random.default_rng().integers(-100, 100, (64, 32)).astype(name)
    out = poison(x.shape, name)
    run(convert_kernel((64, 32), dtype, LAYOUTS["rows"], LAYOUTS["columns"]), (1,), x, out)
    np.testing.assert_array_equal(out, x)


def test_more_than_threadgroup_memory_goes_in_rounds() -> None:
    x = np.random.default_rng().standard_normal((128, 128)).astype(np.float32)
    out = poison(x.shape, "float32")
    text = convert_kernel((128, 128), "f32", LAYOUTS["rows"], LAYOUTS["columns"])
    shader = run(text, (1,), x, out)
    assert shader.threadgroup_memory <= 32768
    np.testing.assert_array_equal(out, x)


def test_a_renaming_of_registers_needs_no_memory() -> None:
    row_major = blocked([2, 4], [4, 8], [4, 1])
    other_order = (
        "#ttg.linear<{register = [[1, 0], [0, 1], [0, 2]], "
        "lane = [[0, 4], [0, 8], [0, 16], [2, 0], [4, 0]], warp = [[8, 0], [16, 0]], block = []}>"
    )
    x = np.random.default_rng().standard_normal((32, 32)).astype(np.float32)
    out = poison(x.shape, "float32")
    shader = run(convert_kernel((32, 32), "f32", row_major, other_order), (1,), x, out)
    np.testing.assert_array_equal(out, x)
    assert shader.threadgroup_memory == 0
    assert "threadgroup_barrier" not in shader.source


@pytest.mark.parametrize(("rows", "unrolled"), [(512, True), (1024, False)])
def test_an_array_that_no_registers_hold_is_not_unrolled(rows: int, unrolled: bool) -> None:
    """128 and 256 elements of 4 bytes in each thread."""
    x = np.random.default_rng().standard_normal((rows, 32)).astype(np.float32)
    out = poison(x.shape, "float32")
    text = convert_kernel((rows, 32), "f32", LAYOUTS["rows"], LAYOUTS["columns"])
    shader = run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x)
    assert ("UNROLL for" in shader.source) == unrolled


def test_a_result_that_nobody_needs() -> None:
    """What a branch moves for it is gone, with the array that would keep it."""
    one, four = blocked([1], [32], [8]), blocked([4], [32], [8])
    narrow, wide = f"tensor<256xf32, {one}>", f"tensor<256xf32, {four}>"
    text = module(
        f"""
  tt.func public @unused(%in: !tt.ptr<f32>, %out: !tt.ptr<f32>, %n: i32) {{
    %c0 = arith.constant 0 : i32
    %zero = arith.constant dense<0.0> : {wide}
    %c = arith.cmpi sgt, %n, %c0 : i32
    %i = tt.make_range {{end = 256 : i32, start = 0 : i32}} : tensor<256xi32, {one}>
    {pointers("%in", "%i", (256,), "f32", one)}
    %x = tt.load %i_p : tensor<256x!tt.ptr<f32>, {one}>
    %y = scf.if %c -> ({wide}) {{
      %moved = ttg.convert_layout %x : {narrow} -> {wide}
      scf.yield %moved : {wide}
    }} else {{
      tt.store %i_p, %x : tensor<256x!tt.ptr<f32>, {one}>
      scf.yield %zero : {wide}
    }}
    %s = "tt.reduce"(%y) <{{axis = 0 : i32}}> ({{
    ^bb0(%a: f32, %b: f32):
      %m = arith.maxnumf %a, %b : f32
      tt.reduce.return %m : f32
    }}) : ({wide}) -> f32
    %two = arith.constant 2.0 : f32
    %j = tt.addptr %out, %n : !tt.ptr<f32>, i32
    tt.store %j, %two : !tt.ptr<f32>
    tt.return
  }}""",
        8,
    )
    x, out = np.ones(256, np.float32), poison(4, "f4")
    shader = run(text, (1,), x, out, 3)
    assert out[3] == 2
    assert "threadgroup " not in shader.source.partition("{")[2]
