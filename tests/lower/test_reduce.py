"""Reductions over any axis, layout, type and combine block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .support import Array, blocked, module, pointers, poison, run, tile
from .test_convert_layout import LAYOUTS


def folded(function: Any) -> Callable[..., Array]:
    """The reduction by a ufunc."""
    return function.reduce


FLOAT_COMBINES: dict[str, tuple[str, Callable[..., Array]]] = {
    "sum": ("arith.addf", np.sum),
    "max": ("arith.maxnumf", np.max),
    "min": ("arith.minnumf", np.min),
}
INTEGER_COMBINES: dict[str, tuple[str, Callable[..., Array]]] = {
    "sum": ("arith.addi", np.sum),
    "max": ("arith.maxsi", np.max),
    "min": ("arith.minsi", np.min),
    "xor": ("arith.xori", folded(np.bitwise_xor)),
    "and": ("arith.andi", folded(np.bitwise_and)),
    "or": ("arith.ori", folded(np.bitwise_or)),
}


def reduce_kernel(shape: tuple[int, int], axis: int, dtype: str, combine: str, layout: str) -> str:
    """Load a tile, reduce one axis, store the vector that is left."""
    rows, cols = shape
    left = shape[1 - axis]
    tensor = f"tensor<{rows}x{cols}x{dtype}, {layout}>"
    ptr = f"tensor<{rows}x{cols}x!tt.ptr<{dtype}>, {layout}>"
    sliced = f"#ttg.slice<{{dim = {axis}, parent = {layout}}}>"
    return module(f"""
  tt.func public @reduce(%x_ptr: !tt.ptr<{dtype}>, %out_ptr: !tt.ptr<{dtype}>) {{
    {tile(shape, layout, "a")}
    {pointers("%x_ptr", "%a_offsets", shape, dtype, layout)}
    %x = tt.load %a_offsets_p : {ptr}
    %total = "tt.reduce"(%x) <{{axis = {axis} : i32}}> ({{
    ^bb0(%a: {dtype}, %b: {dtype}):
      %c = {combine} %a, %b : {dtype}
      tt.reduce.return %c : {dtype}
    }}) : ({tensor}) -> tensor<{left}x{dtype}, {sliced}>
    %places = tt.make_range {{end = {left} : i32, start = 0 : i32}} : tensor<{left}xi32, {sliced}>
    {pointers("%out_ptr", "%places", (left,), dtype, sliced)}
    tt.store %places_p, %total : tensor<{left}x!tt.ptr<{dtype}>, {sliced}>
    tt.return
  }}""")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("kind", FLOAT_COMBINES)
def test_float(kind: str, axis: int, layout: str) -> None:
    combine, reference = FLOAT_COMBINES[kind]
    x = np.random.default_rng().standard_normal((32, 32)).astype(np.float32)
    out = poison(32, "float32")
    run(reduce_kernel((32, 32), axis, "f32", combine, LAYOUTS[layout]), (1,), x, out)
    expected = reference(x.astype(np.float64), axis=axis)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-5 * np.abs(x).sum(axis).max())


@pytest.mark.parametrize("dtype", ["i8", "i16", "i32", "i64"])
@pytest.mark.parametrize("kind", INTEGER_COMBINES)
def test_integer(kind: str, dtype: str) -> None:
    combine, reference = INTEGER_COMBINES[kind]
    name = f"int{dtype[1:]}"
    bounds = np.iinfo(name)
    x = np.random.default_rng().integers(bounds.min, bounds.max, (16, 64), name)
    out = poison(16, name)
    run(reduce_kernel((16, 64), 1, dtype, combine, LAYOUTS["rows"]), (1,), x, out)
    with np.errstate(over="ignore"):
        expected = reference(x, axis=1, **({"dtype": name} if kind == "sum" else {}))
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("shape", [(1, 4), (2, 1), (4, 512), (256, 16), (1, 1024)])
@pytest.mark.parametrize("axis", [0, 1])
def test_shapes(shape: tuple[int, int], axis: int) -> None:
    x = np.random.default_rng().standard_normal(shape).astype(np.float32)
    out = poison(shape[1 - axis], "float32")
    run(reduce_kernel(shape, axis, "f32", "arith.addf", LAYOUTS["rows"]), (1,), x, out)
    expected = x.astype(np.float64).sum(axis)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-5 * np.abs(x).sum(axis).max())


def test_nan_is_ignored_by_maxnumf_unless_there_is_nothing_else() -> None:
    x = np.random.default_rng().standard_normal((32, 32)).astype(np.float32)
    x[3, 5] = x[7] = np.nan
    out = poison(32, "float32")
    run(reduce_kernel((32, 32), 1, "f32", "arith.maxnumf", LAYOUTS["rows"]), (1,), x, out)
    np.testing.assert_array_equal(out, folded(np.fmax)(x, axis=1))


ARGMAX = """
    ^bb0(%v0: f32, %i0: i32, %v1: f32, %i1: i32):
      %greater = arith.cmpf ogt, %v0, %v1 : f32
      %equal = arith.cmpf oeq, %v0, %v1 : f32
      %before = arith.cmpi slt, %i0, %i1 : i32
      %tie = arith.andi %equal, %before : i1
      %left = arith.ori %greater, %tie : i1
      %v = arith.select %left, %v0, %v1 : f32
      %i = arith.select %left, %i0, %i1 : i32
      tt.reduce.return %v, %i : f32, i32
"""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_combine_block_of_two_values(layout: str) -> None:
    shape, encoding = (32, 32), LAYOUTS[layout]
    sliced = f"#ttg.slice<{{dim = 1, parent = {encoding}}}>"
    text = module(f"""
  tt.func public @argmax(%x_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<i32>) {{
    {tile(shape, encoding, "a")}
    {pointers("%x_ptr", "%a_offsets", shape, "f32", encoding)}
    %x = tt.load %a_offsets_p : tensor<32x32x!tt.ptr<f32>, {encoding}>
    %value, %index = "tt.reduce"(%x, %a_cb) <{{axis = 1 : i32}}> ({{{ARGMAX}
    }}) : (tensor<32x32xf32, {encoding}>, tensor<32x32xi32, {encoding}>)
        -> (tensor<32xf32, {sliced}>, tensor<32xi32, {sliced}>)
    %places = tt.make_range {{end = 32 : i32, start = 0 : i32}} : tensor<32xi32, {sliced}>
    {pointers("%out_ptr", "%places", (32,), "i32", sliced)}
    tt.store %places_p, %index : tensor<32x!tt.ptr<i32>, {sliced}>
    tt.return
  }}""")
    x = np.random.default_rng().integers(0, 9, shape).astype(np.float32)
    out = poison(32, "int32")
    run(text, (1,), x, out)
    np.testing.assert_array_equal(out, x.argmax(axis=1))


def test_a_scalar_result_is_the_same_for_all_threads() -> None:
    layout = blocked([4], [32], [4])
    text = module(f"""
  tt.func public @normalise(%x_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>) {{
    %at = tt.make_range {{end = 1024 : i32, start = 0 : i32}} : tensor<1024xi32, {layout}>
    {pointers("%x_ptr", "%at", (1024,), "f32", layout)}
    %x = tt.load %at_p : tensor<1024x!tt.ptr<f32>, {layout}>
    %total = "tt.reduce"(%x) <{{axis = 0 : i32}}> ({{
    ^bb0(%a: f32, %b: f32):
      %c = arith.addf %a, %b : f32
      tt.reduce.return %c : f32
    }}) : (tensor<1024xf32, {layout}>) -> f32
    %all = tt.splat %total : f32 -> tensor<1024xf32, {layout}>
    %y = arith.divf %x, %all : tensor<1024xf32, {layout}>
    %out = tt.splat %out_ptr : !tt.ptr<f32> -> tensor<1024x!tt.ptr<f32>, {layout}>
    %out_p = tt.addptr %out, %at : tensor<1024x!tt.ptr<f32>, {layout}>, tensor<1024xi32, {layout}>
    tt.store %out_p, %y : tensor<1024x!tt.ptr<f32>, {layout}>
    tt.return
  }}""")
    x = np.random.default_rng().random(1024).astype(np.float32)
    out = poison(1024, "float32")
    run(text, (1,), x, out)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(out, exact / exact.sum(), rtol=1e-5)
