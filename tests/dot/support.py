"""Texts of kernels with dots, and what their results may be off."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..lower.support import Array, blocked, module, pointers, tile

ROWS = blocked([1, 4], [4, 8], [4, 1])
COLUMNS = blocked([4, 1], [8, 4], [1, 4], [0, 1])
SQUARE = blocked([2, 2], [4, 8], [2, 2])


def warped(size: list[int], threads: list[int], warps: int, order: list[int] | None = None) -> str:
    """A blocked layout with all its warps along the first dimension."""
    return blocked(size, threads, [warps, 1], order)


def loaded(name: str, shape: tuple[int, int], dtype: str, layout: str) -> str:
    """Ops that give `%{name}`: a row-major matrix at argument `%{name}_ptr`."""
    type_ = f"tensor<{shape[0]}x{shape[1]}x!tt.ptr<{dtype}>, {layout}>"
    return f"""{tile(shape, layout, name)}
    {pointers(f"%{name}_ptr", f"%{name}_offsets", shape, dtype, layout)}
    %{name} = tt.load %{name}_offsets_p : {type_}"""


def stored(value: str, shape: tuple[int, int], dtype: str, layout: str) -> str:
    """Ops that store a value row-major at argument `%out_ptr`."""
    type_ = f"tensor<{shape[0]}x{shape[1]}x!tt.ptr<{dtype}>, {layout}>"
    return f"""{tile(shape, layout, "out")}
    {pointers("%out_ptr", "%out_offsets", shape, dtype, layout)}
    tt.store %out_offsets_p, {value} : {type_}"""


def operand(index: int, parent: str) -> str:
    """The text of an operand's layout."""
    return f"#ttg.dot_op<{{opIdx = {index}, parent = {parent}}}>"


def dot(name: str, a: str, b: str, c: str, shape: tuple[int, int, int], kinds: str, at: str) -> str:
    """`%name` = %a (in ROWS) times %b (in ROWS) plus %c; `kinds` is "f16 f16 f32"."""
    m, n, k = shape
    kind_a, kind_b, kind_c = kinds.split()
    left, right = operand(0, at), operand(1, at)
    a_type, b_type = f"tensor<{m}x{k}x{kind_a}", f"tensor<{k}x{n}x{kind_b}"
    return f"""
    %{name}_a = ttg.convert_layout {a} : {a_type}, {ROWS}> -> {a_type}, {left}>
    %{name}_b = ttg.convert_layout {b} : {b_type}, {ROWS}> -> {b_type}, {right}>
    %{name} = tt.dot %{name}_a, %{name}_b, {c} : {a_type}, {left}> * {b_type}, {right}> -> tensor<{m}x{n}x{kind_c}, {at}>"""  # noqa: E501


def one_dot(shape: tuple[int, int, int], kinds: str, warps: int = 4) -> str:
    """A kernel: out = a @ b + c."""
    m, n, k = shape
    kind_a, kind_b, kind_c = kinds.split()
    at = warped([2, 2], [4, 8], warps)
    rows = warped([1, 4], [4, 8], warps)
    pointers_ = ", ".join(
        f"%{name}_ptr: !tt.ptr<{kind}> {{tt.divisibility = 16 : i32}}"
        for name, kind in (("a", kind_a), ("b", kind_b), ("c", kind_c), ("out", kind_c))
    )
    text = f"""
  tt.func public @one_dot({pointers_}) {{
    {loaded("a", (m, k), kind_a, rows)}
    {loaded("b", (k, n), kind_b, rows)}
    {loaded("c", (m, n), kind_c, at)}
    {dot("d", "%a", "%b", "%c", shape, kinds, at).replace(ROWS, rows)}
    {stored("%d", (m, n), kind_c, at)}
    tt.return
  }}"""
    return module(text, warps)


def errors(found: Array, exact: Array) -> float:
    """The largest error, relative to the largest exact value."""
    scale = float(np.abs(exact).max()) or 1.0
    return float(np.abs(found.astype(np.float64) - exact).max()) / scale


def random(shape: tuple[int, ...], dtype: Any, seed: int) -> Array:
    """Numbers that the type holds exactly."""
    generator = np.random.default_rng(seed)
    if np.issubdtype(dtype, np.integer):
        return generator.integers(-128, 128, shape).astype(dtype)
    return generator.standard_normal(shape).astype(np.float32).astype(dtype)
