"""The demo: python -m examples.demo [--no-source] [--target CHIP]

Transpiles each example, shows the MSL, runs it on this machine's CPU and compares the result with
NumPy in float64. The exit status is 1 when an error is above its tolerance.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import trimetal
from trimetal.cli import highlighted

HERE = Path(__file__).resolve().parent
REPEATS = 5

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Launch:
    """One call of a kernel, and what must be in its outputs afterwards."""

    grid: tuple[int, ...]
    arguments: tuple[Array | int | float, ...]
    expected: tuple[tuple[Array, Array], ...]


@dataclass(frozen=True)
class Case:
    """A dump and a launch of it; `tolerance` bounds the error relative to the largest element."""

    dump: str
    size: str
    launch: Callable[[np.random.Generator], Launch]
    tolerance: float


@dataclass(frozen=True)
class Outcome:
    """What one case measured."""

    case: Case
    error: float
    milliseconds: float

    @property
    def ok(self) -> bool:
        """Whether the error is within the tolerance (a NaN is not)."""
        return self.error <= self.case.tolerance


def vector_add(dtype: str, n: int) -> Callable[[np.random.Generator], Launch]:
    """x + y of n elements, 1,024 a program."""

    def launch(random: np.random.Generator) -> Launch:
        x, y = (random.standard_normal(n).astype(dtype) for _ in range(2))
        out = np.zeros(n, dtype)
        expected = x.astype(np.float64) + y.astype(np.float64)
        return Launch((-(-n // 1024),), (x, y, out, n), ((out, expected),))

    return launch


def softmax(dtype: str, rows: int, cols: int) -> Callable[[np.random.Generator], Launch]:
    """Softmax of each row, one row a program."""

    def launch(random: np.random.Generator) -> Launch:
        x = random.standard_normal((rows, cols)).astype(dtype)
        out = np.zeros_like(x)
        exact = x.astype(np.float64)
        numerator = np.exp(exact - exact.max(axis=1, keepdims=True))
        expected = numerator / numerator.sum(axis=1, keepdims=True)
        return Launch((rows,), (out, x, cols, cols, cols), ((out, expected),))

    return launch


def layer_norm(dtype: str, rows: int, cols: int) -> Callable[[np.random.Generator], Launch]:
    """Each row normalised, one row a program; the means and deviations are outputs too."""

    def launch(random: np.random.Generator) -> Launch:
        eps = 1e-5
        x = (random.standard_normal((rows, cols)) * 2 + 0.5).astype(dtype)
        weight, bias = (random.standard_normal(cols).astype(dtype) for _ in range(2))
        out = np.zeros_like(x)
        mean, rstd = (np.zeros(rows, np.float32) for _ in range(2))
        exact = x.astype(np.float64)
        exact_mean = exact.mean(axis=1, keepdims=True)
        exact_rstd = 1 / np.sqrt(exact.var(axis=1, keepdims=True) + eps)
        normal = (exact - exact_mean) * exact_rstd
        expected = normal * weight.astype(np.float64) + bias.astype(np.float64)
        return Launch(
            (rows,),
            (x, out, weight, bias, mean, rstd, cols, cols, eps),
            ((out, expected), (mean, exact_mean[:, 0]), (rstd, exact_rstd[:, 0])),
        )

    return launch


def row_sum(dtype: str, rows: int, cols: int) -> Callable[[np.random.Generator], Launch]:
    """The sum of each row, 16 rows a program."""

    def launch(random: np.random.Generator) -> Launch:
        x = random.standard_normal((rows, cols)).astype(dtype)
        out = np.zeros(rows, dtype)
        expected = x.astype(np.float64).sum(axis=1)
        return Launch((-(-rows // 16),), (x, out, rows, cols, cols), ((out, expected),))

    return launch


def matmul(dtype: str, size: int) -> Callable[[np.random.Generator], Launch]:
    """The product of two square matrices, 64 x 64 a program."""

    def launch(random: np.random.Generator) -> Launch:
        a, b = (random.standard_normal((size, size)).astype(dtype) for _ in range(2))
        out = np.zeros_like(a)
        expected = a.astype(np.float64) @ b.astype(np.float64)
        return Launch(((size // 64) ** 2,), (a, b, out, *[size] * 6), ((out, expected),))

    return launch


def attention(dtype: str, length: int, dim: int, rows: int) -> Callable[..., Launch]:
    """Attention of two heads, so many rows a program."""

    def launch(random: np.random.Generator) -> Launch:
        shape, scale = (2, length, dim), dim**-0.5
        q, k, v = (random.standard_normal(shape).astype(dtype) for _ in range(3))
        out = np.zeros_like(q)
        exact_q, exact_k, exact_v = (each.astype(np.float64) for each in (q, k, v))
        scores: Array = exact_q @ np.transpose(exact_k, (0, 2, 1)) * scale
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        expected = weights @ exact_v / weights.sum(axis=2, keepdims=True)
        return Launch((length // rows, 2), (q, k, v, out, length, scale), ((out, expected),))

    return launch


# The first case of a kernel shows its MSL. A result in half precision is off by half a unit in the
# last place at most where the sum before it was exact: 2^-11, and a little for the sum.
F32, F16 = 2e-6, 1e-3
CASES = (
    Case("vector_add/kernel.f32", "1,000,000", vector_add("f4", 1_000_000), F32),
    Case("vector_add/kernel.f32-any", "1,000,003", vector_add("f4", 1_000_003), F32),
    Case("vector_add/kernel.f16", "1,000,000", vector_add("f2", 1_000_000), F16),
    Case("softmax/kernel.f32-1024", "512 x 1008", softmax("f4", 512, 1008), F32),
    Case("softmax/kernel.f32-1024-any", "512 x 781", softmax("f4", 512, 781), F32),
    Case("softmax/kernel.f32-256", "512 x 256", softmax("f4", 512, 256), F32),
    Case("softmax/kernel.f32-8192", "128 x 8192", softmax("f4", 128, 8192), F32),
    Case("softmax/kernel.f16-1024", "512 x 1024", softmax("f2", 512, 1024), F16),
    Case("layer_norm/kernel.f32", "256 x 2560", layer_norm("f4", 256, 2560), F32),
    Case("layer_norm/kernel.f32-any", "256 x 2501", layer_norm("f4", 256, 2501), F32),
    Case("layer_norm/kernel.f16", "256 x 2560", layer_norm("f2", 256, 2560), F16),
    Case("row_sum/kernel.f32", "1,000 x 256", row_sum("f4", 1000, 256), F32),
    Case("row_sum/kernel.f32-any", "1,000 x 219", row_sum("f4", 1000, 219), F32),
    Case("row_sum/kernel.f16", "1,000 x 256", row_sum("f2", 1000, 256), F16),
    Case("matmul/kernel.f32-64x64x16", "192^3", matmul("f4", 192), F32),
    Case("matmul/kernel.f16-64x64x32", "192^3", matmul("f2", 192), F16),
    Case("attention/kernel.f16-64", "2 x 128 x 64", attention("f2", 128, 64, 64), F16),
    Case("attention/kernel.f32-32", "2 x 128 x 32", attention("f4", 128, 32, 32), F32),
)


def run_case(case: Case, shader: trimetal.Shader) -> Outcome:
    """Launch one case on the CPU device: its largest error, and the median time of a launch."""
    launch = case.launch(np.random.default_rng(0))
    kernel = trimetal.runtime.compile(shader, device="cpu")
    kernel(launch.grid, *launch.arguments)
    error = max(_relative_error(out, expected) for out, expected in launch.expected)
    times: list[float] = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        kernel(launch.grid, *launch.arguments)
        times.append(time.perf_counter() - start)
    return Outcome(case, error, statistics.median(times) * 1e3)


def _relative_error(out: Array, expected: Array) -> float:
    difference = np.abs(out.astype(np.float64) - expected)
    return float(np.max(difference) / np.max(np.abs(expected)))


def table(outcomes: list[Outcome]) -> str:
    """The outcomes as aligned lines."""
    header = ("kernel", "size", "error", "allowed", "ms", "")
    rows = [header, *(_row(outcome) for outcome in outcomes)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(outcome: Outcome) -> tuple[str, ...]:
    case = outcome.case
    return (
        case.dump.replace("/kernel.", " "),
        case.size,
        f"{outcome.error:.1e}",
        f"{case.tolerance:.0e}",
        f"{outcome.milliseconds:.2f}",
        "ok" if outcome.ok else "WRONG",
    )


def main(arguments: list[str]) -> int:
    """Run the demo; 0 when every result is within its tolerance."""
    parser = argparse.ArgumentParser(prog="examples.demo", description="Transpile, show and run.")
    parser.add_argument("--no-source", action="store_true", help="do not show the MSL")
    parser.add_argument("--target", default="m3", help="the chip to transpile for")
    options = parser.parse_args(arguments)
    outcomes: list[Outcome] = []
    shown: set[str] = set()
    for case in CASES:
        shader = trimetal.transpile(HERE / f"{case.dump}.ttgir", target=options.target)
        if shader.name not in shown and not options.no_source:
            print(f"==== examples/{case.dump}.ttgir\n\n{highlighted(shader.source)}")
        shown.add(shader.name)
        outcomes.append(run_case(case, shader))
    print("On this machine's CPU; the error is the largest one, relative to the largest element.\n")
    print(table(outcomes))
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
