"""The kernels that are compared, with launches in which every program is full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
REFERENCES = Path(__file__).resolve().parent / "reference"

Array: TypeAlias = NDArray[Any]
Random: TypeAlias = np.random.Generator


@dataclass(frozen=True)
class Launch:
    """A grid, and the arguments; `outputs` are those that are written."""

    grid: tuple[int, ...]
    arguments: tuple[Array | int | float, ...]
    outputs: tuple[Array, ...]

    @property
    def least_bytes(self) -> int:
        """Each array once between memory and the chip."""
        return sum(each.nbytes for each in self.arguments if isinstance(each, np.ndarray))


@dataclass(frozen=True)
class Case:
    """A dump of examples/, and the text in reference/ of a kernel by hand for the same arguments.

    `words` stand in the text for what they say; the kernel by hand has `threads` in a threadgroup.
    `tolerance` bounds how far the two results may be apart, relative to the largest element.
    """

    name: str
    dump: str
    reference: str
    threads: int
    launch: Callable[[Random], Launch]
    tolerance: float
    words: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def dump_path(self) -> Path:
        """The TTGIR."""
        return ROOT / "examples" / f"{self.dump}.ttgir"

    def reference_text(self) -> str:
        """The MSL by hand."""
        text = (REFERENCES / f"{self.reference}.metal").read_text(encoding="utf-8")
        for word, meaning in self.words.items():
            text = text.replace(word, meaning)
        return text


def _normal(random: Random, dtype: str, *shape: int) -> Array:
    return random.standard_normal(shape).astype(dtype)


def _vector_add(random: Random) -> Launch:
    n = 1 << 16
    out = np.zeros(n, np.float32)
    x, y = (_normal(random, "f4", n) for _ in range(2))
    return Launch((n // 1024,), (x, y, out, n), (out,))


def _softmax(random: Random) -> Launch:
    x = _normal(random, "f4", 16, 1024)
    out = np.zeros_like(x)
    return Launch((16,), (out, x, 1024, 1024, 1024), (out,))


def _layer_norm(random: Random) -> Launch:
    rows, columns = 8, 4096
    x, weight, bias = (_normal(random, "f4", *s) for s in ((rows, columns), (columns,), (columns,)))
    out, mean, rstd = np.zeros_like(x), np.zeros(rows, np.float32), np.zeros(rows, np.float32)
    arguments = (x, out, weight, bias, mean, rstd, columns, columns, 1e-5)
    return Launch((rows,), arguments, (out, mean, rstd))


def _row_sum(random: Random) -> Launch:
    x, out = _normal(random, "f4", 64, 256), np.zeros(64, np.float32)
    return Launch((4,), (x, out, 64, 256, 256), (out,))


def _matmul(dtype: str) -> Callable[[Random], Launch]:
    def launch(random: Random) -> Launch:
        size = 256
        a, b = (_normal(random, dtype, size, size) for _ in range(2))
        c = np.zeros_like(a)
        return Launch(((size // 64) ** 2,), (a, b, c, *[size] * 6), (c,))

    return launch


def _attention(random: Random) -> Launch:
    length = 256
    q, k, v = (_normal(random, "f2", 2, length, 64) for _ in range(3))
    out = np.zeros_like(q)
    return Launch((length // 64, 2), (q, k, v, out, length, 0.125), (out,))


# A result in half precision may differ by a unit in the last place, 2^-10 of itself.
F32, F16 = 4e-6, 2e-3
CASES = (
    Case("vector add f32", "vector_add/kernel.f32", "vector_add", 256, _vector_add, F32),
    Case("softmax f32", "softmax/kernel.f32-1024", "softmax", 128, _softmax, F32),
    Case("layer norm f32", "layer_norm/kernel.f32", "layer_norm", 128, _layer_norm, F32),
    Case("row sum f32", "row_sum/kernel.f32", "row_sum", 128, _row_sum, F32),
    Case(
        "matmul f32",
        "matmul/kernel.f32-64x64x16",
        "matmul",
        128,
        _matmul("f4"),
        F32,
        {"ELEMENT": "float", "DEPTH": "16"},
    ),
    Case(
        "matmul f16",
        "matmul/kernel.f16-64x64x32",
        "matmul",
        128,
        _matmul("f2"),
        F16,
        {"ELEMENT": "half", "DEPTH": "32"},
    ),
    Case("attention f16", "attention/kernel.f16-64", "attention", 128, _attention, F16),
)
