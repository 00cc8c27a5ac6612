"""Indices that a loop needs again: the first of each run is kept, the others are counted."""

from __future__ import annotations

import numpy as np
import pytest

from .support import blocked, module, pointers, poison, run

SIZE = 1024
TURNS = 3


def wrapped_copies(layout: str, dtype: str, index: str) -> str:
    """out[k, e] = x[e'] + e' for each turn k of a loop, where e' = (500 n + e) % n."""
    index_type, values = f"tensor<{SIZE}x{index}, {layout}>", f"tensor<{SIZE}x{dtype}, {layout}>"
    ints, ptrs = f"tensor<{SIZE}xi32, {layout}>", f"tensor<{SIZE}x!tt.ptr<{dtype}>, {layout}>"
    cast = {"i16": "arith.trunci", "i64": "arith.extsi"}.get(index)
    as_index = (
        f"{cast} %wrapped : {ints} to {index_type}"
        if cast
        else f"arith.addi %wrapped, %zero : {ints}"
    )
    to_value = {
        ("i64", "i32"): f"arith.trunci %index : {index_type} to {values}",
        ("i64", "i16"): f"arith.trunci %index : {index_type} to {values}",
        ("i32", "i16"): f"arith.trunci %index : {index_type} to {values}",
        ("i16", "i32"): f"arith.extsi %index : {index_type} to {values}",
    }.get((index, dtype), f"arith.addi %index, %index_zero : {index_type}")
    return module(
        f"""
  tt.func public @copies(%x_ptr: !tt.ptr<{dtype}> {{tt.divisibility = 16 : i32}},
                         %out_ptr: !tt.ptr<{dtype}> {{tt.divisibility = 16 : i32}},
                         %n: i32 {{tt.divisibility = 16 : i32}}) {{
    %zero = arith.constant dense<0> : {ints}
    %index_zero = arith.constant dense<0> : {index_type}
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c500 = arith.constant 500 : i32
    %turns = arith.constant {TURNS} : i32
    %size = arith.constant {SIZE} : i32
    %base = arith.muli %n, %c500 : i32
    %base_all = tt.splat %base : i32 -> {ints}
    %range = tt.make_range {{end = {SIZE} : i32, start = 0 : i32}} : {ints}
    %far = arith.addi %base_all, %range : {ints}
    %n_all = tt.splat %n : i32 -> {ints}
    %wrapped = arith.remsi %far, %n_all : {ints}
    %index = {as_index}
    %value = {to_value}
    scf.for %k = %c0 to %turns step %c1 : i32 {{
      {pointers("%x_ptr", "%wrapped", (SIZE,), dtype, layout)}
      %x = tt.load %wrapped_p : {ptrs}
      %sum = arith.addi %x, %value : {values}
      %start = arith.muli %k, %size : i32
      %start_all = tt.splat %start : i32 -> {ints}
      %at = arith.addi %start_all, %range : {ints}
      {pointers("%out_ptr", "%at", (SIZE,), dtype, layout)}
      tt.store %at_p, %sum : {ptrs}
    }}
    tt.return
  }}""",
        warps=2,
    )


@pytest.mark.parametrize("index", ["i16", "i32", "i64"])
@pytest.mark.parametrize("dtype", ["i16", "i32"])
@pytest.mark.parametrize("run_of", [1, 4, 8, 16])
def test_every_element_of_a_kept_run_is_right(run_of: int, dtype: str, index: str) -> None:
    numpy_type = {"i16": "int16", "i32": "int32"}[dtype]
    source = np.random.default_rng()
    for n in (16, 48, 2000, 2048):
        x = source.integers(-1000, 1000, n).astype(numpy_type)
        out = poison((TURNS, SIZE), numpy_type)
        text = wrapped_copies(blocked([run_of], [32], [2]), dtype, index)
        run(text, (1,), x, out, n)
        wrapped = np.arange(SIZE) % n
        np.testing.assert_array_equal(out, np.tile(x[wrapped] + wrapped, (TURNS, 1)))


def test_one_number_is_kept_for_a_run_of_registers() -> None:
    text = wrapped_copies(blocked([8], [32], [2]), "i16", "i32")
    x, out = np.arange(2048, dtype="int16"), poison((TURNS, SIZE), "int16")
    shader = run(text, (1,), x, out, 2048)
    assert "int wrapped[2];" in shader.source and "short value[2];" in shader.source
