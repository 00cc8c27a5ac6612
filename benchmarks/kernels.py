"""The kernels that the benchmarks share, and how each is compiled."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false, reportInvalidTypeForm=false
# pyright: reportOptionalSubscript=false, reportIndexIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false, reportCallIssue=false, reportArgumentType=false
# ruff: noqa: N803 - Triton's habit: compile-time constants in capitals

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import triton
import triton.language as tl


@triton.jit
def vector_add(x_ptr, y_ptr, out_ptr, n_elements, BLOCK: tl.constexpr):
    """out = x + y, BLOCK elements a program."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask)
    y = tl.load(y_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x + y, mask=mask)


@triton.jit
def softmax(out_ptr, x_ptr, out_stride, x_stride, n_cols, BLOCK: tl.constexpr):
    """The softmax of one row a program; a row fits a block."""
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    mask = columns < n_cols
    x = tl.load(x_ptr + row * x_stride + columns, mask=mask, other=-float("inf"))
    numerator = tl.exp(x - tl.max(x, axis=0))
    result = numerator / tl.sum(numerator, axis=0)
    tl.store(out_ptr + row * out_stride + columns, result, mask=mask)


@triton.jit
def layer_norm(
    x_ptr, out_ptr, weight_ptr, bias_ptr, mean_ptr, rstd_ptr, stride, n_cols, eps,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Layer norm of one row a program, in three runs over it; keeps mean and 1 / deviation."""
    row = tl.program_id(0)
    x_ptr += row * stride
    out_ptr += row * stride
    total = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, n_cols, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        total += tl.load(x_ptr + columns, mask=columns < n_cols, other=0.0).to(tl.float32)
    mean = tl.sum(total, axis=0) / n_cols
    squares = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, n_cols, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + columns, mask=columns < n_cols, other=0.0).to(tl.float32)
        centred = tl.where(columns < n_cols, x - mean, 0.0)
        squares += centred * centred
    rstd = 1 / tl.sqrt(tl.sum(squares, axis=0) / n_cols + eps)
    tl.store(mean_ptr + row, mean)
    tl.store(rstd_ptr + row, rstd)
    for start in range(0, n_cols, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        mask = columns < n_cols
        weight = tl.load(weight_ptr + columns, mask=mask)
        bias = tl.load(bias_ptr + columns, mask=mask)
        x = tl.load(x_ptr + columns, mask=mask, other=0.0).to(tl.float32)
        tl.store(out_ptr + columns, (x - mean) * rstd * weight + bias, mask=mask)


@triton.jit
def matmul(
    a_ptr, b_ptr, c_ptr, m, n, k, stride_am, stride_bk, stride_cm,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, GROUP_M: tl.constexpr,
):  # fmt: skip
    """c = a @ b, a tile of c a program; programs of GROUP_M rows of tiles run together."""
    program = tl.program_id(0)
    tiles_m, tiles_n = tl.cdiv(m, BLOCK_M), tl.cdiv(n, BLOCK_N)
    group_size = GROUP_M * tiles_n
    first = (program // group_size) * GROUP_M
    height = min(tiles_m - first, GROUP_M)
    tile_m = first + (program % height)
    tile_n = (program % group_size) // height
    rows = (tile_m * BLOCK_M + tl.arange(0, BLOCK_M)) % m
    columns = (tile_n * BLOCK_N + tl.arange(0, BLOCK_N)) % n
    steps = tl.arange(0, BLOCK_K)
    a_ptrs = a_ptr + (rows[:, None] * stride_am + steps[None, :])
    b_ptrs = b_ptr + (steps[:, None] * stride_bk + columns[None, :])
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, tl.cdiv(k, BLOCK_K)):
        a = tl.load(a_ptrs, mask=steps[None, :] < k - start * BLOCK_K, other=0.0)
        b = tl.load(b_ptrs, mask=steps[:, None] < k - start * BLOCK_K, other=0.0)
        total += tl.dot(a, b)
        a_ptrs += BLOCK_K
        b_ptrs += BLOCK_K * stride_bk
    rows = tile_m * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tile_n * BLOCK_N + tl.arange(0, BLOCK_N)
    mask = (rows[:, None] < m) & (columns[None, :] < n)
    c_ptrs = c_ptr + stride_cm * rows[:, None] + columns[None, :]
    tl.store(c_ptrs, total.to(tl.float16), mask=mask)


@triton.jit
def flash_attention(
    q_ptr, k_ptr, v_ptr, scale, sums_ptr, out_ptr, length,
    HEAD_DIM: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """Causal attention: the blocks below the diagonal, then those on it, which are masked."""
    start_m = tl.program_id(0)
    head = tl.program_id(1)
    base = head.to(tl.int64) * length * HEAD_DIM
    rows = start_m * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.arange(0, BLOCK_N)
    depth = tl.arange(0, HEAD_DIM)
    q = tl.load(q_ptr + base + rows[:, None] * HEAD_DIM + depth[None, :])
    k_ptrs = k_ptr + base + columns[None, :] * HEAD_DIM + depth[:, None]
    v_ptrs = v_ptr + base + columns[:, None] * HEAD_DIM + depth[None, :]
    largest = tl.zeros([BLOCK_M], dtype=tl.float32) - float("inf")
    total = tl.zeros([BLOCK_M], dtype=tl.float32) + 1.0
    out = tl.zeros([BLOCK_M, HEAD_DIM], dtype=tl.float32)
    scale = scale * 1.44269504
    for start_n in range(0, start_m * BLOCK_M, BLOCK_N):
        k = tl.load(k_ptrs + start_n * HEAD_DIM)
        scores = tl.dot(q, k)
        larger = tl.maximum(largest, tl.max(scores, 1) * scale)
        weights = tl.math.exp2(scores * scale - larger[:, None])
        shrink = tl.math.exp2(largest - larger)
        total = total * shrink + tl.sum(weights, 1)
        out = out * shrink[:, None]
        v = tl.load(v_ptrs + start_n * HEAD_DIM)
        out += tl.dot(weights.to(tl.float16), v)
        largest = larger
    for start_n in range(start_m * BLOCK_M, (start_m + 1) * BLOCK_M, BLOCK_N):
        k = tl.load(k_ptrs + start_n * HEAD_DIM)
        seen = rows[:, None] >= (start_n + columns[None, :])
        scores = tl.dot(q, k) * scale + tl.where(seen, 0, -1.0e6)
        larger = tl.maximum(largest, tl.max(scores, 1))
        weights = tl.math.exp2(scores - larger[:, None])
        shrink = tl.math.exp2(largest - larger)
        total = total * shrink + tl.sum(weights, 1)
        out = out * shrink[:, None]
        v = tl.load(v_ptrs + start_n * HEAD_DIM)
        out += tl.dot(weights.to(tl.float16), v)
        largest = larger
    tl.store(sums_ptr + head * length + rows, largest + tl.math.log2(total))
    out_ptrs = out_ptr + base + rows[:, None] * HEAD_DIM + depth[None, :]
    tl.store(out_ptrs, (out / total[:, None]).to(tl.float16))


@dataclass(frozen=True)
class Kernel:
    """A jit function with the types of its arguments (":16": divisible by 16) and constants."""

    name: str
    function: Any
    signature: Mapping[str, str]
    constants: Mapping[str, int]
    num_warps: int = 4


def _all(names: str, type_: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), type_)


KERNELS = (
    Kernel(
        "vector add",
        vector_add,
        {**_all("x_ptr y_ptr out_ptr", "*fp32:16"), "n_elements": "i32:16"},
        {"BLOCK": 1024},
    ),
    Kernel(
        "softmax",
        softmax,
        {**_all("out_ptr x_ptr", "*fp32:16"), **_all("out_stride x_stride n_cols", "i32:16")},
        {"BLOCK": 1024},
    ),
    Kernel(
        "layer norm",
        layer_norm,
        {
            **_all("x_ptr out_ptr weight_ptr bias_ptr", "*fp16:16"),
            **_all("mean_ptr rstd_ptr", "*fp32:16"),
            **_all("stride n_cols", "i32:16"),
            "eps": "fp32",
        },
        {"BLOCK": 1024},
    ),
    Kernel(
        "matmul",
        matmul,
        {
            **_all("a_ptr b_ptr c_ptr", "*fp16:16"),
            **_all("m n k stride_am stride_bk stride_cm", "i32:16"),
        },
        {"BLOCK_M": 128, "BLOCK_N": 128, "BLOCK_K": 32, "GROUP_M": 8},
    ),
    Kernel(
        "flash attention",
        flash_attention,
        {
            **_all("q_ptr k_ptr v_ptr", "*fp16:16"),
            "scale": "fp32",
            "sums_ptr": "*fp32:16",
            "out_ptr": "*fp16:16",
            "length": "i32:16",
        },
        {"HEAD_DIM": 64, "BLOCK_M": 64, "BLOCK_N": 64},
    ),
)
