# pyright: basic
"""What the loop of a product does on each generation, and how long its text is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import trimetal
from trimetal import runtime
from trimetal.runtime import Profile

from .support import random

DUMPS = sorted((Path(__file__).parents[2] / "examples" / "matmul").glob("*.ttgir"))
SIZE = 128


def counted(path: Path, target: str, depth: int) -> Profile:
    """The counts of a product of 128 rows and columns."""
    shader = trimetal.transpile(path, target=target)
    dtype = "f2" if "f16" in path.name else "f4"
    a, b = random((SIZE, depth), dtype, 1), random((depth, SIZE), dtype, 2)
    out = np.zeros((SIZE, SIZE), dtype)
    m, n, _ = map(int, path.name.split("-")[1].split(".")[0].split("x"))
    kernel = runtime.compile(shader, "cpu")
    sizes = (SIZE, SIZE, depth, depth, SIZE, SIZE)
    return kernel.profile(((SIZE // m) * (SIZE // n),), a, b, out, *sizes)


@pytest.mark.parametrize("target", ["m1", "m3"])
@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.name)
def test_a_step_of_a_product(path: Path, target: str) -> None:
    """Two multiplies a fragment load; two barriers where operands are staged, else none."""
    block = int(path.name.split("x")[-1].split("-")[0].split(".")[0])
    few, many = counted(path, target, 64), counted(path, target, 192)
    turns = (192 - 64) // block * many.threadgroups
    multiplies = many.multiply_accumulates - few.multiply_accumulates
    assert multiplies == SIZE * SIZE * (192 - 64) // 8**3
    assert multiplies >= 2 * (many.fragment_loads - few.fragment_loads)
    staged = many.threadgroup.bytes_stored - few.threadgroup.bytes_stored
    assert many.barriers - few.barriers == (2 * turns if staged else 0)
    assert (staged == 0) == (target == "m3" and "any" not in path.name)
    assert many.threadgroup.fragment_stores == 0


@pytest.mark.parametrize("target", ["m1", "m2", "m3", "m4", "m5"])
@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.name)
def test_the_text_is_short(path: Path, target: str) -> None:
    """At most 120 lines, with all helpers."""
    assert trimetal.transpile(path, target=target).source.count("\n") <= 120
