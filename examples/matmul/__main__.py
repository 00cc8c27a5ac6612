"""Matmul in several configurations: python -m examples.matmul [--size N] [--target CHIP]

For each: what the shader needs, what it does (counted on the CPU device while it runs), and its
largest error against NumPy in float64, relative to the largest element.
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

# What M3 is given, on paper (nobody has timed it): two multiplies a fragment load, as in MLX's
# kernels, and memory and registers for 6 threadgroups or more, 24 simdgroups, a core, which is what
# keeps its ALUs busy (metal-benchmarks). Larger blocks multiply more often, and leave room for
# fewer.
TUNED = {"m3": {"f32": "64x64x16", "f16": "64x64x32"}}

CONFIGURATIONS = (
    ("f32", "64x64x16"),
    ("f32", "64x64x32"),
    ("f32", "128x128x16"),
    ("f16", "64x64x32"),
    ("f16", "64x64x32-any"),
    ("f16", "128x64x32"),
)
# Of the largest element: sums of float, and one rounding to half.
TOLERANCE = {"f32": 2e-6, "f16": 1e-3}

COLUMNS = (
    *("block", "error", "threadgroup bytes", "registers*", "simdgroups a core*", "lines"),
    *("barriers a step", "multiplies a load", "bytes a flop", "CPU ms"),
)


@dataclass(frozen=True)
class Outcome:
    """A configuration that ran: its error, its row of the table."""

    error: float
    ok: bool
    row: tuple[str, ...]


def shader_of(dtype: str, block: str, target: str) -> trimetal.Shader:
    """The shader of a configuration, from its dump."""
    return trimetal.transpile(HERE / f"kernel.{dtype}-{block}.ttgir", target=target)


def run(dtype: str, block: str, size: int, target: str = "m3") -> Outcome:
    """Multiply two random matrices of size x size (a multiple of 16)."""
    shader = shader_of(dtype, block, target)
    height, width, depth = (int(number) for number in block.removesuffix("-any").split("x"))
    random = np.random.default_rng()
    a, b = (random.standard_normal((size, size)).astype(dtype.replace("f", "float")) for _ in "ab")
    c = np.full_like(a, np.nan)
    kernel = trimetal.runtime.compile(shader, device="cpu")
    grid = (-(-size // height) * -(-size // width),)
    arguments = (a, b, c, size, size, size, size, size, size)
    profile = kernel.profile(grid, *arguments)
    start = time.perf_counter()
    kernel(grid, *arguments)
    milliseconds = (time.perf_counter() - start) * 1e3
    exact = a.astype(np.float64) @ b.astype(np.float64)
    error = float(np.abs(c.astype(np.float64) - exact).max() / np.abs(exact).max())
    steps = profile.threadgroups * -(-size // depth)
    groups = int(str(shader.report["threadgroups per core (estimate)"]))
    row = (
        f"{dtype} {block}" + (" (tuned)" if TUNED.get(target, {}).get(dtype) == block else ""),
        f"{error:.1e}",
        f"{shader.threadgroup_memory:,}",
        str(shader.report["registers per thread (estimate)"]),
        str(groups * shader.threads_per_threadgroup // 32),
        str(shader.report["lines"]),
        f"{profile.barriers / steps:.1f}",
        f"{profile.multiply_accumulates_per_fragment_load:.2f}",
        f"{profile.device.bytes_loaded / (2 * size**3):.3f}",
        f"{milliseconds:.1f}",
    )
    return Outcome(error, error <= TOLERANCE[dtype], row)


def main(arguments: list[str]) -> int:
    """Print the table; 0 when every result is within its tolerance."""
    parser = argparse.ArgumentParser(prog="examples.matmul", description="Configurations compared.")
    parser.add_argument("--size", type=int, default=256, help="rows and columns, by 16s")
    parser.add_argument("--target", default="m3", help="the chip to transpile for")
    options = parser.parse_args(arguments)
    if options.size <= 0 or options.size % 16:
        parser.error("--size must be a multiple of 16: the dumps say so of all sizes")
    outcomes = [run(*each, options.size, options.target) for each in CONFIGURATIONS]
    show(
        f"matmul, {options.size} x {options.size} x {options.size}, for {options.target}",
        COLUMNS,
        [outcome.row for outcome in outcomes],
        note="* estimates (see the report); barriers, multiplies and bytes are counted",
    )
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
