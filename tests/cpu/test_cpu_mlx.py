"""MLX's arrays on the CPU device."""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest

import trimetal
from trimetal.runtime.arrays import mlx_address

DUMP = Path(__file__).resolve().parents[2] / "examples/vector_add/kernel.f32.ttgir"


@pytest.mark.parametrize("start", range(4))
def test_an_array_may_begin_anywhere(start: int) -> None:
    """MLX promises the alignment of an element; the kernel was compiled for 16 bytes."""
    kernel = trimetal.runtime.compile(trimetal.transpile(DUMP), "cpu")
    whole = np.random.default_rng().standard_normal((2, 1040)).astype(np.float32)
    x, y = (mx.array(row)[start : start + 1024] for row in whole)
    mx.eval(x, y)
    out = mx.zeros((1024,))
    kernel((1,), x, y, out, 1024)
    expected = whole[0, start : start + 1024] + whole[1, start : start + 1024]
    np.testing.assert_array_equal(np.array(out), expected)
    np.testing.assert_array_equal(np.array(x), whole[0, start : start + 1024])


def test_the_starts_are_not_all_aligned() -> None:
    array = mx.zeros((1040,))
    addresses = [mlx_address(array[start : start + 1024]) for start in range(4)]
    assert any(address % 16 for address in addresses)
