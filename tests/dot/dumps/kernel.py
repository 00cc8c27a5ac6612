"""Kernels whose loops other GPUs' backends pipeline; dump.py makes the dumps beside this file."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false

import triton
import triton.language as tl


@triton.jit
def product(
    a_ptr, b_ptr, c_ptr, m, n, k,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """c = a @ b, row by row in memory, in blocks; rows and columns that are not there wrap."""
    rows = (tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)) % m
    columns = (tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)) % n
    depth = tl.arange(0, BLOCK_K)
    a_ptrs = a_ptr + rows[:, None] * k + depth[None, :]
    b_ptrs = b_ptr + depth[:, None] * n + columns[None, :]
    sums = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for step in range(0, tl.cdiv(k, BLOCK_K)):
        left = k - step * BLOCK_K
        a = tl.load(a_ptrs, mask=depth[None, :] < left, other=0.0)
        b = tl.load(b_ptrs, mask=depth[:, None] < left, other=0.0)
        sums = tl.dot(a, b, sums)
        a_ptrs += BLOCK_K
        b_ptrs += BLOCK_K * n
    tl.store(c_ptr + rows[:, None] * n + columns[None, :], sums.to(tl.float16))


@triton.jit
def attention(
    q_ptr, k_ptr, v_ptr, out_ptr, length, scale,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """out = softmax(q @ k^T * scale) @ v, one head; `scale` is for powers of two."""
    rows = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.arange(0, WIDTH)
    q = tl.load(q_ptr + rows[:, None] * WIDTH + columns[None, :])
    highest = tl.full((BLOCK_M,), float("-inf"), dtype=tl.float32)
    total = tl.zeros((BLOCK_M,), dtype=tl.float32)
    sums = tl.zeros((BLOCK_M, WIDTH), dtype=tl.float32)
    for start in range(0, length, BLOCK_N):
        others = start + tl.arange(0, BLOCK_N)
        k = tl.load(k_ptr + others[None, :] * WIDTH + columns[:, None])
        scores = tl.dot(q, k) * scale
        top = tl.maximum(highest, tl.max(scores, 1))
        weights = tl.exp2(scores - top[:, None])
        shrink = tl.exp2(highest - top)
        total = total * shrink + tl.sum(weights, 1)
        v = tl.load(v_ptr + others[:, None] * WIDTH + columns[None, :])
        sums = tl.dot(weights.to(tl.float16), v, sums * shrink[:, None])
        highest = top
    out = sums / total[:, None]
    tl.store(out_ptr + rows[:, None] * WIDTH + columns[None, :], out.to(tl.float16))
