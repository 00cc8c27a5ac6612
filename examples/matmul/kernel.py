"""The product of two matrices."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false

import triton
import triton.language as tl


@triton.jit
def matmul(
    a_ptr, b_ptr, c_ptr, m, n, k, a_stride, b_stride, c_stride,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    """c = a @ b, row by row in memory; each program has a block of c.

    Programs go down GROUP blocks before they go right, so that neighbours share columns of b.
    """
    program = tl.program_id(0)
    rows = tl.cdiv(m, BLOCK_M)
    in_group = GROUP * tl.cdiv(n, BLOCK_N)
    first = program // in_group * GROUP
    height = min(rows - first, GROUP)
    offs_m = (first + program % in_group % height) * BLOCK_M + tl.arange(0, BLOCK_M)
    offs_n = program % in_group // height * BLOCK_N + tl.arange(0, BLOCK_N)
    offs_k = tl.arange(0, BLOCK_K)
    a_ptrs = a_ptr + offs_m[:, None] * a_stride + offs_k[None, :]
    b_ptrs = b_ptr + offs_k[:, None] * b_stride + offs_n[None, :]
    sums = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, k, BLOCK_K):
        inside = offs_k < k - start
        a = tl.load(a_ptrs, mask=(offs_m < m)[:, None] & inside[None, :], other=0.0)
        b = tl.load(b_ptrs, mask=inside[:, None] & (offs_n < n)[None, :], other=0.0)
        sums = tl.dot(a, b, sums)
        a_ptrs += BLOCK_K
        b_ptrs += BLOCK_K * b_stride
    c_ptrs = c_ptr + offs_m[:, None] * c_stride + offs_n[None, :]
    inside = (offs_m < m)[:, None] & (offs_n < n)[None, :]
    tl.store(c_ptrs, sums.to(c_ptr.dtype.element_ty), mask=inside)
