"""tt.reduce of any rank, axis, layout and combine block, with results in any layout."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from ..lower.support import Array, poison, run
from .support import (
    NUMPY,
    Layout,
    blocked_layout,
    kernel,
    linear_layout,
    mixed_layout,
    numbers,
    tensor,
)


def unsigned_minimum(x: Array, axis: int) -> Array:
    """The minimum of the bits read without a sign."""
    flipped = x ^ np.iinfo(x.dtype).min
    return np.asarray(np.min(flipped, axis=axis) ^ np.iinfo(x.dtype).min)


def exclusive_or(x: Array, axis: int) -> Array:
    """Of bits along an axis."""
    return np.asarray(np.sum(x, axis=axis) % 2)


COMBINES: dict[str, Callable[..., Array]] = {
    "arith.addi": np.sum,
    "arith.addf": np.sum,
    "arith.maxsi": np.max,
    "arith.minui": unsigned_minimum,
    "arith.xori": exclusive_or,
    "arith.maxnumf": np.max,
    "arith.minimumf": np.min,
    "arith.mulf": np.prod,
}


def reduce(layout: Layout, dtype: str, axis: int, combine: str, result: Layout) -> str:
    """One operand, one op as combine block."""
    return f"""
    %y = "tt.reduce"(%x0) <{{axis = {axis} : i32}}> ({{
    ^bb0(%a: {dtype}, %b: {dtype}):
      %c = {combine} %a, %b : {dtype}
      tt.reduce.return %c : {dtype}
    }}) : ({tensor(layout, dtype)}) -> {tensor(result, dtype)}"""


def without(layout: Layout, axis: int) -> Layout:
    """What Triton infers for the result: the operand's slice."""

    def drop(basis: tuple[int, ...]) -> tuple[int, ...]:
        return (*basis[:axis], *basis[axis + 1 :])

    def copies(basis: tuple[int, ...]) -> tuple[int, ...]:
        return (0,) * (len(basis) - 1) if basis[axis] else drop(basis)

    return Layout(
        drop(layout.shape),
        tuple(drop(basis) for basis in layout.registers if not basis[axis]),
        tuple(copies(basis) for basis in layout.lanes),
        tuple(copies(basis) for basis in layout.warps),
    )


def check(
    layout: Layout,
    axis: int,
    dtype: str = "i32",
    combine: str = "arith.addi",
    result: Layout | None = None,
    warps: int = 4,
    lanes: int = 32,
) -> str:
    """Run a reduction and compare; gives the MSL."""
    result = result or without(layout, axis)
    x = numbers(layout.shape, dtype, -3, 4)
    out = poison(result.shape, NUMPY[dtype])
    body = reduce(layout, dtype, axis, combine, result)
    shader = run(
        kernel([(layout, dtype)], body, [("%y", result, dtype)], warps, lanes), (1,), x, out
    )
    with np.errstate(over="ignore"):
        expected = COMBINES[combine](x, axis=axis).astype(x.dtype)
    np.testing.assert_array_equal(out, expected)
    return shader.source


@pytest.mark.parametrize("seed", range(16))
def test_linear_layouts(seed: int) -> None:
    source = random.Random(seed)
    shape = source.choice([(16, 32), (4, 8, 16), (2, 4, 4, 8), (2, 2, 4, 4, 8)])
    layout = linear_layout(shape, source)
    check(layout, source.randrange(len(shape)))


@pytest.mark.parametrize("seed", range(6))
def test_layouts_that_mix_dimensions(seed: int) -> None:
    source = random.Random(seed)
    layout = mixed_layout((16, 64), source)
    result = linear_layout((64,) if seed % 2 == 0 else (16,), source)
    check(layout, seed % 2, result=result)


@pytest.mark.parametrize("seed", range(4))
def test_the_result_may_have_any_layout(seed: int) -> None:
    source = random.Random(seed)
    layout = blocked_layout((32, 64), [2, 2], [4, 8], [2, 2])
    check(layout, 0, result=linear_layout((64,), source))


@pytest.mark.parametrize("axis", [0, 1])
def test_waves_of_64_lanes(axis: int) -> None:
    check(blocked_layout((16, 128), [1, 2], [1, 64], [2, 1]), axis, warps=2, lanes=64)
    check(blocked_layout((128, 16), [1, 1], [16, 4], [4, 1]), axis, lanes=64)


KINDS = [
    ("i1", "arith.xori"),
    ("i8", "arith.minui"),
    ("i16", "arith.maxsi"),
    ("i64", "arith.addi"),
    ("i64", "arith.maxsi"),
    ("f16", "arith.addf"),
    ("f16", "arith.maxnumf"),
    ("f32", "arith.minimumf"),
    ("f32", "arith.mulf"),
]


@pytest.mark.parametrize(("dtype", "combine"), KINDS)
def test_element_types(dtype: str, combine: str) -> None:
    check(blocked_layout((8, 64), [1, 2], [2, 16], [4, 1]), 1, dtype, combine)
    check(blocked_layout((64, 8), [2, 1], [8, 4], [4, 1]), 0, dtype, combine)


@pytest.mark.parametrize("axis", [0, 1])
def test_tiles_far_over_1024_elements(axis: int) -> None:
    check(blocked_layout((128, 128), [1, 4], [1, 32], [4, 1]), axis)


def test_more_partial_results_than_threadgroup_memory() -> None:
    """8192 sums over 4 SIMD-groups: they go to lanes first."""
    check(blocked_layout((4, 8192), [1, 4], [1, 32], [4, 1]), 0)


LARGEST_AND_WHERE = """
    ^bb0(%v0: i32, %i0: i64, %v1: i32, %i1: i64):
      %greater = arith.cmpi sgt, %v0, %v1 : i32
      %equal = arith.cmpi eq, %v0, %v1 : i32
      %r:2 = scf.if %greater -> (i32, i64) {
        scf.yield %v0, %i0 : i32, i64
      } else {
        %least = arith.minsi %i0, %i1 : i64
        %where = arith.select %equal, %least, %i1 : i64
        scf.yield %v1, %where : i32, i64
      }
      tt.reduce.return %r#0, %r#1 : i32, i64
"""


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_branches_and_several_operands(axis: int) -> None:
    layout = blocked_layout((8, 16, 8), [1, 2, 2], [2, 4, 4], [4, 1, 1])
    result = without(layout, axis)
    operands = f"({tensor(layout, 'i32')}, {tensor(layout, 'i64')})"
    results = f"({tensor(result, 'i32')}, {tensor(result, 'i64')})"
    body = f"""
    %y, %z = "tt.reduce"(%x0, %x1) <{{axis = {axis} : i32}}> ({{{LARGEST_AND_WHERE}
    }}) : {operands} -> {results}"""
    x = numbers(layout.shape, "i32", 0, 5)
    where = np.indices(layout.shape)[axis].astype(np.int64)
    largest, index = poison(result.shape, "int32"), poison(result.shape, "int64")
    inputs, outputs = (
        [(layout, "i32"), (layout, "i64")],
        [("%y", result, "i32"), ("%z", result, "i64")],
    )
    run(kernel(inputs, body, outputs), (1,), x, where, largest, index)
    np.testing.assert_array_equal(largest, x.max(axis))
    np.testing.assert_array_equal(index, x.argmax(axis))


def test_a_call_in_the_combine_block() -> None:
    layout = blocked_layout((1024,), [4], [32], [4])
    function = """
  tt.func private @larger(%a: i32, %b: i32) -> i32 attributes {noinline = true} {
    %c = arith.cmpi sgt, %a, %b : i32
    cf.cond_br %c, ^first, ^second
  ^first:
    tt.return %a : i32
  ^second:
    tt.return %b : i32
  }"""
    out_layout = blocked_layout((1,), [1], [32], [4])
    body = f"""
    %s = "tt.reduce"(%x0) <{{axis = 0 : i32}}> ({{
    ^bb0(%a: i32, %b: i32):
      %c = tt.call @larger(%a, %b) : (i32, i32) -> i32
      tt.reduce.return %c : i32
    }}) : ({tensor(layout, "i32")}) -> i32
    %y = tt.splat %s : i32 -> {tensor(out_layout, "i32")}"""
    x, out = numbers((1024,), "i32"), poison(1, "int32")
    text = kernel([(layout, "i32")], body, [("%y", out_layout, "i32")], functions=function)
    run(text, (1,), x, out)
    assert out[0] == x.max()


def test_the_size_follows_the_ops_and_not_the_tile() -> None:
    small, large = (
        check(blocked_layout((size, 64), [1, 4], [2, 16], [4, 1]), 0).count("\n")
        for size in (64, 512)
    )
    assert abs(large - small) <= 0.2 * small
