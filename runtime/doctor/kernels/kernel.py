"""Kernels that together use most of what a device must do right."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false

import triton
import triton.language as tl


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """x + y: masked loads and stores."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < n
    x = tl.load(x_ptr + offsets, mask=inside)
    y = tl.load(y_ptr + offsets, mask=inside)
    tl.store(out_ptr + offsets, x + y, mask=inside)


@triton.jit
def softmax(x_ptr, out_ptr, n_cols, BLOCK: tl.constexpr):
    """Softmax of a row: reductions over the threadgroup, and exp."""
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    inside = cols < n_cols
    x = tl.load(x_ptr + row * n_cols + cols, mask=inside, other=-float("inf")).to(tl.float32)
    numerator = tl.exp(x - tl.max(x, axis=0))
    result = numerator / tl.sum(numerator, axis=0)
    tl.store(out_ptr + row * n_cols + cols, result.to(tl.float16), mask=inside)


@triton.jit
def matmul(
    a_ptr, b_ptr, c_ptr, M, N, K,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """C = A B, all in rows: the matrices of the SIMD-groups, and what lanes hold of them."""
    rows = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    cols = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    steps = tl.arange(0, BLOCK_K)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for k in range(0, K, BLOCK_K):
        depth = k + steps
        a_inside = (rows[:, None] < M) & (depth[None, :] < K)
        b_inside = (depth[:, None] < K) & (cols[None, :] < N)
        a = tl.load(a_ptr + rows[:, None] * K + depth[None, :], mask=a_inside, other=0.0)
        b = tl.load(b_ptr + depth[:, None] * N + cols[None, :], mask=b_inside, other=0.0)
        total = tl.dot(a, b, total)
    c_inside = (rows[:, None] < M) & (cols[None, :] < N)
    tl.store(c_ptr + rows[:, None] * N + cols[None, :], total, mask=c_inside)


@triton.jit
def transpose(x_ptr, out_ptr, n_rows, n_cols, BLOCK: tl.constexpr):
    """A tile turned over: a change of layout through threadgroup memory."""
    rows = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    cols = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = (rows[:, None] < n_rows) & (cols[None, :] < n_cols)
    x = tl.load(x_ptr + rows[:, None] * n_cols + cols[None, :], mask=inside, other=0)
    place = out_ptr + cols[:, None] * n_rows + rows[None, :]
    tl.store(place, tl.trans(x), mask=(cols[:, None] < n_cols) & (rows[None, :] < n_rows))


@triton.jit
def count(x_ptr, counts_ptr, n, BLOCK: tl.constexpr):
    """How often each value occurs: atomics that collide."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < n
    x = tl.load(x_ptr + offsets, mask=inside, other=0)
    tl.atomic_add(counts_ptr + x, 1, mask=inside)


@triton.jit
def scan(x_ptr, out_ptr, n_cols, BLOCK: tl.constexpr):
    """Running sums of a row, in 64-bit integers: shuffles and barriers."""
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    inside = cols < n_cols
    x = tl.load(x_ptr + row * n_cols + cols, mask=inside, other=0)
    tl.store(out_ptr + row * n_cols + cols, tl.cumsum(x, axis=0), mask=inside)


@triton.jit
def rounded(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """x * x + 1, rounded to bfloat after each operation."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < n
    x = tl.load(x_ptr + offsets, mask=inside, other=0.0).to(tl.bfloat16)
    tl.store(out_ptr + offsets, (x * x + 1.0).to(tl.float32), mask=inside)
