"""Tensor descriptors and AMD's buffers: tiles, bounds, padding, loops, arguments."""

from __future__ import annotations

import numpy as np
import pytest

import trimetal
from tests.lower.support import pointers, poison, tile
from trimetal.transpiler.parser import parse
from trimetal.transpiler.passes.buffers import lower_buffers
from trimetal.transpiler.passes.descriptors import lower_descriptors

from .support import LINE, Array, blocked, line_of, module, numbers, run, tensor, zeros

ROWS = blocked([1, 4], [4, 8], [4, 1])
VALUE = tensor((16, 32), "f32", ROWS)
DESC = "!tt.tensordesc<16x32xf32>"


def padded(x: Array, row: int, column: int, fill: float) -> Array:
    """The 16x32 tile of an array at a place, `fill` where that is outside."""
    tile_: Array = np.full((16, 32), fill, x.dtype)
    for i in range(16):
        for j in range(32):
            if 0 <= row + i < x.shape[0] and 0 <= column + j < x.shape[1]:
                tile_[i, j] = x[row + i, column + j]
    return tile_


def tile_kernel(body: str, arguments: str = "") -> str:
    """A kernel with descriptors of x and out, both `rows` by `columns` with a stride."""
    return module(f"""
  tt.func public @tiles(%x_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>, %rows: i32, %columns: i32,
                        %stride: i64, %i: i32, %j: i32{arguments}) {{
    %one = arith.constant 1 : i64
    %x = tt.make_tensor_descriptor %x_ptr, [%rows, %columns], [%stride, %one] : <f32>, <16x32xf32>
    %out = tt.make_tensor_descriptor %out_ptr, [%rows, %columns], [%stride, %one]
      {{padding = 1 : i32}} : <f32>, <16x32xf32>
    {body}
    tt.return
  }}""")


PLACES = [(0, 0), (8, 16), (-3, 50), (40, 90), (100, 0)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("padding", ["zero", "nan"])
def test_a_tile_is_loaded_where_it_is_in_bounds(place: tuple[int, int], padding: str) -> None:
    text = module(f"""
  tt.func public @load(%x_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>, %rows: i32, %columns: i32,
                       %stride: i64, %i: i32, %j: i32) {{
    %one = arith.constant 1 : i64
    %x = tt.make_tensor_descriptor %x_ptr, [%rows, %columns], [%stride, %one]
      {{padding = {1 if padding == "zero" else 2} : i32}} : <f32>, <16x32xf32>
    %tile = tt.descriptor_load %x[%i, %j] : {DESC} -> {VALUE}
    {tile((16, 32), ROWS, "a")}
    {pointers("%out_ptr", "%a_offsets", (16, 32), "f32", ROWS)}
    tt.store %a_offsets_p, %tile : {tensor((16, 32), "!tt.ptr<f32>", ROWS)}
    tt.return
  }}""")
    x = numbers("f32", 50 * 100, 1).reshape(50, 100)
    out = poison((16, 32), "float32")
    run(text, (1,), x, out, 50, 97, 100, *place)
    fill = 0.0 if padding == "zero" else float("nan")
    np.testing.assert_array_equal(out, padded(x[:, :97], *place, fill))


@pytest.mark.parametrize("place", PLACES)
def test_a_tile_is_stored_where_it_is_in_bounds(place: tuple[int, int]) -> None:
    text = tile_kernel(f"""%zero = arith.constant 0 : i32
    %tile = tt.descriptor_load %x[%zero, %zero] : {DESC} -> {VALUE}
    tt.descriptor_store %out[%i, %j], %tile : {DESC}, {VALUE}""")
    x = numbers("f32", 50 * 100, 1).reshape(50, 100)
    out = zeros((50, 100), "f32")
    run(text, (1,), x, out, 50, 97, 100, *place)
    expected = zeros((50, 100), "f32")
    row, column = place
    for i in range(16):
        for j in range(32):
            if 0 <= row + i < 50 and 0 <= column + j < 97:
                expected[row + i, column + j] = x[i, j]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("kind", ["add", "max", "min"])
def test_tiles_are_combined_with_memory(kind: str) -> None:
    text = tile_kernel(f"""%zero = arith.constant 0 : i32
    %tile = tt.descriptor_load %x[%zero, %zero] : {DESC} -> {VALUE}
    tt.descriptor_reduce {kind}, %out[%i, %j], %tile : {DESC}, {VALUE}""")
    x = numbers("f32", 50 * 100, 1).reshape(50, 100)
    out = numbers("f32", 50 * 100, 2).reshape(50, 100)
    expected: Array = out.copy()
    function = {"add": np.add, "max": np.maximum, "min": np.minimum}[kind]
    for _ in range(3):
        part = function(expected[40:50, 80:97], x[:10, :17])
        expected[40:50, 80:97] = part
    run(text, (3,), x, out, 50, 97, 100, 40, 80)
    np.testing.assert_array_equal(out, expected)


def test_rows_in_a_list() -> None:
    listed = tensor(16, "i32", LINE)
    text = tile_kernel(
        f"""{line_of("list", "%list_ptr", 16, "i32", LINE)}
    %list = tt.load %list_p : {tensor(16, "!tt.ptr<i32>", LINE)}
    %tile = tt.descriptor_gather %g[%list, %j]
      : (!tt.tensordesc<1x32xf32>, {listed}, i32) -> {VALUE}
    tt.descriptor_scatter %s[%list, %j], %tile
      : !tt.tensordesc<1x32xf32>, {listed}, i32, {VALUE}""",
        ", %list_ptr: !tt.ptr<i32>",
    )
    for name, letter in (("x", "g"), ("out", "s")):
        text = text.replace(f"%{name} = tt.make", f"%{letter} = tt.make")
    text = text.replace("<16x32xf32>\n", "<1x32xf32>\n")
    x = numbers("f32", 50 * 100, 1).reshape(50, 100)
    rows = np.random.default_rng(0).permutation(50)[:16].astype(np.int32)
    out = zeros((50, 100), "f32")
    run(text, (1,), x, out, 50, 97, 100, 0, 80, rows)
    expected = zeros((50, 100), "f32")
    expected[rows, 80:97] = x[rows, 80:97]
    np.testing.assert_array_equal(out, expected)


def test_a_loop_carries_descriptors() -> None:
    text = tile_kernel(f"""%zero = arith.constant 0 : i32
    %two = arith.constant 2 : i32
    %unit = arith.constant 1 : i32
    %r:2 = scf.for %k = %zero to %two step %unit iter_args(%a = %x, %b = %out)
        -> ({DESC}, {DESC}) : i32 {{
      %tile = tt.descriptor_load %a[%i, %j] : {DESC} -> {VALUE}
      %more = arith.addf %tile, %tile : {VALUE}
      tt.descriptor_store %b[%i, %j], %more : {DESC}, {VALUE}
      scf.yield %b, %a : {DESC}, {DESC}
    }}""")
    x = numbers("f32", 50 * 100, 1).reshape(50, 100)
    out, expected = zeros((50, 100), "f32"), x.copy()
    run(text, (1,), x, out, 50, 97, 100, 8, 16)
    expected[8:24, 16:48] *= 4
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("is_nan", [False, True])
def test_an_argument_that_is_a_descriptor(is_nan: bool) -> None:
    text = module(f"""
  tt.func public @load(%x: {DESC}, %out_ptr: !tt.ptr<f32>, %i: i32, %j: i32) {{
    %tile = tt.descriptor_load %x[%i, %j] : {DESC} -> {VALUE}
    {tile((16, 32), ROWS, "a")}
    {pointers("%out_ptr", "%a_offsets", (16, 32), "f32", ROWS)}
    tt.store %a_offsets_p, %tile : {tensor((16, 32), "!tt.ptr<f32>", ROWS)}
    tt.return
  }}""")
    x, out = numbers("f32", 5000, 1).reshape(50, 100), poison((16, 32), "float32")
    shader = run(text, (1,), x, 50, 97, 100, 1, is_nan, out, 40, 80)
    parts = [a.name for a in shader.arguments if a.descriptor == "x"]
    assert parts == ["x_ptr", "x_size0", "x_size1", "x_stride0", "x_stride1", "x_nan"]
    fill = float("nan") if is_nan else 0.0
    np.testing.assert_array_equal(out, padded(x[:, :97], 40, 80, fill))


def test_a_tile_of_fewer_dimensions() -> None:
    text = module(f"""
  tt.func public @load(%x: !tt.tensordesc<1x16x32xf32>, %out_ptr: !tt.ptr<f32>, %i: i32) {{
    %tile = tt.descriptor_load %x[%i, %i, %i] : !tt.tensordesc<1x16x32xf32> -> {VALUE}
    {tile((16, 32), ROWS, "a")}
    {pointers("%out_ptr", "%a_offsets", (16, 32), "f32", ROWS)}
    tt.store %a_offsets_p, %tile : {tensor((16, 32), "!tt.ptr<f32>", ROWS)}
    tt.return
  }}""")
    x = numbers("f32", 3 * 10 * 40, 1).reshape(3, 10, 40)
    for i in (2, 3):
        out = poison((16, 32), "float32")
        run(text, (1,), x, 3, 10, 40, 400, 40, 1, False, out, i)
        expected = padded(x[i], i, i, 0.0) if i < 3 else zeros((16, 32), "f32")
        np.testing.assert_array_equal(out, expected)


def test_no_descriptor_is_left() -> None:
    text = tile_kernel(f"%tile = tt.descriptor_load %x[%i, %j] : {DESC} -> {VALUE}")
    parsed = parse(text)
    lower_descriptors(parsed)
    assert "desc" not in str(parsed)
    trimetal.transpile(str(parsed))


def test_buffers_of_amd() -> None:
    i32, f32, i1 = (tensor(64, element, LINE) for element in ("i32", "f32", "i1"))
    text = module(f"""
  tt.func public @buffers(%x_ptr: !tt.ptr<f32>, %y_ptr: !tt.ptr<f32>, %n_ptr: !tt.ptr<i32>) {{
    %o = tt.make_range {{end = 64 : i32, start = 0 : i32}} : {i32}
    %limit = arith.constant dense<50> : {i32}
    %zero = arith.constant dense<0> : {i32}
    %mask = arith.cmpi slt, %o, %limit : {i32}
    %seven = arith.constant dense<7.0> : {f32}
    %x = amdg.buffer_load %x_ptr[%o], %mask, %seven : !tt.ptr<f32> -> {f32}
    %old = amdg.buffer_atomic_rmw fadd, acq_rel, gpu, %x, %y_ptr[%o], %mask
      : !tt.ptr<f32> -> {f32}
    %was = amdg.buffer_atomic_cas acq_rel, gpu, %zero, %o, %n_ptr[%o] : !tt.ptr<i32> -> {i32}
    amdg.buffer_store %x, %x_ptr[%o] : !tt.ptr<f32> -> {f32}
    tt.return
  }}""")
    parsed = parse(text)
    lower_buffers(parsed)
    assert "amdg" not in str(parsed)
    assert i1 in str(parsed) or "tt.load" in str(parsed)
    x, y, n = numbers("f32", 64, 1), numbers("f32", 64, 2), zeros(64, "i32")
    sums: Array = y + x
    loaded: Array = x.copy()
    run(text, (1,), x, y, n)
    np.testing.assert_array_equal(y[:50], sums[:50])
    np.testing.assert_array_equal(x[:50], loaded[:50])
    assert (x[50:] == 7).all()
    assert n.tolist() == list(range(64))
