"""Kernels as programs with matrices have them, in Triton's language."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false, reportInvalidTypeForm=false
# pyright: reportOptionalSubscript=false, reportIndexIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false, reportCallIssue=false, reportArgumentType=false
# ruff: noqa: N803 - Triton's habits: constants in capitals, a kernel is one function

import triton
import triton.language as tl


@triton.jit
def block_of_program(m, n, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, GROUP: tl.constexpr):
    """Programs in columns of GROUP blocks, so that neighbours share what they read."""
    program = tl.program_id(0)
    rows = tl.cdiv(m, BLOCK_M)
    in_group = GROUP * tl.cdiv(n, BLOCK_N)
    first = program // in_group * GROUP
    size = min(rows - first, GROUP)
    return first + program % in_group % size, program % in_group // size


@triton.jit
def matmul(
    a_ptr, b_ptr, c_ptr, bias_ptr, m, n, k, a_stride, b_stride, c_stride,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, GROUP: tl.constexpr,
    EPILOGUE: tl.constexpr,
):  # fmt: skip
    """c = epilogue(a @ b): indices wrap in M and N, masks are in K and on the result."""
    row, column = block_of_program(m, n, BLOCK_M, BLOCK_N, GROUP)
    offs_m = row * BLOCK_M + tl.arange(0, BLOCK_M)
    offs_n = column * BLOCK_N + tl.arange(0, BLOCK_N)
    offs_k = tl.arange(0, BLOCK_K)
    a_ptrs = a_ptr + (offs_m % m)[:, None] * a_stride + offs_k[None, :]
    b_ptrs = b_ptr + offs_k[:, None] * b_stride + (offs_n % n)[None, :]
    accumulator = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for step in range(0, tl.cdiv(k, BLOCK_K)):
        left = k - step * BLOCK_K
        a = tl.load(a_ptrs, mask=offs_k[None, :] < left, other=0.0)
        b = tl.load(b_ptrs, mask=offs_k[:, None] < left, other=0.0)
        accumulator = tl.dot(a, b, accumulator, input_precision="ieee")
        a_ptrs += BLOCK_K
        b_ptrs += BLOCK_K * b_stride
    inside = (offs_m[:, None] < m) & (offs_n[None, :] < n)
    if EPILOGUE == "leaky":
        accumulator = tl.where(accumulator >= 0, accumulator, 0.01 * accumulator)
    elif EPILOGUE == "bias silu":
        accumulator += tl.load(bias_ptr + offs_n, mask=offs_n < n)[None, :].to(tl.float32)
        accumulator = accumulator * tl.sigmoid(accumulator)
    elif EPILOGUE == "residual":
        older = tl.load(c_ptr + offs_m[:, None] * c_stride + offs_n[None, :], mask=inside)
        accumulator = 0.5 * accumulator + older.to(tl.float32)
    elif EPILOGUE == "row softmax":  # of a block that holds whole rows
        accumulator = tl.where(offs_n[None, :] < n, accumulator, -float("inf"))
        accumulator = tl.exp(accumulator - tl.max(accumulator, 1)[:, None])
        accumulator = accumulator / tl.sum(accumulator, 1)[:, None]
    c = accumulator.to(c_ptr.dtype.element_ty)
    tl.store(c_ptr + offs_m[:, None] * c_stride + offs_n[None, :], c, mask=inside)


@triton.jit
def split_k(
    a_ptr, b_ptr, c_ptr, m, n, k, a_stride, b_stride, c_stride,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, SPLIT: tl.constexpr,
):  # fmt: skip
    """c += a @ b, each program with one of SPLIT shares of K, added by atomics."""
    offs_m = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    offs_n = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    offs_k = tl.program_id(2) * BLOCK_K + tl.arange(0, BLOCK_K)
    accumulator = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, k, BLOCK_K * SPLIT):
        at_k = start + offs_k
        a = tl.load(
            a_ptr + offs_m[:, None] * a_stride + at_k[None, :],
            mask=(offs_m[:, None] < m) & (at_k[None, :] < k),
            other=0.0,
        )
        b = tl.load(
            b_ptr + at_k[:, None] * b_stride + offs_n[None, :],
            mask=(at_k[:, None] < k) & (offs_n[None, :] < n),
            other=0.0,
        )
        accumulator = tl.dot(a, b, accumulator, input_precision="ieee")
    inside = (offs_m[:, None] < m) & (offs_n[None, :] < n)
    tl.atomic_add(
        c_ptr + offs_m[:, None] * c_stride + offs_n[None, :],
        accumulator,
        mask=inside,
        sem="relaxed",
    )


@triton.jit
def grouped_matmul(
    a_ptr, b_ptr, c_ptr, sizes_ptr, starts_ptr, problems,
    PROGRAMS: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Several products of any sizes by a fixed number of programs, which share all their blocks.

    sizes has (m, n, k) of each, starts where its three matrices begin.
    """
    block = tl.program_id(0)
    end = 0
    for problem in range(problems):
        m = tl.load(sizes_ptr + problem * 3)
        n = tl.load(sizes_ptr + problem * 3 + 1)
        k = tl.load(sizes_ptr + problem * 3 + 2)
        a_start = a_ptr + tl.load(starts_ptr + problem * 3)
        b_start = b_ptr + tl.load(starts_ptr + problem * 3 + 1)
        c_start = c_ptr + tl.load(starts_ptr + problem * 3 + 2)
        columns = tl.cdiv(n, BLOCK_N)
        first = end
        end += tl.cdiv(m, BLOCK_M) * columns
        while block < end:
            offs_m = (block - first) // columns * BLOCK_M + tl.arange(0, BLOCK_M)
            offs_n = (block - first) % columns * BLOCK_N + tl.arange(0, BLOCK_N)
            accumulator = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
            for start in range(0, k, BLOCK_K):
                offs_k = start + tl.arange(0, BLOCK_K)
                a = tl.load(
                    a_start + offs_m[:, None] * k + offs_k[None, :],
                    mask=(offs_m[:, None] < m) & (offs_k[None, :] < k),
                    other=0.0,
                )
                b = tl.load(
                    b_start + offs_k[:, None] * n + offs_n[None, :],
                    mask=(offs_k[:, None] < k) & (offs_n[None, :] < n),
                    other=0.0,
                )
                accumulator = tl.dot(a, b, accumulator, input_precision="ieee")
            inside = (offs_m[:, None] < m) & (offs_n[None, :] < n)
            c = accumulator.to(c_ptr.dtype.element_ty)
            tl.store(c_start + offs_m[:, None] * n + offs_n[None, :], c, mask=inside)
            block += PROGRAMS


@triton.jit
def attend(
    accumulator, total, largest, q, k_ptr, v_ptr, offs_m, scale, low, high,
    DIM: tl.constexpr, BLOCK_N: tl.constexpr, MASKED: tl.constexpr,
):  # fmt: skip
    """Rows of queries meet the keys from `low` to `high`; `scale` is for exponents of 2."""
    offs_d = tl.arange(0, DIM)
    for start in range(low, high, BLOCK_N):
        offs_n = start + tl.arange(0, BLOCK_N)
        k = tl.load(k_ptr + offs_n[None, :] * DIM + offs_d[:, None])
        scores = tl.dot(q, k, input_precision="ieee") * scale
        if MASKED:
            scores = tl.where(offs_m[:, None] >= offs_n[None, :], scores, -1.0e6)
        older = largest
        largest = tl.maximum(older, tl.max(scores, 1))
        weights = tl.exp2(scores - largest[:, None])
        correction = tl.exp2(older - largest)
        total = total * correction + tl.sum(weights, 1)
        accumulator = accumulator * correction[:, None]
        v = tl.load(v_ptr + offs_n[:, None] * DIM + offs_d[None, :])
        accumulator = tl.dot(weights.to(v.dtype), v, accumulator, input_precision="ieee")
    return accumulator, total, largest


@triton.jit
def attention(
    q_ptr, k_ptr, v_ptr, out_ptr, norm_ptr, context, scale,
    DIM: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
):  # fmt: skip
    """Flash attention of a block of queries, heads x context x DIM; keeps log2 of the sums."""
    head = tl.program_id(1)
    start = tl.program_id(0) * BLOCK_M
    offs_m = start + tl.arange(0, BLOCK_M)
    at = head * context * DIM + offs_m[:, None] * DIM + tl.arange(0, DIM)[None, :]
    k_ptr += head * context * DIM
    v_ptr += head * context * DIM
    q = tl.load(q_ptr + at)
    scale *= 1.4426950408889634  # log2(e)
    accumulator = tl.zeros((BLOCK_M, DIM), dtype=tl.float32)
    total = tl.zeros((BLOCK_M,), dtype=tl.float32)
    largest = tl.full((BLOCK_M,), -float("inf"), dtype=tl.float32)
    before = start if CAUSAL else context
    accumulator, total, largest = attend(
        accumulator, total, largest, q, k_ptr, v_ptr, offs_m, scale, 0, before, DIM, BLOCK_N, False
    )
    if CAUSAL:
        accumulator, total, largest = attend(
            accumulator, total, largest, q, k_ptr, v_ptr, offs_m, scale, start, start + BLOCK_M,
            DIM, BLOCK_N, True,
        )  # fmt: skip
    tl.store(norm_ptr + head * context + offs_m, largest + tl.log2(total))
    out = accumulator / total[:, None]
    tl.store(out_ptr + at, out.to(out_ptr.dtype.element_ty))


@triton.jit
def row_products(out_ptr, grad_ptr, delta_ptr, context, DIM: tl.constexpr, BLOCK: tl.constexpr):
    """delta = the sum of out * grad along each row."""
    offs_m = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    head = tl.program_id(1) * context
    at = (head + offs_m)[:, None] * DIM + tl.arange(0, DIM)[None, :]
    products = tl.load(out_ptr + at).to(tl.float32) * tl.load(grad_ptr + at).to(tl.float32)
    tl.store(delta_ptr + head + offs_m, tl.sum(products, 1))


@triton.jit
def attention_grad_kv(
    q_ptr, k_ptr, v_ptr, grad_ptr, norm_ptr, delta_ptr, dk_ptr, dv_ptr, context, scale,
    DIM: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
):  # fmt: skip
    """The gradients of a block of keys and values; scores are transposed: keys x queries."""
    head = tl.program_id(1) * context
    start = tl.program_id(0) * BLOCK_N
    offs_n = start + tl.arange(0, BLOCK_N)
    offs_d = tl.arange(0, DIM)
    at = (head + offs_n)[:, None] * DIM + offs_d[None, :]
    k = tl.load(k_ptr + at)
    v = tl.load(v_ptr + at)
    dk = tl.zeros((BLOCK_N, DIM), dtype=tl.float32)
    dv = tl.zeros((BLOCK_N, DIM), dtype=tl.float32)
    for first in range(start if CAUSAL else 0, context, BLOCK_M):
        offs_m = first + tl.arange(0, BLOCK_M)
        rows = (head + offs_m)[:, None] * DIM + offs_d[None, :]
        q = tl.load(q_ptr + rows)
        grad = tl.load(grad_ptr + rows)
        norm = tl.load(norm_ptr + head + offs_m)
        scores = tl.dot(k, tl.trans(q), input_precision="ieee") * (scale * 1.4426950408889634)
        weights = tl.exp2(scores - norm[None, :])
        if CAUSAL:
            weights = tl.where(offs_m[None, :] >= offs_n[:, None], weights, 0.0)
        dv = tl.dot(weights.to(grad.dtype), grad, dv, input_precision="ieee")
        changes = tl.dot(v, tl.trans(grad), input_precision="ieee")
        changes = weights * (changes - tl.load(delta_ptr + head + offs_m)[None, :])
        dk = tl.dot(changes.to(q.dtype), q, dk, input_precision="ieee")
    tl.store(dv_ptr + at, dv.to(dv_ptr.dtype.element_ty))
    tl.store(dk_ptr + at, (dk * scale).to(dk_ptr.dtype.element_ty))


@triton.jit
def attention_grad_q(
    q_ptr, k_ptr, v_ptr, grad_ptr, norm_ptr, delta_ptr, dq_ptr, context, scale,
    DIM: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
):  # fmt: skip
    """The gradients of a block of queries."""
    head = tl.program_id(1) * context
    start = tl.program_id(0) * BLOCK_M
    offs_m = start + tl.arange(0, BLOCK_M)
    offs_d = tl.arange(0, DIM)
    at = (head + offs_m)[:, None] * DIM + offs_d[None, :]
    q = tl.load(q_ptr + at)
    grad = tl.load(grad_ptr + at)
    norm = tl.load(norm_ptr + head + offs_m)
    delta = tl.load(delta_ptr + head + offs_m)
    dq = tl.zeros((BLOCK_M, DIM), dtype=tl.float32)
    for first in range(0, start + BLOCK_M if CAUSAL else context, BLOCK_N):
        offs_n = first + tl.arange(0, BLOCK_N)
        columns = (head + offs_n)[None, :] * DIM + offs_d[:, None]
        k = tl.load(k_ptr + columns)
        v = tl.load(v_ptr + columns)
        scores = tl.dot(q, k, input_precision="ieee") * (scale * 1.4426950408889634)
        weights = tl.exp2(scores - norm[:, None])
        if CAUSAL:
            weights = tl.where(offs_m[:, None] >= offs_n[None, :], weights, 0.0)
        changes = tl.dot(grad, v, input_precision="ieee")
        changes = weights * (changes - delta[:, None])
        dq = tl.dot(changes.to(k.dtype), tl.trans(k), dq, input_precision="ieee")
    tl.store(dq_ptr + at, (dq * scale).to(dq_ptr.dtype.element_ty))
