"""A whole matmul, with masks in every dimension, whose sums stay in matrices through the loop."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ..lower.support import Array, blocked, module, poison, run
from .support import errors, operand, random

BLOCK_M, BLOCK_N, BLOCK_K = 32, 64, 32
ROWS = blocked([1, 4], [4, 8], [4, 1])
SQUARE = blocked([4, 4], [2, 16], [4, 1])


def offsets(name: str, start: str, size: int, dim: int) -> str:
    """`%name`: start + 0 .. size-1, along dimension `dim` of a matrix in ROWS."""
    thin = f"tensor<{size}xi32, #ttg.slice<{{dim = {1 - dim}, parent = {ROWS}}}>>"
    shape = f"{size}x1" if dim == 0 else f"1x{size}"
    return f"""
    %{name}_range = tt.make_range {{end = {size} : i32, start = 0 : i32}} : {thin}
    %{name}_start = tt.splat {start} : i32 -> {thin}
    %{name}_thin = arith.addi %{name}_start, %{name}_range : {thin}
    %{name} = tt.expand_dims %{name}_thin {{axis = {1 - dim} : i32}} : {thin} -> tensor<{shape}xi32, {ROWS}>"""  # noqa: E501


def masked(name: str, shape: tuple[int, int], rows: str, columns: str, limits: str) -> str:
    """`%name_at` and `%name_mask`: offsets in a row-major matrix of limits[1] columns."""
    m, n = shape
    full = f"{m}x{n}"
    high, wide = limits.split()
    parts: list[str] = []
    for at, size, value, limit in (("r", f"{m}x1", rows, high), ("c", f"1x{n}", columns, wide)):
        parts.append(f"""
    %{name}_{at}l = tt.splat {limit} : i32 -> tensor<{size}xi32, {ROWS}>
    %{name}_{at}i = arith.cmpi slt, {value}, %{name}_{at}l : tensor<{size}xi32, {ROWS}>
    %{name}_{at}m = tt.broadcast %{name}_{at}i : tensor<{size}xi1, {ROWS}> -> tensor<{full}xi1, {ROWS}>""")  # noqa: E501
    return f"""{"".join(parts)}
    %{name}_mask = arith.andi %{name}_rm, %{name}_cm : tensor<{full}xi1, {ROWS}>
    %{name}_w = tt.splat {wide} : i32 -> tensor<{m}x1xi32, {ROWS}>
    %{name}_s = arith.muli {rows}, %{name}_w : tensor<{m}x1xi32, {ROWS}>
    %{name}_sb = tt.broadcast %{name}_s : tensor<{m}x1xi32, {ROWS}> -> tensor<{full}xi32, {ROWS}>
    %{name}_cb = tt.broadcast {columns} : tensor<1x{n}xi32, {ROWS}> -> tensor<{full}xi32, {ROWS}>
    %{name}_at = arith.addi %{name}_sb, %{name}_cb : tensor<{full}xi32, {ROWS}>
    %{name}_base = tt.splat %{name}_ptr : !tt.ptr<KIND> -> tensor<{full}x!tt.ptr<KIND>, {ROWS}>
    %{name}_p = tt.addptr %{name}_base, %{name}_at : tensor<{full}x!tt.ptr<KIND>, {ROWS}>, tensor<{full}xi32, {ROWS}>"""  # noqa: E501


def matmul(kind: str) -> str:
    """c = a @ b in blocks; program (x, y) has block (x, y)."""
    m, n, k = BLOCK_M, BLOCK_N, BLOCK_K
    left, right = operand(0, SQUARE), operand(1, SQUARE)
    sums = f"tensor<{m}x{n}xf32, {SQUARE}>"
    a, b = f"tensor<{m}x{k}x{kind}", f"tensor<{k}x{n}x{kind}"
    out = f"tensor<{m}x{n}x{kind}"
    narrow = "" if kind == "f32" else f"%narrow = arith.truncf %sums : {sums} to {out}, {SQUARE}>"
    value = "%sums" if kind == "f32" else "%narrow"
    pointers = ", ".join(
        f"%{name}_ptr: !tt.ptr<{kind}> {{tt.divisibility = 16 : i32}}" for name in "abc"
    )
    return module(f"""
  tt.func public @matmul({pointers}, %M: i32, %N: i32, %K: i32) {{
    %zero = arith.constant dense<0.0> : {sums}
    %a_zero = arith.constant dense<0.0> : {a}, {ROWS}>
    %b_zero = arith.constant dense<0.0> : {b}, {ROWS}>
    %first = arith.constant 0 : i32
    %step = arith.constant {k} : i32
    %high = arith.constant {m} : i32
    %wide = arith.constant {n} : i32
    %x = tt.get_program_id x : i32
    %y = tt.get_program_id y : i32
    %m0 = arith.muli %x, %high : i32
    %n0 = arith.muli %y, %wide : i32
    {offsets("ms", "%m0", m, 0)}
    {offsets("ns", "%n0", n, 1)}
    %sums = scf.for %k0 = %first to %K step %step iter_args(%acc = %zero) -> ({sums}) : i32 {{
      {offsets("ka", "%k0", k, 1)}
      {offsets("kb", "%k0", k, 0)}
      {masked("a", (m, k), "%ms", "%ka", "%M %K").replace("KIND", kind)}
      {masked("b", (k, n), "%kb", "%ns", "%K %N").replace("KIND", kind)}
      %a = tt.load %a_p, %a_mask, %a_zero : tensor<{m}x{k}x!tt.ptr<{kind}>, {ROWS}>
      %b = tt.load %b_p, %b_mask, %b_zero : tensor<{k}x{n}x!tt.ptr<{kind}>, {ROWS}>
      %a1 = ttg.convert_layout %a : {a}, {ROWS}> -> {a}, {left}>
      %b1 = ttg.convert_layout %b : {b}, {ROWS}> -> {b}, {right}>
      %next = tt.dot %a1, %b1, %acc : {a}, {left}> * {b}, {right}> -> {sums}
      scf.yield %next : {sums}
    }}
    {narrow}
    {masked("c", (m, n), "%ms", "%ns", "%M %N").replace("KIND", kind)}
    %out = ttg.convert_layout {value} : {out}, {SQUARE}> -> {out}, {ROWS}>
    tt.store %c_p, %out, %c_mask : tensor<{m}x{n}x!tt.ptr<{kind}>, {ROWS}>
    tt.return
  }}""")


@pytest.mark.parametrize(
    "sizes",
    [(32, 64, 32), (64, 128, 96), (1, 1, 1), (33, 65, 31), (50, 7, 100), (7, 130, 3)],
    ids=str,
)
@pytest.mark.parametrize("kind", ["f32", "f16"])
@pytest.mark.parametrize("target", ["m1", "m3"])
def test_sizes(target: str, kind: str, sizes: tuple[int, int, int]) -> None:
    """Any size: what is outside is neither read nor written."""
    m, n, k = sizes
    dtype = "f4" if kind == "f32" else "f2"
    a, b = random((m, k), dtype, 1), random((k, n), dtype, 2)
    out = poison((m, n), dtype)
    grid = (-(-m // BLOCK_M), -(-n // BLOCK_N))
    run(matmul(kind), grid, a, b, out, m, n, k, target=target)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    single: Array = (a.astype(np.float32) @ b.astype(np.float32)).astype(dtype)
    assert errors(out, exact) <= 2 * errors(single, exact) + 2e-7


def test_loop_keeps_sums_in_matrices() -> None:
    """Two barriers a step, no copy of the sums, and no change of layout behind the loop."""
    m, n, k = 32, 64, 64
    a, b, out = random((m, k), "f4", 1), random((k, n), "f4", 2), poison((m, n), "f4")
    source = run(matmul("f32"), (1, 1), a, b, out, m, n, k).source
    assert source.count("threadgroup_barrier") == 2
    assert len(re.findall(r"threadgroup \w+ \w+\[", source)) == 2
    assert source.count("simdgroup_float8x8") == 3  # sums, a and b
