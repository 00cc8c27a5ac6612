# pyright: basic
"""One dot, of every size and element type, against numpy in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from ..lower.support import Array, poison, run
from .support import errors, one_dot, random

SHAPES = [
    (16, 16, 16),
    (32, 64, 16),
    (64, 64, 64),
    (16, 128, 32),
    (128, 16, 32),
    (8, 8, 8),
    (1, 32, 16),
    (16, 4, 16),
    (2, 2, 4),
    (16, 1, 8),
    (16, 16, 1),
    (64, 32, 256),
]


def reference(a: Array, b: Array, c: Array) -> Array:
    """The exact result, as nearly as double precision gives it."""
    return a.astype(np.float64) @ b.astype(np.float64) + c.astype(np.float64)


@pytest.mark.parametrize("warps", [1, 4, 8])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_f32(shape: tuple[int, int, int], warps: int) -> None:
    """Sums of products in float, whatever the block and the number of simdgroups."""
    m, n, k = shape
    a, b, c = random((m, k), np.float32, 1), random((k, n), np.float32, 2), random((m, n), "f4", 3)
    out = poison((m, n), "f4")
    run(one_dot(shape, "f32 f32 f32", warps), (1,), a, b, c, out)
    exact = reference(a, b, c)
    assert errors(out, exact) <= 2 * errors(a @ b + c, exact) + 2e-7


@pytest.mark.parametrize("shape", [(16, 16, 16), (64, 64, 64), (2, 32, 16)], ids=str)
@pytest.mark.parametrize("kinds", ["f16 f16 f32", "f16 f16 f16"])
def test_f16(shape: tuple[int, int, int], kinds: str) -> None:
    """Half operands; sums in float are rounded once."""
    m, n, k = shape
    out_type = np.float16 if kinds.endswith("f16") else np.float32
    a, b, c = random((m, k), "f2", 1), random((k, n), "f2", 2), random((m, n), out_type, 3)
    out = poison((m, n), np.dtype(out_type).str)
    run(one_dot(shape, kinds), (1,), a, b, c, out)
    exact = reference(a, b, c)
    single = (a.astype("f4") @ b.astype("f4") + c).astype(out_type)
    assert errors(out, exact) <= 2 * errors(single, exact) + 2e-7


BLOCKS = [(16, 16, 32, 1), (16, 16, 16, 16), (256, 16, 32, 4), (64, 256, 64, 2)]
BLOCKS += [(128, 128, 32, 1), (256, 128, 32, 16), (256, 256, 32, 8), (256, 256, 64, 1)]


@pytest.mark.parametrize("target", ["m1", "m3"])
@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_blocks_and_warps(block: tuple[int, int, int, int], target: str) -> None:
    """From 16 x 16 to 256 x 256, from 1 to 16 of Triton's warps; within what a threadgroup has."""
    m, n, k, warps = block
    a, b, c = random((m, k), "f2", 1), random((k, n), "f2", 2), random((m, n), "f4", 3)
    out = poison((m, n), "f4")
    shader = run(one_dot((m, n, k), "f16 f16 f32", warps), (1,), a, b, c, out, target=target)
    exact = reference(a, b, c)
    assert errors(out, exact) <= 2 * errors(a.astype("f4") @ b.astype("f4") + c, exact) + 2e-7
    simdgroups = shader.threads_per_threadgroup // 32
    assert shader.threadgroup_memory <= 32768
    assert warps <= simdgroups <= 32
    # 64 registers for sums, as long as there may be more simdgroups.
    assert 2 * m * n // 64 // simdgroups <= 64


@pytest.mark.parametrize("shape", [(16, 16, 16), (32, 64, 128), (16, 16, 2048)], ids=str)
def test_i8(shape: tuple[int, int, int]) -> None:
    """8-bit integers are summed exactly."""
    m, n, k = shape
    a, b, c = random((m, k), "i1", 1), random((k, n), "i1", 2), random((m, n), "i4", 3)
    a[:], b[: k // 2] = np.where(a > 0, 127, -128), np.where(b[: k // 2] > 0, 127, -128)
    out = poison((m, n), "i4")
    run(one_dot(shape, "i8 i8 i32"), (1,), a, b, c, out)
    assert np.array_equal(out, a.astype(np.int32) @ b.astype(np.int32) + c)


@pytest.mark.parametrize("target", ["m1", "m3"])
def test_slices(target: str) -> None:
    """What threadgroup memory does not hold at once goes through it in slices of K."""
    shape = (128, 128, 128)
    a, b, c = (random((128, 128), "f4", seed) for seed in (1, 2, 3))
    out = poison((128, 128), "f4")
    shader = run(one_dot(shape, "f32 f32 f32", 8), (1,), a, b, c, out, target=target)
    assert (shader.threadgroup_memory > 0) == (target == "m1")
    exact = reference(a, b, c)
    assert errors(out, exact) <= 2 * errors(a @ b + c, exact) + 2e-7
