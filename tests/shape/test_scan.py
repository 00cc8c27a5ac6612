"""tt.scan along any axis, in both directions, over any layout, with any combine block."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

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

COMBINES: dict[str, tuple[str, Callable[..., Array]]] = {
    "arith.addi": ("arith.addi", np.cumsum),
    "arith.maxsi": ("arith.maxsi", np.maximum.accumulate),
    "arith.xori": ("arith.xori", np.bitwise_xor.accumulate),
    "arith.addf": ("arith.addf", np.cumsum),
}


def scan(layout: Layout, dtype: str, axis: int, reverse: bool, combine: str) -> str:
    """One operand, one op as combine block."""
    type_ = tensor(layout, dtype)
    body = f"""
    %y = "tt.scan"(%x0) <{{axis = {axis} : i32, reverse = {str(reverse).lower()}}}> ({{
    ^bb0(%a: {dtype}, %b: {dtype}):
      %c = {combine} %a, %b : {dtype}
      tt.scan.return %c : {dtype}
    }}) : ({type_}) -> {type_}"""
    return body


def scanned(x: Array, axis: int, reverse: bool, function: Callable[..., Array]) -> Array:
    """What numpy makes of it."""
    if reverse:
        return np.flip(function(np.flip(x, axis), axis=axis), axis)
    return function(x, axis=axis)


def check(
    layout: Layout,
    axis: int,
    reverse: bool,
    dtype: str = "i32",
    combine: str = "arith.addi",
    warps: int = 4,
    lanes: int = 32,
) -> str:
    """Run a scan and compare; gives the MSL."""
    x = numbers(layout.shape, dtype, -3, 4)
    out = poison(layout.shape, NUMPY[dtype])
    body = scan(layout, dtype, axis, reverse, combine)
    text = kernel([(layout, dtype)], body, [("%y", layout, dtype)], warps, lanes)
    shader = run(text, (1,), x, out)
    function = COMBINES[combine][1]
    kind = {"dtype": x.dtype} if function is np.cumsum else {}
    with np.errstate(over="ignore"):
        expected = scanned(x, axis, reverse, partial(function, **kind))
    np.testing.assert_array_equal(out, expected)
    return shader.source


BLOCKED = {
    "row": blocked_layout((1024,), [4], [32], [4]),
    "row of more threads than elements": blocked_layout((64,), [1], [32], [4]),
    "row with repeats": blocked_layout((2048,), [2], [32], [4]),
    "rows": blocked_layout((16, 64), [1, 4], [4, 8], [4, 1]),
    "columns": blocked_layout((64, 16), [4, 1], [8, 4], [1, 4], [0, 1]),
    "square": blocked_layout((32, 64), [2, 2], [4, 8], [2, 2]),
    "one element": blocked_layout((1, 8), [1, 1], [1, 32], [4, 1]),
    "three dimensions": blocked_layout((4, 8, 16), [1, 2, 2], [2, 4, 4], [2, 2, 1], [2, 0, 1]),
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", BLOCKED)
def test_blocked_layouts(name: str, reverse: bool) -> None:
    layout = BLOCKED[name]
    for axis in range(len(layout.shape)):
        check(layout, axis, reverse)


@pytest.mark.parametrize("seed", range(16))
def test_linear_layouts(seed: int) -> None:
    source = random.Random(seed)
    shape = source.choice([(256,), (16, 32), (4, 8, 16), (2, 4, 4, 8), (2, 2, 4, 4, 8)])
    layout = linear_layout(shape, source)
    check(layout, source.randrange(len(shape)), seed % 2 == 1)


@pytest.mark.parametrize("seed", range(6))
def test_layouts_that_mix_dimensions(seed: int) -> None:
    source = random.Random(seed)
    layout = mixed_layout((16, 32), source)
    check(layout, seed % 2, seed % 3 == 1)


@pytest.mark.parametrize("reverse", [False, True])
def test_waves_of_64_lanes(reverse: bool) -> None:
    check(blocked_layout((1024,), [2], [64], [2]), 0, reverse, warps=2, lanes=64)
    check(blocked_layout((16, 64), [1, 1], [1, 64], [2, 1]), 1, reverse, warps=2, lanes=64)


@pytest.mark.parametrize("dtype", ["i1", "i8", "i16", "i64", "f16", "f32"])
def test_element_types(dtype: str) -> None:
    combine = "arith.xori" if dtype == "i1" else "arith.addf" if dtype[0] == "f" else "arith.addi"
    check(BLOCKED["rows"], 1, False, dtype, combine)


# A row of a 2x2 matrix product is associative and does not commute: [a b; 0 1] is the map a x + b.
AFFINE = """
    ^bb0(%a0: i32, %b0: i32, %a1: i32, %b1: i32):
      %a = arith.muli %a0, %a1 : i32
      %m = arith.muli %a1, %b0 : i32
      %b = arith.addi %m, %b1 : i32
      tt.scan.return %a, %b : i32, i32
"""


def turned(x: Array, axis: int, reverse: bool) -> Array:
    """A copy with the axis first, in the order of the scan."""
    directed: Array = np.flip(x, axis) if reverse else x
    return np.array(np.moveaxis(directed, axis, 0))


def affine(first: Array, second: Array, axis: int, reverse: bool) -> tuple[Array, Array]:
    """The compositions of the maps, the first one innermost."""
    a, b = turned(first, axis, reverse), turned(second, axis, reverse)
    with np.errstate(over="ignore"):
        for i in range(1, len(a)):
            b[i] = a[i] * b[i - 1] + b[i]
            a[i] = a[i - 1] * a[i]
    a, b = np.moveaxis(a, 0, axis), np.moveaxis(b, 0, axis)
    return (np.flip(a, axis), np.flip(b, axis)) if reverse else (a, b)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["row with repeats", "square", "three dimensions"])
def test_the_order_of_operands_is_kept(name: str, reverse: bool) -> None:
    layout = BLOCKED[name]
    axis = len(layout.shape) - 1
    type_ = tensor(layout, "i32")
    body = f"""
    %y, %z = "tt.scan"(%x0, %x1) <{{axis = {axis} : i32, reverse = {str(reverse).lower()}}}> ({{
    {AFFINE}
    }}) : ({type_}, {type_}) -> ({type_}, {type_})"""
    a, b = (numbers(layout.shape, "i32") for _ in range(2))
    first, second = (poison(layout.shape, "int32") for _ in range(2))
    inputs = [(layout, "i32")] * 2
    outputs = [("%y", layout, "i32"), ("%z", layout, "i32")]
    run(kernel(inputs, body, outputs), (1,), a, b, first, second)
    for out, expected in zip((first, second), affine(a, b, axis, reverse), strict=True):
        np.testing.assert_array_equal(out, expected)


def test_a_branch_in_the_combine_block() -> None:
    """The last element that is not zero: associative, and it does not commute."""
    layout = BLOCKED["square"]
    type_ = tensor(layout, "i32")
    body = f"""
    %y = "tt.scan"(%x0) <{{axis = 1 : i32, reverse = false}}> ({{
    ^bb0(%a: i32, %b: i32):
      %zero = arith.constant 0 : i32
      %is = arith.cmpi ne, %b, %zero : i32
      %c = scf.if %is -> (i32) {{
        scf.yield %b : i32
      }} else {{
        scf.yield %a : i32
      }}
      tt.scan.return %c : i32
    }}) : ({type_}) -> {type_}"""
    x = numbers(layout.shape, "i32", 0, 3)
    out = poison(layout.shape, "int32")
    run(kernel([(layout, "i32")], body, [("%y", layout, "i32")]), (1,), x, out)
    expected: Array = np.array(x)
    for i in range(1, x.shape[1]):
        expected[:, i] = np.where(x[:, i] != 0, x[:, i], expected[:, i - 1])
    np.testing.assert_array_equal(out, expected)


def test_the_size_follows_the_ops_and_not_the_tile() -> None:
    small, large = (
        check(blocked_layout((size,), [4], [32], [4]), 0, False).count("\n")
        for size in (1024, 8192)
    )
    assert abs(large - small) <= 0.2 * small
