"""Sums of the rows of a matrix, a tile of ROWS x COLS at a time."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false

import triton
import triton.language as tl


@triton.jit
def row_sum(x_ptr, out_ptr, n_rows, n_cols, stride, ROWS: tl.constexpr, COLS: tl.constexpr):
    """One program takes ROWS rows, each of which must fit into COLS elements."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    cols = tl.arange(0, COLS)
    inside = (rows[:, None] < n_rows) & (cols[None, :] < n_cols)
    x = tl.load(x_ptr + rows[:, None] * stride + cols[None, :], mask=inside, other=0.0)
    total = tl.sum(x.to(tl.float32), axis=1)
    tl.store(out_ptr + rows, total.to(out_ptr.dtype.element_ty), mask=rows < n_rows)
