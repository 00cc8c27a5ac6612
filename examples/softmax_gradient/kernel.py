"""The gradient of softmax: what comes back to x, of what comes to softmax(x)."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false

import triton
import triton.language as tl


@triton.jit
def softmax_gradient(dx_ptr, dy_ptr, y_ptr, n_cols, BLOCK: tl.constexpr):
    """dx = y * (dy - sum(y * dy)); one program a row, which must fit into BLOCK elements."""
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    inside = cols < n_cols
    y = tl.load(y_ptr + row * n_cols + cols, mask=inside, other=0.0)
    dy = tl.load(dy_ptr + row * n_cols + cols, mask=inside, other=0.0)
    dx = y * (dy - tl.sum(y * dy, axis=0))
    tl.store(dx_ptr + row * n_cols + cols, dx, mask=inside)
