"""Kernels for the tests of the plugin."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false, reportInvalidTypeForm=false
# ruff: noqa: N803 - Triton's habit: compile-time constants in capitals

import triton
import triton.language as tl


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    y = tl.load(y_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x + y, mask=mask)


@triton.jit
def multiply_add(x_ptr, y_ptr, out_ptr, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    x, y = tl.load(x_ptr + offsets), tl.load(y_ptr + offsets)
    tl.store(out_ptr + offsets, x * y + x)


@triton.jit
def copy(x_ptr, out_ptr, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    tl.store(out_ptr + offsets, tl.load(x_ptr + offsets))


@triton.jit
def increment(x_ptr, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    tl.store(x_ptr + offsets, tl.load(x_ptr + offsets) + 1)


@triton.jit
def store_scalar(out_ptr, value):
    tl.store(out_ptr, value)


@triton.jit
def store_wide(out_ptr, value: tl.int64):
    tl.store(out_ptr, value)


@triton.jit
def store_half(out_ptr, value: tl.float16):
    tl.store(out_ptr, value)


@triton.jit
def transpose(x_ptr, stride_m, stride_n, out_ptr, M: tl.constexpr, N: tl.constexpr):
    rows = tl.arange(0, M)
    columns = tl.arange(0, N)
    x = tl.load(x_ptr + rows[:, None] * stride_m + columns[None, :] * stride_n)
    tl.store(out_ptr + columns[None, :] * M + rows[:, None], x)


@triton.jit
def tuples(pair, out_ptr, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    x = tl.load(pair[0] + offsets)
    tl.store(out_ptr + offsets, x * pair[1][0] + pair[1][1])


@triton.jit
def optional(x_ptr, bias_ptr, out_ptr, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets)
    if bias_ptr is not None:
        x += tl.load(bias_ptr + offsets)
    tl.store(out_ptr + offsets, x)


@triton.jit
def descriptor(source, out_ptr, M: tl.constexpr, N: tl.constexpr):
    tile = source.load([0, 0])
    rows = tl.arange(0, M)[:, None]
    columns = tl.arange(0, N)[None, :]
    tl.store(out_ptr + rows * N + columns, tile)


@triton.jit
def row_sum(x_ptr, out_ptr, stride, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    x = tl.load(x_ptr + row * stride + tl.arange(0, BLOCK))
    tl.store(out_ptr + row, tl.sum(x, axis=0))


@triton.jit
def assembly(x_ptr, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets)
    y = tl.inline_asm_elementwise("mov.b32 $0, $1;", "=r,r", [x], tl.int32, True, 1)
    tl.store(x_ptr + offsets, y)


@triton.jit
def positive(x_ptr, BLOCK: tl.constexpr):
    x = tl.load(x_ptr + tl.arange(0, BLOCK))
    tl.device_assert(x > 0, "not positive")


@triton.jit
def from_fp8e4b15(x_ptr, out_ptr, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets).to(tl.float8e4b15, bitcast=True)
    tl.store(out_ptr + offsets, x.to(out_ptr.dtype.element_ty))


@triton.jit
def to_fp8e4b15(x_ptr, out_ptr, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets).to(tl.float8e4b15)
    tl.store(out_ptr + offsets, x.to(tl.uint8, bitcast=True))


@triton.jit
def grid(out_ptr):
    x, y, z = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    index = (z * tl.num_programs(1) + y) * tl.num_programs(0) + x
    tl.store(out_ptr + index, x + 10 * y + 100 * z)


@triton.jit
def count_in_flat_loops(out_ptr, n):
    count = 0
    for i in tl.range(0, n, flatten=True):  # type: ignore[reportGeneralTypeIssues]
        for j in tl.range(0, n):  # type: ignore[reportGeneralTypeIssues]
            tl.store(out_ptr + i * n + j, count)
            count += 1
