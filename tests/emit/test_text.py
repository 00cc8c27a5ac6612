"""The MSL text itself: readable, of a size that follows the ops, and always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import trimetal

EXAMPLES = Path(__file__).parents[2] / "examples"
PINNED = (
    "vector_add/kernel.f32",
    "vector_add/kernel.f16",
    "softmax/kernel.f32-1024",
    "softmax/kernel.f32-1024-any",
    "layer_norm/kernel.f16",
    "row_sum/kernel.f32",
)


def source_of(name: str) -> str:
    """The MSL of an example's dump."""
    return trimetal.transpile(EXAMPLES / f"{name}.ttgir").source


@pytest.mark.parametrize("name", PINNED)
def test_golden(name: str, golden: Callable[..., None]) -> None:
    text = source_of(name)
    assert not trimetal.check(text)
    golden(text, ".metal")


def test_vector_add_reads_as_written_by_hand() -> None:
    text = source_of("vector_add/kernel.f32")
    assert text.count("\n") <= 30
    assert "const float4 x = *(device const float4*)" in text
    assert "x + y" in text
    assert "kernel.py:" in text


def test_lines_are_at_most_100_columns() -> None:
    for name in PINNED:
        code = [line.split("  //")[0] for line in source_of(name).split("\n")]
        assert max(map(len, code)) <= 100, name


def test_the_same_input_gives_the_same_bytes() -> None:
    program = (
        "import sys, trimetal\nfor path in sys.argv[1:]: print(trimetal.transpile(path).source)"
    )
    paths = [str(EXAMPLES / f"{name}.ttgir") for name in PINNED]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, *paths],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=EXAMPLES.parent,
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1
