# pyright: basic
"""The probe of the lanes' elements, on the CPU device."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import trimetal
from tests.device import compiled
from trimetal.transpiler.lane_map import lane_map_probe

from ..lower.support import poison

TYPES = {"f32": np.dtype("f4"), "f16": np.dtype("f2"), "bf16": np.dtype(ml_dtypes.bfloat16)}


@pytest.mark.parametrize("dtype", TYPES)
def test_the_probe_gives_what_the_compiler_expects(dtype: str) -> None:
    """Reading and writing the elements, and the text is what Apple's compiler would take."""
    probe = lane_map_probe(dtype)
    assert trimetal.check(probe.shader.source) == []
    matrix = np.array(probe.matrix).astype(TYPES[dtype])
    held, written = (poison(64, "u2" if dtype == "bf16" else TYPES[dtype].str) for _ in range(2))
    held, written = held.view(TYPES[dtype]), written.view(TYPES[dtype])
    compiled(probe.shader)(1, matrix, held, written)
    assert held.astype(int).tolist() == list(probe.held)
    assert written.astype(int).tolist() == list(probe.written)


def test_the_map_is_one_of_all_elements() -> None:
    """Each element has one place; neighbours in a row are a lane's two elements."""
    probe = lane_map_probe()
    assert sorted(probe.held) == list(range(64)) == sorted(probe.written)
    assert all(
        second == first + 1 for first, second in zip(probe.held[::2], probe.held[1::2], strict=True)
    )
    # As MLX has it: lane 5 holds row 2, columns 2 and 3; lane 31 row 7, columns 6 and 7.
    assert probe.held[10:12] == (18, 19)
    assert probe.held[62:] == (62, 63)
