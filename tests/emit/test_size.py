"""The MSL's length follows the number of ops in the TTGIR, and not the size of the tile.

Tiles that threadgroup memory cannot hold at once are another matter: they are exchanged in rounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import trimetal
from tests.dot.support import one_dot
from tests.lower.support import blocked
from tests.lower.test_convert_layout import convert_kernel
from tests.lower.test_reduce import reduce_kernel
from tests.memory.support import LINE
from tests.memory.test_atomics import histogram_kernel
from tests.shape.support import blocked_layout, kernel, tensor
from tests.shape.test_scan import scan

EXAMPLES = Path(__file__).parents[2] / "examples"
TILE = blocked([1, 4], [4, 8], [4, 1])
TURNED = blocked([4, 1], [8, 4], [1, 4], [0, 1])


def example(name: str) -> str:
    """The text of an example's dump."""
    return (EXAMPLES / f"{name}.ttgir").read_text(encoding="utf-8")


def elementwise(size: int) -> str:
    """out = select(x < y, x * y, x + y)"""
    line = blocked_layout((size,), [4], [32], [4])
    floats, bools = tensor(line, "f32"), tensor(line, "i1")
    body = f"""
    %less = arith.cmpf olt, %x0, %x1 : {floats}
    %product = arith.mulf %x0, %x1 : {floats}
    %sum = arith.addf %x0, %x1 : {floats}
    %y = arith.select %less, %product, %sum : {bools}, {floats}"""
    return kernel([(line, "f32"), (line, "f32")], body, [("%y", line, "f32")])


def gather(size: int) -> str:
    """out[i] = x[at[i]]"""
    line = blocked_layout((size,), [4], [32], [4])
    types = f"({tensor(line, 'f32')}, {tensor(line, 'i32')}) -> {tensor(line, 'f32')}"
    body = f"%y = tt.gather %x0[%x1] {{axis = 0 : i32}} : {types}"
    return kernel([(line, "f32"), (line, "i32")], body, [("%y", line, "f32")])


def histogram(size: int) -> str:
    """How often each of 128 numbers is there."""
    line, bins = (blocked_layout((n,), [1], [32], [4]) for n in (size, 128))
    body = f"%y = tt.histogram %x0 : {tensor(line, 'i32')} -> {tensor(bins, 'i32')}"
    return kernel([(line, "i32")], body, [("%y", bins, "i32")])


def scanned(size: int) -> str:
    """Running sums along rows."""
    layout = blocked_layout((size // 64, 64), [1, 4], [4, 8], [4, 1])
    body = scan(layout, "i32", 1, False, "arith.addi")
    return kernel([(layout, "i32")], body, [("%y", layout, "i32")])


KERNELS: dict[str, tuple[Callable[[int], str], int, int]] = {
    "elementwise": (elementwise, 1024, 16384),
    "row sums": (lambda n: reduce_kernel((n, 64), 1, "f32", "arith.addf", TILE), 32, 256),
    "column maxima": (lambda n: reduce_kernel((n, 64), 0, "f32", "arith.maxnumf", TILE), 32, 256),
    "scan": (scanned, 2048, 16384),
    "gather": (gather, 1024, 4096),
    "histogram": (histogram, 1024, 8192),
    "transposition": (lambda n: convert_kernel((n, 32), "f32", TILE, TURNED), 32, 128),
    "dot": (lambda n: one_dot((n, n, 32), "f32 f32 f32"), 32, 64),
    "softmax": (lambda n: example(f"softmax/kernel.f32-{n}"), 256, 8192),
    "atomics": (lambda n: histogram_kernel("i32", n, LINE), 512, 4096),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_larger_tile_gives_no_longer_text(name: str) -> None:
    make, small, large = KERNELS[name]
    ops = [len(re.findall(r"^ +(%|tt\.|scf\.)", make(n), re.MULTILINE)) for n in (small, large)]
    assert ops[0] == ops[1]
    lines = [trimetal.transpile(make(n)).source.count("\n") for n in (small, large)]
    assert abs(lines[1] - lines[0]) <= 0.2 * lines[0], lines
