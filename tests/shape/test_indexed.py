"""tt.gather, tt.histogram and tt.map_elementwise."""

from __future__ import annotations

import random

import numpy as np
import pytest

from ..lower.support import poison, run
from .support import NUMPY, blocked_layout, kernel, linear_layout, numbers, tensor


@pytest.mark.parametrize("dtype", ["i1", "i8", "i64", "f16", "f32"])
@pytest.mark.parametrize("axis", [0, 1])
def test_gather(axis: int, dtype: str) -> None:
    source = random.Random(axis)
    layout = linear_layout((16, 32), source)
    shape = (64, 32) if axis == 0 else (16, 8)
    wanted = linear_layout(shape, source)
    for width in ("i32", "i64", "i8"):
        x = numbers((16, 32), dtype)
        at = np.random.default_rng().integers(0, (16, 32)[axis], shape).astype(NUMPY[width])
        types = f"({tensor(layout, dtype)}, {tensor(wanted, width)}) -> {tensor(wanted, dtype)}"
        body = f"%y = tt.gather %x0[%x1] {{axis = {axis} : i32}} : {types}"
        out = poison(shape, NUMPY[dtype])
        text = kernel([(layout, dtype), (wanted, width)], body, [("%y", wanted, dtype)])
        run(text, (1,), x, at, out)
        np.testing.assert_array_equal(out, np.take_along_axis(x, at.astype(np.int64), axis))


def test_a_gather_from_more_than_threadgroup_memory() -> None:
    layout = blocked_layout((16384,), [4], [32], [4])
    wanted = blocked_layout((512,), [1], [32], [4])
    types = f"({tensor(layout, 'i32')}, {tensor(wanted, 'i32')}) -> {tensor(wanted, 'i32')}"
    body = f"%y = tt.gather %x0[%x1] {{axis = 0 : i32}} : {types}"
    x, out = numbers((16384,), "i32"), poison(512, "int32")
    at = np.random.default_rng().integers(0, 16384, 512).astype(np.int32)
    text = kernel([(layout, "i32"), (wanted, "i32")], body, [("%y", wanted, "i32")])
    run(text, (1,), x, at, out)
    np.testing.assert_array_equal(out, x[at])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("size", "bins"), [(8, 512), (1024, 8), (256, 256), (64, 2), (512, 16384)])
def test_histogram(size: int, bins: int, masked: bool) -> None:
    layout = blocked_layout((size,), [2], [32], [4])
    result = blocked_layout((bins,), [1], [32], [4])
    x = np.random.default_rng().integers(-2, bins + 3, size).astype(np.int32)
    keep = numbers((size,), "i1")
    mask = ", %x1" if masked else ""
    body = f"%y = tt.histogram %x0{mask} : {tensor(layout, 'i32')} -> {tensor(result, 'i32')}"
    out = poison(bins, "int32")
    text = kernel([(layout, "i32"), (layout, "i1")], body, [("%y", result, "i32")])
    run(text, (1,), x, keep, out)
    counted = x[(x >= 0) & (x < bins) & ((keep != 0) | (not masked))]
    np.testing.assert_array_equal(out, np.bincount(counted, minlength=bins))


@pytest.mark.parametrize(("dtype", "result"), [("i8", "i32"), ("i64", "i64")])
def test_histogram_of_other_widths_in_a_loop(dtype: str, result: str) -> None:
    layout = blocked_layout((256,), [1], [32], [4])
    bins = blocked_layout((64,), [1], [32], [4])
    total = tensor(bins, result)
    body = f"""
    %zero = arith.constant dense<0> : {total}
    %c0 = arith.constant 0 : i32
    %c3 = arith.constant 3 : i32
    %c1 = arith.constant 1 : i32
    %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%sum = %zero) -> ({total}) : i32 {{
      %h = tt.histogram %x0 : {tensor(layout, dtype)} -> {total}
      %next = arith.addi %sum, %h : {total}
      scf.yield %next : {total}
    }}"""
    x, out = numbers((256,), dtype, 0, 64), poison(64, NUMPY[result])
    run(kernel([(layout, dtype)], body, [("%y", bins, result)]), (1,), x, out)
    np.testing.assert_array_equal(out, 3 * np.bincount(x, minlength=64))


BRANCHES = """
    ^bb0(%a: i32, %b: i32):
      %less = arith.cmpi slt, %a, %b : i32
      cf.cond_br %less, ^less, ^other
    ^less:
      %d = arith.subi %b, %a : i32
      cf.br ^end(%d : i32)
    ^other:
      %equal = arith.cmpi eq, %a, %b : i32
      %hundred = arith.constant 100 : i32
      cf.cond_br %equal, ^end(%hundred : i32), ^more
    ^more:
      %m = arith.muli %a, %b : i32
      tt.map_elementwise.return %m : i32
    ^end(%r: i32):
      tt.map_elementwise.return %r : i32
"""


@pytest.mark.parametrize("seed", range(3))
def test_map_elementwise_with_branches(seed: int) -> None:
    layout = linear_layout((16, 32), random.Random(seed))
    type_ = tensor(layout, "i32")
    body = f"""
    %y = "tt.map_elementwise"(%x0, %x1) <{{pack = 1 : i32}}> ({{{BRANCHES}
    }}) : ({type_}, {type_}) -> {type_}"""
    a, b = (numbers((16, 32), "i32", -3, 3) for _ in range(2))
    out = poison((16, 32), "int32")
    run(kernel([(layout, "i32")] * 2, body, [("%y", layout, "i32")]), (1,), a, b, out)
    expected = np.where(a < b, b - a, np.where(a == b, 100, a * b))
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("size", [64, 512, 2048])
def test_map_elementwise_of_packs(size: int) -> None:
    """Where there are fewer elements than threads' registers, a pack holds copies."""
    layout = blocked_layout((size,), [4], [32], [4])
    text_layout = (
        "#ttg.blocked<{sizePerThread = [4], threadsPerWarp = [32], warpsPerCTA = [4], order = [0]}>"
    )
    type_ = f"tensor<{size}xi32, {text_layout}>"
    into = f"ttg.convert_layout %x0 : {tensor(layout, 'i32')} -> {type_}"
    body = f"""
    %x = {into}
    %s, %d = "tt.map_elementwise"(%x) <{{pack = 2 : i32}}> ({{
    ^bb0(%a: i32, %b: i32):
      %sum = arith.addi %a, %b : i32
      %difference = arith.subi %a, %b : i32
      tt.map_elementwise.return %sum, %a, %difference, %b : i32, i32, i32, i32
    }}) : ({type_}) -> ({type_}, {type_})
    %y = ttg.convert_layout %s : {type_} -> {tensor(layout, "i32")}
    %z = ttg.convert_layout %d : {type_} -> {tensor(layout, "i32")}"""
    x = numbers((size,), "i32")
    first, second = poison(size, "int32"), poison(size, "int32")
    outputs = [("%y", layout, "i32"), ("%z", layout, "i32")]
    run(kernel([(layout, "i32")], body, outputs), (1,), x, first, second)
    pairs = np.reshape(x, (-1, 2))
    sums, differences = pairs.sum(1, dtype=np.int32), pairs[:, 0] - pairs[:, 1]
    np.testing.assert_array_equal(first, np.ravel(np.stack([sums, pairs[:, 0]], 1)))
    np.testing.assert_array_equal(second, np.ravel(np.stack([differences, pairs[:, 1]], 1)))
