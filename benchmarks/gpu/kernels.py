"""Kernels bound by memory, as one finds them in training and inference code."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false, reportInvalidTypeForm=false
# pyright: reportOptionalSubscript=false, reportIndexIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false, reportCallIssue=false, reportArgumentType=false
# ruff: noqa: N803 - Triton's habit: compile-time constants in capitals

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def cast_copy(x_ptr, out_ptr, n_elements, BLOCK: tl.constexpr):
    """out = x in out's type."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x.to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit
def softmax(x_ptr, out_ptr, stride, n_cols, BLOCK: tl.constexpr):
    """The softmax of one row a program; a row fits a block."""
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    mask = columns < n_cols
    x = tl.load(x_ptr + row * stride + columns, mask=mask, other=-float("inf")).to(tl.float32)
    numerator = tl.exp(x - tl.max(x, axis=0))
    result = numerator / tl.sum(numerator, axis=0)
    tl.store(out_ptr + row * stride + columns, result.to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit
def layer_norm_backward(
    dy_ptr, x_ptr, weight_ptr, mean_ptr, rstd_ptr, dx_ptr, stride, n_cols,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """The gradient of layer norm's input, one row a program; a row fits a block."""
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    mask = columns < n_cols
    x = tl.load(x_ptr + row * stride + columns, mask=mask, other=0).to(tl.float32)
    dy = tl.load(dy_ptr + row * stride + columns, mask=mask, other=0).to(tl.float32)
    weight = tl.load(weight_ptr + columns, mask=mask, other=0).to(tl.float32)
    mean = tl.load(mean_ptr + row)
    rstd = tl.load(rstd_ptr + row)
    normal = tl.where(mask, (x - mean) * rstd, 0.0)
    weighted = weight * dy
    along = tl.sum(normal * weighted, axis=0) / n_cols
    total = tl.sum(weighted, axis=0) / n_cols
    dx = (weighted - (normal * along + total)) * rstd
    tl.store(dx_ptr + row * stride + columns, dx.to(dx_ptr.dtype.element_ty), mask=mask)


@triton.jit
def rms_norm(x_ptr, weight_ptr, out_ptr, stride, n_cols, eps, BLOCK: tl.constexpr):
    """RMS norm of one row a program; a row fits a block."""
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    mask = columns < n_cols
    x = tl.load(x_ptr + row * stride + columns, mask=mask, other=0.0).to(tl.float32)
    scale = tl.rsqrt(tl.sum(x * x, axis=0) / n_cols + eps)
    weight = tl.load(weight_ptr + columns, mask=mask, other=0.0).to(tl.float32)
    out = x * scale * weight
    tl.store(out_ptr + row * stride + columns, out.to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit
def rotary(x_ptr, cos_ptr, sin_ptr, out_ptr, heads, HALF: tl.constexpr, HEADS: tl.constexpr):
    """Rotary embedding of all heads of one token: the halves of a head are turned as pairs."""
    token = tl.program_id(0)
    head = tl.arange(0, HEADS)[:, None]
    depth = tl.arange(0, HALF)[None, :]
    mask = head < heads
    cos = tl.load(cos_ptr + token * HALF + depth).to(tl.float32)
    sin = tl.load(sin_ptr + token * HALF + depth).to(tl.float32)
    offsets = (token * heads + head) * (2 * HALF) + depth
    first = tl.load(x_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
    second = tl.load(x_ptr + offsets + HALF, mask=mask, other=0.0).to(tl.float32)
    dtype = out_ptr.dtype.element_ty
    tl.store(out_ptr + offsets, (first * cos - second * sin).to(dtype), mask=mask)
    tl.store(out_ptr + offsets + HALF, (second * cos + first * sin).to(dtype), mask=mask)


@triton.jit
def swiglu(gate_ptr, up_ptr, out_ptr, n_elements, BLOCK: tl.constexpr):
    """out = gate * sigmoid(gate) * up."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    gate = tl.load(gate_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
    up = tl.load(up_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
    out = gate * tl.sigmoid(gate) * up
    tl.store(out_ptr + offsets, out.to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit
def cross_entropy(x_ptr, target_ptr, loss_ptr, stride, n_cols, BLOCK: tl.constexpr):
    """The loss of one row a program, in one run over the row."""
    row = tl.program_id(0)
    x_ptr += row.to(tl.int64) * stride
    largest = tl.full([BLOCK], -float("inf"), tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    for start in range(0, n_cols, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + columns, mask=columns < n_cols, other=-1e30).to(tl.float32)
        larger = tl.maximum(largest, x)
        total = total * tl.exp(largest - larger) + tl.exp(x - larger)
        largest = larger
    top = tl.max(largest, axis=0)
    sum_of_all = tl.sum(total * tl.exp(largest - top), axis=0)
    at_target = tl.load(x_ptr + tl.load(target_ptr + row)).to(tl.float32)
    tl.store(loss_ptr + row, tl.log(sum_of_all) + top - at_target)


@triton.jit
def dropout(x_ptr, out_ptr, n_elements, p, seed, BLOCK: tl.constexpr):
    """Each element is dropped with probability p, by Philox; the others grow to make up for it."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask)
    keep = tl.rand(seed, offsets) > p
    tl.store(out_ptr + offsets, tl.where(keep, x / (1 - p), 0.0), mask=mask)


@triton.jit
def transpose(x_ptr, out_ptr, rows, columns, BLOCK: tl.constexpr):
    """out = x.T, a square tile a program."""
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = (row[:, None] < rows) & (column[None, :] < columns)
    x = tl.load(x_ptr + row[:, None] * columns + column[None, :], mask=mask)
    mask = (column[:, None] < columns) & (row[None, :] < rows)
    tl.store(out_ptr + column[:, None] * rows + row[None, :], tl.trans(x), mask=mask)


@triton.jit
def row_sum(x_ptr, out_ptr, stride, n_cols, BLOCK: tl.constexpr):
    """The sum of one row a program, in a loop."""
    row = tl.program_id(0)
    total = tl.zeros([BLOCK], tl.float32)
    for start in range(0, n_cols, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * stride + columns, mask=columns < n_cols, other=0.0)
        total += x.to(tl.float32)
    tl.store(out_ptr + row, tl.sum(total, axis=0))


@triton.jit
def column_sum(
    x_ptr, out_ptr, rows, columns, ROWS: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr
):
    """Sums of BLOCK_N columns over ROWS rows a program, which makes one row of partial sums."""
    part = tl.program_id(1)
    column = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    total = tl.zeros([BLOCK_M, BLOCK_N], tl.float32)
    for start in range(0, ROWS, BLOCK_M):
        row = part * ROWS + start + tl.arange(0, BLOCK_M)
        mask = (row[:, None] < rows) & (column[None, :] < columns)
        x = tl.load(x_ptr + row[:, None] * columns + column[None, :], mask=mask, other=0.0)
        total += x.to(tl.float32)
    tl.store(out_ptr + part * columns + column, tl.sum(total, axis=0), mask=column < columns)


@triton.jit
def cumulative_sum(x_ptr, out_ptr, stride, n_cols, BLOCK: tl.constexpr):
    """Running sums of one row a program; a row fits a block."""
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    mask = columns < n_cols
    x = tl.load(x_ptr + row * stride + columns, mask=mask, other=0.0).to(tl.float32)
    tl.store(out_ptr + row * stride + columns, tl.cumsum(x, axis=0), mask=mask)


@triton.jit
def histogram(x_ptr, out_ptr, n_elements, BLOCK: tl.constexpr, BINS: tl.constexpr):
    """How often each number from 0 to BINS - 1 occurs: a histogram a program, added to all."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets, mask=offsets < n_elements, other=0)
    tl.atomic_add(out_ptr + tl.arange(0, BINS), tl.histogram(x, BINS))
