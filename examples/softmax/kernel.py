"""Softmax of each row of a matrix, in one read and one write."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false

import triton
import triton.language as tl


@triton.jit
def softmax(out_ptr, x_ptr, out_stride, x_stride, n_cols, BLOCK: tl.constexpr):
    """One program a row, which must fit into BLOCK elements."""
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    inside = cols < n_cols
    x = tl.load(x_ptr + row * x_stride + cols, mask=inside, other=-float("inf")).to(tl.float32)
    shifted = x - tl.max(x, axis=0)
    numerator = tl.exp(shifted)
    denominator = tl.sum(numerator, axis=0)
    result = numerator / denominator
    out = out_ptr + row * out_stride + cols
    tl.store(out, result.to(out_ptr.dtype.element_ty), mask=inside)
