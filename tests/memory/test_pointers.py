"""Loads and stores through pointers of every origin: memory, integers, choices, 64-bit offsets."""

from __future__ import annotations

import numpy as np
import pytest

from tests.device import device

from .support import (
    LINE,
    NUMPY,
    WIDE,
    Array,
    blocked,
    line_of,
    module,
    numbers,
    run,
    tensor,
    zeros,
)

ON_CPU = pytest.mark.skipif(device() != "cpu", reason="these are addresses of this process")


def addresses(*arrays: Array) -> Array:
    """The addresses of arrays, as int64."""
    return np.array([array.ctypes.data for array in arrays], np.int64)


@ON_CPU
def test_pointers_that_lie_in_memory() -> None:
    """out[i] = *(table[i]), with a table of addresses."""
    ptr, table = tensor(4, "!tt.ptr<f32>", LINE), tensor(4, "!tt.ptr<!tt.ptr<f32>>", LINE)
    text = module(f"""
  tt.func public @table(%table_ptr: !tt.ptr<!tt.ptr<f32>>, %out_ptr: !tt.ptr<f32>) {{
    %range = tt.make_range {{end = 4 : i32, start = 0 : i32}} : {tensor(4, "i32", LINE)}
    %t = tt.splat %table_ptr : !tt.ptr<!tt.ptr<f32>> -> {table}
    %p = tt.addptr %t, %range : {table}, {tensor(4, "i32", LINE)}
    %q = tt.load %p : {table}
    %x = tt.load %q : {ptr}
    {line_of("out", "%out_ptr", 4, "f32", LINE)}
    tt.store %out_p, %x : {ptr}
    tt.store %q, %x : {ptr}
    tt.return
  }}""")
    arrays = [np.array([i + 0.5], np.float32) for i in range(4)]
    out = zeros(4, "f32")
    run(text, (1,), addresses(*arrays), out)
    assert out.tolist() == [0.5, 1.5, 2.5, 3.5]


@ON_CPU
def test_integers_as_pointers_and_back() -> None:
    ptr, i64 = tensor(32, "!tt.ptr<f32>", LINE), tensor(32, "i64", LINE)
    text = module(f"""
  tt.func public @cast(%address: i64, %out_ptr: !tt.ptr<f32>, %back_ptr: !tt.ptr<i64>) {{
    %base = tt.int_to_ptr %address : i64 -> !tt.ptr<f32>
    %bases = tt.splat %base : !tt.ptr<f32> -> {ptr}
    {line_of("out", "%out_ptr", 32, "f32", LINE)}
    {line_of("back", "%back_ptr", 32, "i64", LINE)}
    %p = tt.addptr %bases, %out_range : {ptr}, {tensor(32, "i32", LINE)}
    %x = tt.load %p : {ptr}
    tt.store %out_p, %x : {ptr}
    %numbers = tt.ptr_to_int %p : {ptr} -> {i64}
    tt.store %back_p, %numbers : {tensor(32, "!tt.ptr<i64>", LINE)}
    tt.return
  }}""")
    x, out, back = numbers("f32", 32, 1), zeros(32, "f32"), zeros(32, "i64")
    start: int = x.ctypes.data
    run(text, (1,), start, out, back)
    np.testing.assert_array_equal(out, x)
    assert back.tolist() == [start + 4 * i for i in range(32)]


def test_a_choice_between_pointers() -> None:
    ptr, i32 = tensor(64, "!tt.ptr<f32>", LINE), tensor(64, "i32", LINE)
    text = module(f"""
  tt.func public @choose(%x_ptr: !tt.ptr<f32>, %y_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>,
                         %swap: i1) {{
    %a = arith.select %swap, %y_ptr, %x_ptr : !tt.ptr<f32>
    {line_of("a", "%a", 64, "f32", LINE)}
    {line_of("b", "%y_ptr", 64, "f32", LINE)}
    {line_of("out", "%out_ptr", 64, "f32", LINE)}
    %half = arith.constant dense<32> : {i32}
    %low = arith.cmpi slt, %a_range, %half : {i32}
    %p = arith.select %low, %a_p, %b_p : {tensor(64, "i1", LINE)}, {ptr}
    %v = tt.load %p : {ptr}
    tt.store %out_p, %v : {ptr}
    tt.return
  }}""")
    x, y = numbers("f32", 64, 1), numbers("f32", 64, 2)
    for swap in (False, True):
        out = zeros(64, "f32")
        run(text, (1,), x, y, out, swap)
        np.testing.assert_array_equal(out[:32], (y if swap else x)[:32])
        np.testing.assert_array_equal(out[32:], y[32:])


@pytest.mark.parametrize("dtype", ["f32", "bf16", "f16", "i8", "i64"])
@pytest.mark.parametrize("layout", [LINE, WIDE])
@pytest.mark.parametrize("other", ["none", "splat", "tensor"])
def test_masked_loads_of_every_form(dtype: str, layout: str, other: str) -> None:
    size = 512
    ptr, value, i32 = (tensor(size, e, layout) for e in (f"!tt.ptr<{dtype}>", dtype, "i32"))
    seven = "7" if dtype[0] == "i" else "7.0"
    given = {"none": "", "splat": ", %seven", "tensor": ", %y"}[other]
    text = module(f"""
  tt.func public @masked(%x_ptr: !tt.ptr<{dtype}> {{tt.divisibility = 16 : i32}},
                         %y_ptr: !tt.ptr<{dtype}> {{tt.divisibility = 16 : i32}},
                         %out_ptr: !tt.ptr<{dtype}> {{tt.divisibility = 16 : i32}}, %n: i32) {{
    {line_of("x", "%x_ptr", size, dtype, layout)}
    {line_of("y", "%y_ptr", size, dtype, layout)}
    {line_of("out", "%out_ptr", size, dtype, layout)}
    %seven = arith.constant dense<{seven}> : {value}
    %limit = tt.splat %n : i32 -> {i32}
    %mask = arith.cmpi slt, %x_range, %limit : {i32}
    %y = tt.load %y_p : {ptr}
    %x = tt.load %x_p, %mask{given} : {ptr}
    tt.store %out_p, %x : {ptr}
    tt.return
  }}""")
    y, out = numbers(dtype, size, 2), zeros(size, dtype)
    for n in (0, 300, 512):
        x = numbers(dtype, max(1, n), 1)
        run(text, (1,), x, y, out, n)
        np.testing.assert_array_equal(out[:n], x[:n])
        if other == "splat":
            assert (out[n:] == 7).all()
        elif other == "tensor":
            np.testing.assert_array_equal(out[n:], y[n:])


def test_bools_are_bytes() -> None:
    ptr, byte = tensor(64, "!tt.ptr<i1>", LINE), tensor(64, "!tt.ptr<i8>", LINE)
    text = module(f"""
  tt.func public @bools(%x_ptr: !tt.ptr<i1>, %out_ptr: !tt.ptr<i1>) {{
    {line_of("x", "%x_ptr", 64, "i1", LINE)}
    {line_of("out", "%out_ptr", 64, "i1", LINE)}
    %p = tt.bitcast %x_p : {ptr} -> {byte}
    %x = tt.load %p : {byte}
    %zero = arith.constant dense<0> : {tensor(64, "i8", LINE)}
    %bit = arith.cmpi eq, %x, %zero : {tensor(64, "i8", LINE)}
    %q = tt.bitcast %out_p : {ptr} -> {byte}
    %y = arith.extui %bit : {tensor(64, "i1", LINE)} to {tensor(64, "i8", LINE)}
    tt.store %q, %y : {byte}
    tt.return
  }}""")
    x = np.random.default_rng(0).integers(0, 2, 64).astype(bool)
    out = np.zeros(64, bool)
    run(text, (1,), x, out)
    np.testing.assert_array_equal(out, ~x)


def test_offsets_of_64_bits_stay_so() -> None:
    """An offset that 32 bits cannot hold, and back: base + (2^33 + i) - 2^33."""
    i64, ptr = tensor(32, "i64", LINE), tensor(32, "!tt.ptr<f32>", LINE)
    text = module(f"""
  tt.func public @far(%x_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>, %far: i64) {{
    {line_of("out", "%out_ptr", 32, "f32", LINE)}
    %range = arith.extsi %out_range : {tensor(32, "i32", LINE)} to {i64}
    %fars = tt.splat %far : i64 -> {i64}
    %offsets = arith.addi %range, %fars : {i64}
    %zero = arith.constant 0 : i64
    %minus = arith.subi %zero, %far : i64
    %base = tt.addptr %x_ptr, %minus : !tt.ptr<f32>, i64
    %bases = tt.splat %base : !tt.ptr<f32> -> {ptr}
    %p = tt.addptr %bases, %offsets : {ptr}, {i64}
    %x = tt.load %p : {ptr}
    tt.store %out_p, %x : {ptr}
    tt.return
  }}""")
    x, out = numbers("f32", 32, 1), zeros(32, "f32")
    run(text, (1,), x, out, 1 << 33)
    np.testing.assert_array_equal(out, x)


def test_a_volatile_load_is_written_so() -> None:
    text = module(f"""
  tt.func public @again(%x_ptr: !tt.ptr<i32>, %out_ptr: !tt.ptr<i32>) {{
    {line_of("x", "%x_ptr", 64, "i32", LINE)}
    {line_of("out", "%out_ptr", 64, "i32", LINE)}
    %x = tt.load %x_p {{isVolatile = true}} : {tensor(64, "!tt.ptr<i32>", LINE)}
    tt.store %out_p, %x : {tensor(64, "!tt.ptr<i32>", LINE)}
    tt.return
  }}""")
    x, out = numbers("i32", 64, 1), np.zeros(64, NUMPY["i32"])
    shader = run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x)
    assert "volatile" in shader.source


@pytest.mark.parametrize("dtype", ["f32", "f16"])
def test_an_address_that_is_kept_is_there_for_the_first_access(dtype: str) -> None:
    """The offsets are costly and needed on both sides of a barrier, by accesses of 16 bytes."""
    layout = blocked([8], [32], [4])
    size = 2048
    i32, ptr = tensor(size, "i32", layout), tensor(size, f"!tt.ptr<{dtype}>", layout)
    hints = "tt.contiguity = dense<16> : tensor<1xi32>, tt.divisibility = dense<16> : tensor<1xi32>"
    text = module(f"""
  tt.func public @kept(%x_ptr: !tt.ptr<{dtype}> {{tt.divisibility = 16 : i32}},
                       %out_ptr: !tt.ptr<{dtype}> {{tt.divisibility = 16 : i32}},
                       %n: i32 {{tt.divisibility = 16 : i32}}) {{
    %r = tt.make_range {{end = {size} : i32, start = 0 : i32}} : {i32}
    %ns = tt.splat %n : i32 -> {i32}
    %far = arith.muli %r, %ns : {i32}
    %near = arith.divsi %far, %ns : {i32}
    %offsets = arith.remsi %near, %ns {{{hints}}} : {i32}
    %xs = tt.splat %x_ptr : !tt.ptr<{dtype}> -> {ptr}
    %xp = tt.addptr %xs, %offsets {{{hints}}} : {ptr}, {i32}
    %x = tt.load %xp : {ptr}
    gpu.barrier
    %os = tt.splat %out_ptr : !tt.ptr<{dtype}> -> {ptr}
    %op = tt.addptr %os, %offsets {{{hints}}} : {ptr}, {i32}
    tt.store %op, %x : {ptr}
    tt.return
  }}""")
    x, out = numbers(dtype, size, 1), zeros(size, dtype)
    run(text, (1,), x, out, size)
    np.testing.assert_array_equal(out, x)


def test_what_a_mask_leaves_out_is_the_other_for_every_use() -> None:
    """A wide load of halves gives zeros first: the largest of negative numbers is none of them."""
    layout = blocked([8], [32], [4])
    line = tensor(2048, "f16", layout)
    text = module(f"""
  tt.func public @largest(%x_ptr: !tt.ptr<f16> {{tt.divisibility = 16 : i32}},
                          %out_ptr: !tt.ptr<f16> {{tt.divisibility = 16 : i32}},
                          %n: i32 {{tt.divisibility = 16 : i32}}) {{
    {line_of("x", "%x_ptr", 2048, "f16", layout)}
    {line_of("out", "%out_ptr", 2048, "f16", layout)}
    %limit = tt.splat %n : i32 -> {tensor(2048, "i32", layout)}
    %mask = arith.cmpi slt, %x_range, %limit : {tensor(2048, "i32", layout)}
    %none = arith.constant dense<0xFC00> : {line}
    %x = tt.load %x_p, %mask, %none : {tensor(2048, "!tt.ptr<f16>", layout)}
    %most = "tt.reduce"(%x) <{{axis = 0 : i32}}> ({{
    ^bb0(%a: f16, %b: f16):
      %c = arith.maxnumf %a, %b : f16
      tt.reduce.return %c : f16
    }}) : ({line}) -> f16
    %splat = tt.splat %most : f16 -> {line}
    %shifted = arith.subf %x, %splat : {line}
    tt.store %out_p, %shifted, %mask : {tensor(2048, "!tt.ptr<f16>", layout)}
    tt.return
  }}""")
    x = np.asarray(-abs(numbers("f16", 2000, 3)) - np.float16(3))
    out = zeros(2000, "f16")
    run(text, (1,), x, out, 2000)
    np.testing.assert_array_equal(out, x - x.max())
