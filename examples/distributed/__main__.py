"""A matmul over several processes or machines, with MLX's own mx.distributed.

    mlx.launch -n 2 --backend ring -- python -m examples.distributed            two processes here
    mlx.launch --hosts a.local,b.local -- python -m examples.distributed        two Macs

Every process has the same transpiled kernel and a part of the matrices, in two ways:

- "rows": each has some rows of a and all of b; the rows of the product are gathered.
- "depth": each has some columns of a and the rows of b that they meet; the products are summed.

Started without mlx.launch, it is one process, which has all.
"""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, TypeAlias

import mlx.core as mx
import numpy as np

import trimetal
from trimetal.runtime import Empty, Kernel

Array: TypeAlias = Any

DUMP = Path(__file__).resolve().parent.parent / "matmul" / "kernel.f32-64x64x16.ttgir"
BLOCK = 64
# The kernel was compiled for sizes that are multiples of this.
MULTIPLE = 16
# Of the largest element.
TOLERANCE = 2e-6


def product(kernel: Kernel, a: Array, b: Array) -> Array:
    """a @ b, of sizes that are multiples of 16, as a new array."""
    (m, k), n = a.shape, b.shape[1]
    grid = -(-m // BLOCK) * -(-n // BLOCK)
    (c,) = kernel.results((grid,), a, b, Empty((m, n), "float32"), m, n, k, k, n, n)
    return c


def share(group: Any, length: int) -> tuple[int, slice]:
    """How much of a dimension each process has, and which of it is this one's.

    It is a multiple of 16, so that all shares together may be longer than the dimension.
    """
    size = -(-length // (group.size() * MULTIPLE)) * MULTIPLE
    return size, slice(group.rank() * size, (group.rank() + 1) * size)


def by_rows(kernel: Kernel, group: Any, a: Array, b: Array) -> Array:
    """The product where each process has some rows of a."""
    size, own = share(group, a.shape[0])
    part = _padded(a[own], size, axis=0)
    return mx.distributed.all_gather(product(kernel, part, b), group=group)[: a.shape[0]]


def by_depth(kernel: Kernel, group: Any, a: Array, b: Array) -> Array:
    """The product where each process has some columns of a, and those rows of b."""
    size, own = share(group, a.shape[1])
    left, right = _padded(a[:, own], size, axis=1), _padded(b[own], size, axis=0)
    return mx.distributed.all_sum(product(kernel, left, right), group=group)


def _padded(array: Array, size: int, axis: int) -> Array:
    """The array with zeros behind it, up to a size in one dimension."""
    widths = [(0, 0), (0, 0)]
    widths[axis] = (0, size - array.shape[axis])
    return mx.contiguous(mx.pad(array, widths))


def main(arguments: list[str]) -> int:
    """Run both ways; 0 where every process has the right product."""
    parser = argparse.ArgumentParser(prog="examples.distributed", description=__doc__)
    parser.add_argument(
        "--size", type=int, nargs=3, default=(304, 192, 208), metavar=("M", "N", "K")
    )
    m, n, k = parser.parse_args(arguments).size
    group = mx.distributed.init()
    kernel = trimetal.runtime.compile(trimetal.transpile(DUMP))
    # The same numbers in every process, which looks at its part alone.
    random = np.random.default_rng(0)
    a, b = (random.standard_normal(shape).astype(np.float32) for shape in ((m, k), (k, n)))
    expected = a.astype(np.float64) @ b.astype(np.float64)
    status = 0
    for name, run in (("rows", by_rows), ("depth", by_depth)):
        found = np.array(run(kernel, group, mx.array(a), mx.array(b)))
        error = float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))
        ok = error <= TOLERANCE
        status |= not ok
        verdict = "ok" if ok else "WRONG"
        print(
            f"process {group.rank()} of {group.size()}: {name}: error {error:.1e} {verdict}\n",
            end="",
        )
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
