"""2-D convolution as a product of matrices: python -m examples.convolution [--size N]

Runs it on the CPU device for some strides and paddings, and compares with NumPy in float64.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import trimetal

from ..tables import show

HERE = Path(__file__).resolve().parent
Array: TypeAlias = NDArray[Any]

# What the dumps are made for.
IN, OUT, SIDE = 16, 32, 3
BLOCK, BLOCK_OUT = 64, 32

# (dtype, stride, padding); of the largest element: sums of float, and one rounding to half.
CASES = (("f32", 1, 1), ("f32", 2, 1), ("f32", 1, 0), ("f16", 1, 1), ("f16", 2, 0))
TOLERANCE = {"f32": 2e-6, "f16": 1e-3}
COLUMNS = (
    *("case", "result", "error", "multiplies a load", "bytes a flop", "bytes to the least"),
    "CPU ms",
)


@dataclass(frozen=True)
class Outcome:
    """A case that ran: its error, its row of the table."""

    error: float
    ok: bool
    row: tuple[str, ...]


def convolved(x: Array, weight: Array, bias: Array, stride: int, padding: int) -> Array:
    """The convolution in double precision, images x height x width x channels."""
    around = (padding, padding)
    wide = np.pad(x.astype(np.float64), ((0, 0), around, around, (0, 0)))
    side = weight.shape[0]
    height, width = ((wide.shape[dim] - side) // stride + 1 for dim in (1, 2))
    out = np.zeros((x.shape[0], height, width, weight.shape[3])) + bias.astype(np.float64)
    for row in range(side):
        for column in range(side):
            down = slice(row, row + (height - 1) * stride + 1, stride)
            along = slice(column, column + (width - 1) * stride + 1, stride)
            out += wide[:, down, along] @ weight[row, column].astype(np.float64)
    return out


def run(dtype: str, stride: int, padding: int, size: int, images: int = 2) -> Outcome:
    """Convolve random images of size x size."""
    shader = trimetal.transpile(HERE / f"kernel.{dtype}.ttgir")
    random = np.random.default_rng()

    def numbers(*shape: int) -> Array:
        return random.standard_normal(shape).astype(dtype.replace("f", "float"))

    x, weight, bias = numbers(images, size, size, IN), numbers(SIDE, SIDE, IN, OUT), numbers(OUT)
    exact = convolved(x, weight, bias, stride, padding)
    out = np.full(exact.shape, np.nan, x.dtype)
    kernel = trimetal.runtime.compile(shader, device="cpu")
    grid = (-(-out.size // OUT // BLOCK), -(-OUT // BLOCK_OUT))
    sizes = (images, size, size, *exact.shape[1:3], stride, padding)
    profile = kernel.profile(grid, x, weight, bias, out, *sizes)
    start = time.perf_counter()
    kernel(grid, x, weight, bias, out, *sizes)
    milliseconds = (time.perf_counter() - start) * 1e3
    error = float(np.abs(out.astype(np.float64) - exact).max() / np.abs(exact).max())
    moved = profile.device.bytes_loaded + profile.device.bytes_stored
    row = (
        f"{dtype}, stride {stride}, padding {padding}",
        " x ".join(map(str, out.shape)),
        f"{error:.1e}",
        f"{profile.multiply_accumulates_per_fragment_load:.2f}",
        f"{moved / (2 * out.size * SIDE * SIDE * IN):.3f}",
        f"{moved / (x.nbytes + weight.nbytes + bias.nbytes + out.nbytes):.1f}",
        f"{milliseconds:.1f}",
    )
    return Outcome(error, error <= TOLERANCE[dtype], row)


def main(arguments: list[str]) -> int:
    """Print the table; 0 when every result is within its tolerance."""
    parser = argparse.ArgumentParser(prog="examples.convolution", description="2-D convolution.")
    parser.add_argument("--size", type=int, default=32, help="rows and columns of an image")
    options = parser.parse_args(arguments)
    outcomes = [run(*case, options.size) for case in CASES]
    title = f"{SIDE} x {SIDE} convolution of {options.size} x {options.size} images, {IN} channels"
    show(title, COLUMNS, [outcome.row for outcome in outcomes])
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
