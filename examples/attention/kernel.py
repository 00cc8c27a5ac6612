"""Attention in one pass over keys and values."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false

import triton
import triton.language as tl


@triton.jit
def attention(
    q_ptr, k_ptr, v_ptr, out_ptr, length, scale,
    DIM: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """out = softmax(q @ k.T * scale) @ v, heads x length x DIM; a program has BLOCK_M rows."""
    head = tl.program_id(1) * length * DIM
    offs_m = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    offs_d = tl.arange(0, DIM)
    rows = head + offs_m[:, None] * DIM + offs_d[None, :]
    q = tl.load(q_ptr + rows)
    largest = tl.full((BLOCK_M,), -float("inf"), dtype=tl.float32)
    total = tl.zeros((BLOCK_M,), dtype=tl.float32)
    sums = tl.zeros((BLOCK_M, DIM), dtype=tl.float32)
    for start in range(0, length, BLOCK_N):
        offs_n = start + tl.arange(0, BLOCK_N)
        k = tl.load(k_ptr + head + offs_n[None, :] * DIM + offs_d[:, None])
        scores = tl.dot(q, k) * (scale * 1.4426950408889634)
        larger = tl.maximum(largest, tl.max(scores, 1))
        weights = tl.exp2(scores - larger[:, None])
        correction = tl.exp2(largest - larger)
        total = total * correction + tl.sum(weights, 1)
        v = tl.load(v_ptr + head + offs_n[:, None] * DIM + offs_d[None, :])
        sums = tl.dot(weights.to(v.dtype), v, sums * correction[:, None])
        largest = larger
    tl.store(out_ptr + rows, (sums / total[:, None]).to(out_ptr.dtype.element_ty))
