"""Convolution of images."""
# Triton's language has no types, and Triton is not installed everywhere.
# pyright: basic, reportMissingImports=false, reportOperatorIssue=false

import triton
import triton.language as tl


@triton.jit
def convolution(
    x_ptr, weight_ptr, bias_ptr, out_ptr, images, height, width, out_height, out_width, stride,
    padding,
    IN: tl.constexpr, OUT: tl.constexpr, SIDE: tl.constexpr,
    BLOCK: tl.constexpr, BLOCK_OUT: tl.constexpr, BLOCK_IN: tl.constexpr,
):  # fmt: skip
    """out = x * weight + bias as one product of matrices, whose rows are the places of the result.

    x is images x height x width x IN, weight SIDE x SIDE x IN x OUT, out images x out_height x
    out_width x OUT. A program has BLOCK places and BLOCK_OUT channels of the result.
    """
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    channel = tl.program_id(1) * BLOCK_OUT + tl.arange(0, BLOCK_OUT)
    image = place // (out_height * out_width)
    row = place // out_width % out_height * stride - padding
    column = place % out_width * stride - padding
    known = image < images
    sums = tl.zeros((BLOCK, BLOCK_OUT), dtype=tl.float32)
    for tap in range(SIDE * SIDE):
        y = row + tap // SIDE
        x = column + tap % SIDE
        inside = known & (y >= 0) & (y < height) & (x >= 0) & (x < width)
        pixel = ((image * height + y) * width + x) * IN
        for start in range(0, IN, BLOCK_IN):
            inner = start + tl.arange(0, BLOCK_IN)
            pixels = tl.load(
                x_ptr + pixel[:, None] + inner[None, :],
                mask=inside[:, None] & (inner < IN)[None, :],
                other=0.0,
            )
            weights = tl.load(
                weight_ptr + ((tap * IN + inner) * OUT)[:, None] + channel[None, :],
                mask=(inner < IN)[:, None] & (channel < OUT)[None, :],
                other=0.0,
            )
            sums = tl.dot(pixels, weights, sums)
    sums += tl.load(bias_ptr + channel, mask=channel < OUT, other=0.0)[None, :]
    out_ptrs = out_ptr + place[:, None] * OUT + channel[None, :]
    inside = known[:, None] & (channel < OUT)[None, :]
    tl.store(out_ptrs, sums.to(out_ptr.dtype.element_ty), mask=inside)
