"""The kernels whose TTGIR lies beside this file; `dump.py` writes them anew."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false, reportInvalidTypeForm=false
# pyright: reportOptionalSubscript=false, reportIndexIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false, reportCallIssue=false, reportArgumentType=false
# ruff: noqa: N803 - Triton's habit: compile-time constants in capitals

import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    y = tl.load(y_ptr + offsets, mask=mask, other=1.0, eviction_policy="evict_last")
    tl.store(out_ptr + offsets, x + y, mask=mask)


@triton.jit
def matmul(a_ptr, b_ptr, c_ptr, m, n, k, BLOCK: tl.constexpr, DEPTH: tl.constexpr):
    rows = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    steps = tl.arange(0, DEPTH)
    a_ptrs = a_ptr + rows[:, None] * k + steps[None, :]
    b_ptrs = b_ptr + steps[:, None] * n + columns[None, :]
    total = tl.zeros((BLOCK, BLOCK), dtype=tl.float32)
    for start in range(0, k, DEPTH):
        a = tl.load(a_ptrs, mask=steps[None, :] < k - start, other=0.0)
        b = tl.load(b_ptrs, mask=steps[:, None] < k - start, other=0.0)
        total = tl.dot(a, b, total)
        a_ptrs += DEPTH
        b_ptrs += DEPTH * n
    where = (rows[:, None] < m) & (columns[None, :] < n)
    tl.store(c_ptr + rows[:, None] * n + columns[None, :], total.to(tl.float16), mask=where)


@triton.jit
def _larger(a, i, b, j):
    take = a > b
    return tl.where(take, a, b), tl.where(take, i, j)


@triton.jit
def reductions(x_ptr, out_ptr, best_ptr, N: tl.constexpr):
    at = tl.arange(0, N)
    x = tl.load(x_ptr + at[:, None] * N + at[None, :])
    value, index = tl.reduce((x, tl.broadcast_to(at[None, :], (N, N))), 1, _larger)
    tl.store(out_ptr + at, tl.cumsum(value, 0, reverse=True))
    tl.store(best_ptr + at, index)
    tl.store(out_ptr + N + at[:, None] * N + at[None, :], tl.sort(x, 1))
    tl.store(best_ptr, tl.sum(x > 0).to(tl.int32))


@triton.jit(noinline=True)
def _scaled(value, factor):
    return value * factor


@triton.jit
def _compare(a, b):
    if a < b:
        return -1
    elif a == b:
        return 0
    else:
        return 1


@triton.jit
def control(x_ptr, out_ptr, n, N: tl.constexpr):
    if n == 0:
        return
    count = 0
    value = tl.load(x_ptr)
    while value > 1.0:
        value = _scaled(value, 0.5)
        count += 1
    if count % 2 == 0:
        value += 1
    else:
        value -= 1
        tl.store(out_ptr + 1, value)
    for i in tl.range(0, n, num_stages=2, loop_unroll_factor=1):
        count += i
    tl.assume(n > 0)
    at = tl.arange(0, N)
    found = tl.map_elementwise(_compare, at - 5, at // 2)
    tl.store(out_ptr + at, found + count + value)


@triton.jit
def shapes(x_ptr, out_ptr, N: tl.constexpr):
    at = tl.arange(0, N)
    x = tl.load(x_ptr + at)
    y = tl.load(x_ptr + N + at)
    pair = tl.join(x, y)
    left, right = tl.split(tl.trans(tl.reshape(pair, (2, N)), (1, 0)))
    both = tl.cat(left, right, can_reorder=True)
    tl.store(out_ptr + tl.arange(0, 2 * N), both)
    bins = tl.histogram(x.to(tl.int32), N, mask=at < 7)
    tl.store(out_ptr + at, tl.gather(bins, at ^ 1, 0).to(tl.float32))
    grid = tl.expand_dims(x, 0) + tl.expand_dims(y, 1)
    tl.store(out_ptr + at[:, None] * N + at[None, :], tl.permute(grid, (1, 0)))
    tl.store(out_ptr + 1, tl.reshape(pair, (2 * N,), can_reorder=True).sum())


@triton.jit
def arithmetic(x_ptr, out_ptr, i_ptr, N: tl.constexpr):
    at = tl.arange(0, N)
    x = tl.load(x_ptr + at, volatile=True)
    i = tl.load(i_ptr + at, cache_modifier=".cg")
    y = tl.exp2(x) + tl.log2(tl.abs(x)) + tl.sqrt_rn(x) + tl.div_rn(x, 3.0) + tl.rsqrt(x)
    y += tl.clamp(x, -1.0, 1.0) + tl.fma(x, x, x) + tl.sin(x) + tl.floor(x) + tl.erf(x)
    y += libdevice.log1p(x) + tl.maximum(x, y, propagate_nan=tl.PropagateNan.ALL)
    j = tl.umulhi(i, 12345) + (i // 3) + (i % 5) + (i >> 2) + (~i) + i.to(tl.int8).to(tl.int32)
    small = x.to(tl.float8e5).to(tl.float32) + x.to(tl.float16, fp_downcast_rounding="rtz")
    tl.device_print("x:", x, j, hex=True)
    tl.device_assert(i >= 0, "negative")
    tl.atomic_add(out_ptr + at, y, mask=i > 0, sem="relaxed")
    tl.atomic_cas(i_ptr, 0, 1)
    tl.atomic_max(i_ptr + 1, tl.num_programs(1) + tl.program_id(2), scope="cta")
    tl.store(out_ptr + at, small + y.to(tl.bfloat16) + j, cache_modifier=".wb")


@triton.jit
def descriptors(x_ptr, out_ptr, m, n, M: tl.constexpr, N: tl.constexpr):
    source = tl.make_tensor_descriptor(x_ptr, [m, n], [n, 1], [M, N])
    target = tl.make_tensor_descriptor(out_ptr, [m, n], [n, 1], [M, N])
    at = tl.program_id(0) * M
    target.store([at, 0], source.load([at, 0]) * 2)


# name: kernel, types of arguments, compile-time arguments
KERNELS = {
    "add": (add, ["*fp32", "*fp32", "*fp32", "i32"], {"BLOCK": 1024}),
    "matmul": (
        matmul,
        ["*fp16", "*fp16", "*fp16", "i32", "i32", "i32"],
        {"BLOCK": 64, "DEPTH": 32},
    ),
    "reductions": (reductions, ["*fp32", "*fp32", "*i32"], {"N": 16}),
    "control": (control, ["*fp32", "*fp32", "i32"], {"N": 128}),
    "shapes": (shapes, ["*fp32", "*fp32"], {"N": 64}),
    "arithmetic": (arithmetic, ["*fp32", "*fp32", "*i32"], {"N": 256}),
    "descriptors": (descriptors, ["*fp16", "*fp16", "i32", "i32"], {"M": 64, "N": 64}),
}
