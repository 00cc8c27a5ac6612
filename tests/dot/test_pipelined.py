# pyright: basic
"""Dumps of loops that other GPUs' backends pipelined: ahead of use, into rings of buffers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ..lower.support import Array, poison, run
from .support import errors, random

DUMPS = Path(__file__).parent / "dumps"
KINDS = ["cuda80", "cuda90", "gfx942", "gfx942-3"]


def text(kernel: str, kind: str) -> str:
    """A dump."""
    return (DUMPS / f"{kernel}.{kind}.ttgir").read_text(encoding="utf-8")


@pytest.mark.parametrize("sizes", [(128, 128, 32), (256, 144, 112), (144, 272, 16)], ids=str)
@pytest.mark.parametrize("target", ["m1", "m3"])
@pytest.mark.parametrize("kind", KINDS)
def test_product(kind: str, target: str, sizes: tuple[int, int, int]) -> None:
    """One to four turns, the last one in part."""
    m, n, k = sizes
    a, b, out = random((m, k), "f2", 1), random((k, n), "f2", 2), poison((m, n), "f2")
    run(text("product", kind), (-(-m // 128), -(-n // 128)), a, b, out, m, n, k, target=target)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    single = (a.astype(np.float32) @ b.astype(np.float32)).astype(np.float16)
    assert errors(out, exact) <= 2 * errors(single, exact)


def softmax(q: Array, k: Array, v: Array, scale: float) -> Array:
    """The exact result; `scale` is for powers of two."""
    scores = q.astype(np.float64) @ k.astype(np.float64).T * scale
    weights = np.exp2(scores - scores.max(1, keepdims=True))
    return weights @ v.astype(np.float64) / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("length", [128, 384])
@pytest.mark.parametrize("target", ["m1", "m3"])
@pytest.mark.parametrize("kind", KINDS)
def test_attention(kind: str, target: str, length: int) -> None:
    q, k, v = (random((length, 64), "f2", seed) for seed in (1, 2, 3))
    out = poison((length, 64), "f2")
    run(text("attention", kind), (length // 128,), q, k, v, out, length, 0.25, target=target)
    assert errors(out, softmax(q, k, v, 0.25)) <= 2e-3


@pytest.mark.parametrize("kernel", ["product", "attention"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_ring_is_left(kernel: str, kind: str) -> None:
    """The memory is that of one tile each, or none."""
    size = (384, 64) if kernel == "attention" else (128, 128)
    arrays = [random(size, "f2", seed) for seed in range(4 if kernel == "attention" else 3)]
    scalars = (384, 0.25) if kernel == "attention" else (128, 128, 128)
    grid = (3,) if kernel == "attention" else (1, 1)
    shader = run(text(kernel, kind), grid, *arrays, *scalars)
    assert shader.threadgroup_memory <= 2 * 64 * (64 + 8) * 2
    if kind.startswith("cuda"):  # turns behind a loop choose whether they count
        assert "select" not in shader.source


@pytest.mark.parametrize("kind", ["cuda80", "cuda90"])
def test_parts_of_k_are_one_dot(kind: str) -> None:
    """Loaded directly, once."""
    a, b, out = (random((128, 128), "f2", seed) for seed in range(3))
    shader = run(text("product", kind), (1, 1), a, b, out, 128, 128, 128)
    assert shader.source.count("simdgroup_multiply_accumulate(") == 1
    assert shader.threadgroup_memory == 0


@pytest.mark.parametrize("kind", ["gfx942", "gfx942-3"])
def test_turns_behind_a_loop_go_on_with_its_sums(kind: str) -> None:
    """All in one array of matrices, loaded directly."""
    a, b, out = (random((128, 128), "f2", seed) for seed in range(3))
    shader = run(text("product", kind), (1, 1), a, b, out, 128, 128, 128)
    assert shader.source.count("simdgroup_float8x8") == 1
    assert shader.threadgroup_memory == 0
