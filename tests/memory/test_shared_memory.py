"""Buffers in shared memory: views, loops, gathers, copies, and what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

import trimetal
from tests.lower.support import pointers, poison, tile

from .support import LINE, NUMPY, blocked, line_of, module, numbers, run, tensor, zeros

ROWS = blocked([1, 4], [4, 8], [4, 1])
COLUMNS = blocked([4, 1], [8, 4], [1, 4], [0, 1])
REPLICATED = blocked([1, 1], [32, 1], [4, 1])
SWIZZLED = "#ttg.swizzled_shared<{vec = 4, perPhase = 1, maxPhase = 8, order = [1, 0]}>"
TRANSPOSED = "#ttg.swizzled_shared<{vec = 1, perPhase = 1, maxPhase = 1, order = [0, 1]}>"
PLAIN = "#ttg.swizzled_shared<{vec = 1, perPhase = 1, maxPhase = 1, order = [1, 0]}>"
PLAIN_LINE = "#ttg.swizzled_shared<{vec = 1, perPhase = 1, maxPhase = 1, order = [0]}>"
SMEM = "#ttg.shared_memory"


def memdesc(shape: tuple[int, ...], element: str, encoding: str, alloc: str = "") -> str:
    """The text of a memory view's type."""
    sizes = "x".join(map(str, shape))
    return f"!ttg.memdesc<{sizes}x{element}, {encoding}, {SMEM}, mutable{alloc and ', ' + alloc}>"


def two_tiles(
    body: str,
    shape: tuple[int, int],
    dtype: str,
    source: str,
    result: str,
    result_shape: tuple[int, int] | None = None,
) -> str:
    """A kernel that has %x, in layout `source`, and stores %y, in layout `result`."""
    out = result_shape or shape
    return module(f"""
  tt.func public @shared(%x_ptr: !tt.ptr<{dtype}>, %out_ptr: !tt.ptr<{dtype}>) {{
    {tile(shape, source, "a")}
    {pointers("%x_ptr", "%a_offsets", shape, dtype, source)}
    %x = tt.load %a_offsets_p : {tensor(shape, f"!tt.ptr<{dtype}>", source)}
    {body}
    {tile(out, result, "b")}
    {pointers("%out_ptr", "%b_offsets", out, dtype, result)}
    tt.store %b_offsets_p, %y : {tensor(out, f"!tt.ptr<{dtype}>", result)}
    tt.return
  }}""")


@pytest.mark.parametrize("encoding", [SWIZZLED, TRANSPOSED])
@pytest.mark.parametrize(("source", "result"), [(ROWS, COLUMNS), (COLUMNS, REPLICATED)])
@pytest.mark.parametrize("dtype", ["f32", "i8", "f16"])
def test_stored_and_loaded_in_another_layout(
    dtype: str, source: str, result: str, encoding: str
) -> None:
    shape = (32, 64)
    m = memdesc(shape, dtype, encoding)
    text = two_tiles(
        f"""%m = ttg.local_alloc : () -> {m}
    ttg.local_store %x, %m : {tensor(shape, dtype, source)} -> {m}
    %y = ttg.local_load %m : {m} -> {tensor(shape, dtype, result)}
    ttg.local_dealloc %m : {m}""",
        shape,
        dtype,
        source,
        result,
    )
    x = numbers(dtype, 32 * 64, 1).reshape(shape)
    out = zeros(shape, dtype)
    run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x)


def test_a_buffer_that_only_hands_over_is_a_change_of_layout() -> None:
    shape = (64, 64)
    m = memdesc(shape, "f32", SWIZZLED).replace(", mutable", "")
    text = two_tiles(
        f"""%m = ttg.local_alloc %x : ({tensor(shape, "f32", ROWS)}) -> {m}
    %y = ttg.local_load %m : {m} -> {tensor(shape, "f32", COLUMNS)}""",
        shape,
        "f32",
        ROWS,
        COLUMNS,
    )
    x, out = numbers("f32", 4096, 1).reshape(shape), zeros(shape, "f32")
    shader = run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x)
    assert shader.threadgroup_memory < 2 * x.nbytes


def test_trans_and_subslice() -> None:
    shape = (32, 64)
    whole, turned = memdesc(shape, "f32", PLAIN), memdesc((64, 32), "f32", TRANSPOSED)
    part = memdesc((32, 16), "f32", TRANSPOSED, "64x32")
    text = two_tiles(
        f"""%m = ttg.local_alloc : () -> {whole}
    ttg.local_store %x, %m : {tensor(shape, "f32", ROWS)} -> {whole}
    %t = ttg.memdesc_trans %m {{order = array<i32: 1, 0>}} : {whole} -> {turned}
    %v = ttg.memdesc_subslice %t[16, 8] : {turned} -> {part}
    %y = ttg.local_load %v : {part} -> {tensor((32, 16), "f32", COLUMNS)}""",
        shape,
        "f32",
        ROWS,
        COLUMNS,
        (32, 16),
    )
    x, out = numbers("f32", 2048, 1).reshape(shape), zeros((32, 16), "f32")
    run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x.T[16:48, 8:24])


@pytest.mark.parametrize("encoding", [PLAIN, TRANSPOSED])
def test_reshape_changes_the_arrangement_of_the_buffer(encoding: str) -> None:
    shape = (32, 64)
    whole, other = memdesc(shape, "f32", encoding), memdesc((64, 32), "f32", PLAIN)
    text = two_tiles(
        f"""%m = ttg.local_alloc : () -> {whole}
    ttg.local_store %x, %m : {tensor(shape, "f32", ROWS)} -> {whole}
    %v = ttg.memdesc_reshape %m : {whole} -> {other}
    %y = ttg.local_load %v : {other} -> {tensor((64, 32), "f32", ROWS)}""",
        shape,
        "f32",
        ROWS,
        ROWS,
        (64, 32),
    )
    x, out = numbers("f32", 2048, 1).reshape(shape), zeros((64, 32), "f32")
    run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x.reshape(64, 32))


def test_reinterpreted_bytes_of_plain_rows() -> None:
    whole = memdesc((32, 64), "f32", PLAIN)
    halves = memdesc((32, 64), "i32", PLAIN)
    text = two_tiles(
        f"""%m = ttg.local_alloc : () -> {whole}
    ttg.local_store %x, %m : {tensor((32, 64), "f32", ROWS)} -> {whole}
    %v = ttg.memdesc_reinterpret %m : {whole} -> {halves}
    %bits = ttg.local_load %v : {halves} -> {tensor((32, 64), "i32", COLUMNS)}
    %y = tt.bitcast %bits : {tensor((32, 64), "i32", COLUMNS)}
      -> {tensor((32, 64), "f32", COLUMNS)}""",
        (32, 64),
        "f32",
        ROWS,
        COLUMNS,
    )
    x, out = numbers("f32", 2048, 1).reshape(32, 64), zeros((32, 64), "f32")
    run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x)
    with pytest.raises(trimetal.UnsupportedError, match="memdesc_reinterpret"):
        trimetal.transpile(text.replace(PLAIN, SWIZZLED))


def test_buffers_in_turn_carried_through_a_loop() -> None:
    """Each iteration stores row block i into one of two tiles and loads the one before."""
    shape, count = (16, 64), 5
    ring, one = memdesc((2, *shape), "f32", SWIZZLED), memdesc(shape, "f32", SWIZZLED, "2x16x64")
    value, ptr = tensor(shape, "f32", ROWS), tensor(shape, "!tt.ptr<f32>", ROWS)
    bare, index = one.removeprefix("!ttg.memdesc"), tensor(shape, "i32", ROWS)
    text = module(f"""
  tt.func public @ring(%x_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>, %count: i32) {{
    %zero = arith.constant 0 : i32
    %one = arith.constant 1 : i32
    %two = arith.constant 2 : i32
    %step = arith.constant dense<1024> : {tensor(shape, "i32", ROWS)}
    {tile(shape, ROWS, "a")}
    %x_s = tt.splat %x_ptr : !tt.ptr<f32> -> {ptr}
    %x_p = tt.addptr %x_s, %a_offsets : {ptr}, {index}
    %out_s = tt.splat %out_ptr : !tt.ptr<f32> -> {ptr}
    %out_p = tt.addptr %out_s, %a_offsets : {ptr}, {index}
    %ring = ttg.local_alloc : () -> {ring}
    %first = ttg.memdesc_index %ring[%zero] : {ring} -> {one}
    %t0 = ttg.async_copy_global_to_local %x_p, %first : {ptr} -> {bare}
    %g0 = ttg.async_commit_group tokens %t0
    %r:4 = scf.for %i = %one to %count step %one
        iter_args(%p = %x_p, %o = %out_p, %m = %first, %g = %g0)
        -> ({ptr}, {ptr}, {one}, !ttg.async.token) : i32 {{
      %next = tt.addptr %p, %step : {ptr}, {tensor(shape, "i32", ROWS)}
      %slot = arith.remui %i, %two : i32
      %n = ttg.memdesc_index %ring[%slot] : {ring} -> {one}
      %t = ttg.async_copy_global_to_local %next, %n : {ptr} -> {bare}
      %h = ttg.async_commit_group tokens %t
      %w = ttg.async_wait %g {{num = 1 : i32}}
      %y = ttg.local_load %m token %w : {one} -> {value}
      tt.store %o, %y : {ptr}
      %later = tt.addptr %o, %step : {ptr}, {tensor(shape, "i32", ROWS)}
      scf.yield %next, %later, %n, %h : {ptr}, {ptr}, {one}, !ttg.async.token
    }}
    %w = ttg.async_wait %r#3 {{num = 0 : i32}}
    %y = ttg.local_load %r#2 token %w : {one} -> {value}
    tt.store %r#1, %y : {ptr}
    tt.return
  }}""")
    x = numbers("f32", count * 1024, 1)
    out = np.zeros_like(x)
    shader = run(text, (1,), x, out, count)
    np.testing.assert_array_equal(out, x)
    assert "token" not in shader.source


def test_a_later_store_wins() -> None:
    """Two stores by different threads to the same elements, and nothing read in between."""
    shape = (32, 32)
    m = memdesc(shape, "f32", PLAIN)
    by_rows, by_columns = tensor(shape, "f32", ROWS), tensor(shape, "f32", COLUMNS)
    text = two_tiles(
        f"""%m = ttg.local_alloc : () -> {m}
    %zero = arith.constant dense<0.0> : {by_columns}
    ttg.local_store %zero, %m : {by_columns} -> {m}
    ttg.local_store %x, %m : {by_rows} -> {m}
    %y = ttg.local_load %m : {m} -> {by_columns}""",
        shape,
        "f32",
        ROWS,
        COLUMNS,
    )
    x, out = numbers("f32", 1024, 1).reshape(shape), zeros(shape, "f32")
    shader = run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x)
    assert shader.report["barriers"] == 2


@pytest.mark.parametrize("axis", [0, 1])
def test_gather_and_scatter(axis: int) -> None:
    shape = (32, 32)
    m, value = memdesc(shape, "f32", PLAIN), tensor(shape, "f32", ROWS)
    index = tensor(shape, "i32", ROWS)
    text = two_tiles(
        f"""%m = ttg.local_alloc : () -> {m}
    %n = ttg.local_alloc : () -> {m}
    ttg.local_store %x, %m : {value} -> {m}
    %last = arith.constant dense<31> : {index}
    %which = tt.broadcast %a_{"r2" if axis == 0 else "c2"}
      : {tensor((32, 1) if axis == 0 else (1, 32), "i32", ROWS)} -> {index}
    %back = arith.subi %last, %which : {index}
    %turned = ttg.local_gather %m[%back] {{axis = {axis} : i32}} : {m}, {index} -> {value}
    %twice = arith.addf %turned, %turned : {value}
    ttg.local_scatter %n[%back], %twice {{axis = {axis} : i32}} : {m}, {index}, {value}
    %y = ttg.local_load %n : {m} -> {tensor(shape, "f32", COLUMNS)}""",
        shape,
        "f32",
        ROWS,
        COLUMNS,
    )
    x, out = numbers("f32", 1024, 1).reshape(shape), zeros(shape, "f32")
    run(text, (1,), x, out)
    np.testing.assert_array_equal(out, 2 * x)


@pytest.mark.parametrize("dtype", ["i32", "f32", "f16", "i8"])
@pytest.mark.parametrize("size", [256, 16])
def test_atomics_on_a_buffer(dtype: str, size: int) -> None:
    bins = 8
    m = memdesc((bins,), dtype, PLAIN_LINE)
    value, index = tensor(size, dtype, LINE), tensor(size, "i32", LINE)
    kind = "add" if dtype[0] == "i" else "fadd"
    number = "{}" if dtype[0] == "i" else "{}.0"
    text = module(f"""
  tt.func public @bins(%x_ptr: !tt.ptr<i32>, %out_ptr: !tt.ptr<{dtype}>) {{
    {line_of("x", "%x_ptr", size, "i32", LINE)}
    {line_of("o", "%out_ptr", bins, dtype, LINE)}
    %index = tt.load %x_p : {tensor(size, "!tt.ptr<i32>", LINE)}
    %zero = arith.constant dense<{number.format(0)}> : {tensor(bins, dtype, LINE)}
    %one = arith.constant dense<{number.format(1)}> : {value}
    %m = ttg.local_alloc : () -> {m}
    ttg.local_store %zero, %m : {tensor(bins, dtype, LINE)} -> {m}
    %old = ttg.local_atomic_scatter_rmw {kind}, %m[%index], %one {{axis = 0 : i32}}
      : ({m}, {index}, {value}) -> {value}
    %counts = ttg.local_load %m : {m} -> {tensor(bins, dtype, LINE)}
    tt.store %o_p, %counts : {tensor(bins, f"!tt.ptr<{dtype}>", LINE)}
    tt.return
  }}""").replace(f"({m}, {index}, {value})", f"({m}, {value}, {index})")
    x = np.random.default_rng(0).integers(0, bins, size).astype(np.int32)
    out = poison(bins, "uint8").astype(NUMPY[dtype])
    run(text, (1,), x, out)
    np.testing.assert_array_equal(out.astype(np.int32), np.bincount(x, minlength=bins))


def test_what_does_not_fit_says_how_much_there_is() -> None:
    m = memdesc((128, 128), "f32", PLAIN)
    shape = (128, 128)
    text = two_tiles(
        f"""%m = ttg.local_alloc : () -> {m}
    ttg.local_store %x, %m : {tensor(shape, "f32", ROWS)} -> {m}
    %y = ttg.local_load %m : {m} -> {tensor(shape, "f32", COLUMNS)}""",
        shape,
        "f32",
        ROWS,
        COLUMNS,
    )
    with pytest.raises(trimetal.OutOfResourcesError) as caught:
        trimetal.transpile(text)
    assert caught.value.required == 65536
    assert caught.value.limit == 32768
