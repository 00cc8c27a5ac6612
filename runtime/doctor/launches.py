"""The cases of the self-test: what is launched, and what must come out.

Inputs are random, outputs are poisoned, and what is expected is computed in float64 or in integers.
The map of which lane holds which elements of a SIMD-group matrix, which Apple does not document,
has a probe of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from trimetal.runtime.arguments import AnyArray
from trimetal.runtime.shaders import cached_shader
from trimetal.transpiler.lane_map import lane_map_probe
from trimetal.transpiler.shader import Shader

from .kernels import dump_path

# Of the largest element: single precision with a sum before it, and half.
_F32, _F16 = 2e-6, 1e-3


@dataclass(frozen=True)
class Launch:
    """A launch of a kernel: `expected` is what its last arrays must hold, within a tolerance.

    The tolerance is relative to the largest element; 0 means the very numbers.
    """

    grid: tuple[int, ...]
    arguments: tuple[AnyArray, ...]
    expected: tuple[AnyArray, ...]
    tolerance: float = 0.0


@dataclass(frozen=True)
class Case:
    """A kernel, by target, and a launch of it."""

    name: str
    shader: Callable[[str], Shader]
    launch: Callable[[np.random.Generator], Launch]


def _poison(shape: int | tuple[int, ...], dtype: str) -> AnyArray:
    array: AnyArray = np.empty(shape, dtype)
    array.view(np.uint8)[...] = 0xA5
    return array


def _normal(random: np.random.Generator, shape: int | tuple[int, ...], dtype: str) -> AnyArray:
    return random.standard_normal(shape).astype(dtype)


def _add(random: np.random.Generator) -> Launch:
    n = 10_007
    x, y = (_normal(random, n, "f4") for _ in range(2))
    expected = x.astype("f8") + y.astype("f8")
    return Launch((-(-n // 1024),), (x, y, _poison(n, "f4"), n), (expected,), _F32)


def _softmax(random: np.random.Generator) -> Launch:
    x = _normal(random, (37, 1003), "f2")
    numerator = np.exp(x.astype("f8") - x.astype("f8").max(axis=1, keepdims=True))
    expected = numerator / numerator.sum(axis=1, keepdims=True)
    return Launch((37,), (x, _poison(x.shape, "f2"), 1003), (expected,), _F16)


def _matmul(random: np.random.Generator) -> Launch:
    m, n, k = 75, 133, 101
    a, b = _normal(random, (m, k), "f2"), _normal(random, (k, n), "f2")
    grid = -(-m // 32), -(-n // 64)
    expected = a.astype("f8") @ b.astype("f8")
    return Launch(grid, (a, b, _poison((m, n), "f4"), m, n, k), (expected,), _F32)


def _transpose(random: np.random.Generator) -> Launch:
    x: AnyArray = random.integers(-(2**31), 2**31, (130, 77)).astype("i4")
    return Launch((3, 2), (x, _poison((77, 130), "i4"), 130, 77), (x.T.astype("i8"),))


def _count(random: np.random.Generator) -> Launch:
    n, values = 5_003, 17
    x, before = random.integers(0, values, n).astype("i4"), random.integers(0, 9, values)
    expected = before + np.bincount(x, minlength=values)
    return Launch((-(-n // 512),), (x, before.astype("i4"), n), (expected,))


def _scan(random: np.random.Generator) -> Launch:
    x = random.integers(-(2**40), 2**40, (19, 509))
    return Launch((19,), (x, _poison(x.shape, "i8"), 509), (np.cumsum(x, axis=1),))


def _rounded(random: np.random.Generator) -> Launch:
    n = 3_001
    x = _normal(random, n, "f4")
    rounded = _to_bfloat(x)
    expected = _to_bfloat(_to_bfloat(rounded * rounded) + np.float32(1))
    grid = (-(-n // 256),)
    return Launch(grid, (x, _poison(n, "f4"), n), (expected.astype("f8"),))


def _to_bfloat(x: AnyArray) -> AnyArray:
    """Numbers of single precision, each rounded to the nearest bfloat (to even)."""
    bits = x.astype("f4").view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view("f4")


def _lane_map(dtype: str, random: np.random.Generator) -> Launch:
    probe = lane_map_probe(dtype)
    # Any 64 numbers would do, but those of the probe are what the expected ones are made of.
    matrix = np.array(probe.matrix).astype(_NAMES[dtype])
    held, written = (_poison(64, _NAMES[dtype]) for _ in range(2))
    expected = tuple(np.array(each, np.float64) for each in (probe.held, probe.written))
    return Launch((1,), (matrix, held, written), expected)


def _dumped(name: str, target: str) -> Shader:
    return cached_shader(dump_path(name).read_text("utf-8"), target, f"{name}.ttgir")


def _probe(dtype: str, target: str) -> Shader:
    return lane_map_probe(dtype).shader


def cases() -> Iterator[Case]:
    """All cases of the self-test."""
    for name, launch in _LAUNCHES.items():
        yield Case(name, partial(_dumped, name), launch)
    for dtype in _NAMES:
        yield Case(f"lane map {dtype}", partial(_probe, dtype), partial(_lane_map, dtype))


_NAMES = {"f32": "f4", "f16": "f2"}
_LAUNCHES: dict[str, Callable[[np.random.Generator], Launch]] = {
    "add": _add,
    "softmax": _softmax,
    "matmul": _matmul,
    "transpose": _transpose,
    "count": _count,
    "scan": _scan,
    "rounded": _rounded,
}
