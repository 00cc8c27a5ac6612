"""Whether a launch writes every element of an array: never claimed wrongly, seen where plain."""

from __future__ import annotations

import numpy as np
import pytest

import trimetal
from examples.demo import HERE
from tests.lower.support import blocked, module
from trimetal.runtime import compile
from trimetal.transpiler.coverage import coverage_from_text, coverage_to_text, covers

LINE = blocked([1], [32], [4])


def kernel(size: int, body: str, arguments: str = "%n: i32, %m: i32") -> str:
    """A kernel that stores 1 at out + %offsets where %mask holds, both of which `body` makes."""
    i32, i1 = f"tensor<{size}xi32, {LINE}>", f"tensor<{size}xi1, {LINE}>"
    ptr, i8 = f"tensor<{size}x!tt.ptr<i8>, {LINE}>", f"tensor<{size}xi8, {LINE}>"
    return module(f"""
  tt.func public @cover(%out: !tt.ptr<i8>, {arguments}) {{
    %x = tt.get_program_id x : i32
    %y = tt.get_program_id y : i32
    %range = tt.make_range {{end = {size} : i32, start = 0 : i32}} : {i32}
    %size = arith.constant {size} : i32
    %zero = arith.constant 0 : i32
    %one = arith.constant 1 : i32
    %ones = arith.constant dense<1> : {i8}
    %n_s = tt.splat %n : i32 -> {i32}
    %m_s = tt.splat %m : i32 -> {i32}
    {body.replace("I32", i32).replace("I1", i1).replace("PTR", ptr).replace("I8", i8)}
    tt.return
  }}""")


STORE = """%out_s = tt.splat %out : !tt.ptr<i8> -> PTR
    %out_p = tt.addptr %out_s, %offsets : PTR, I32
    tt.store %out_p, %ones, %mask : PTR"""
BLOCK = f"""%start = arith.muli %x, %size : i32
    %start_s = tt.splat %start : i32 -> I32
    %offsets = arith.addi %start_s, %range : I32
    %mask = arith.cmpi slt, %offsets, %n_s : I32
    {STORE}"""
ROWS = f"""%start = arith.muli %x, %m : i32
    %start_s = tt.splat %start : i32 -> I32
    %offsets = arith.addi %start_s, %range : I32
    %mask = arith.cmpi sgt, %n_s, %range : I32
    {STORE}"""
TWO_MASKS = f"""%start = arith.muli %x, %m : i32
    %start_s = tt.splat %start : i32 -> I32
    %offsets = arith.addi %start_s, %range : I32
    %in_row = arith.cmpi slt, %range, %m_s : I32
    %in_all = arith.cmpi sle, %offsets, %n_s : I32
    %mask = arith.andi %in_row, %in_all : I1
    {STORE}"""
REVERSED = f"""%start = arith.muli %x, %size : i32
    %start_s = tt.splat %start : i32 -> I32
    %sum = arith.addi %start_s, %range : I32
    %offsets = arith.subi %n_s, %sum : I32
    %mask = arith.cmpi sle, %sum, %n_s : I32
    {STORE}"""
SHIFTED = f"""%start = arith.muli %x, %size : i32
    %start_s = tt.splat %start : i32 -> I32
    %sum = arith.addi %start_s, %range : I32
    %offsets = arith.addi %sum, %m_s : I32
    %mask = arith.cmpi slt, %offsets, %n_s : I32
    {STORE}"""
STRIDED = f"""%start = arith.muli %x, %m : i32
    %start_s = tt.splat %start : i32 -> I32
    %scaled = arith.muli %range, %m_s : I32
    %offsets = arith.addi %start_s, %scaled : I32
    %mask = arith.cmpi slt, %offsets, %n_s : I32
    {STORE}"""
LOOP = f"""scf.for %k = %zero to %n step %size : i32 {{
    %start = arith.muli %x, %m : i32
    %start_s = tt.splat %start : i32 -> I32
    %k_s = tt.splat %k : i32 -> I32
    %cols = arith.addi %k_s, %range : I32
    %offsets = arith.addi %start_s, %cols : I32
    %mask = arith.cmpi slt, %cols, %n_s : I32
    {STORE}
    }}"""
BRANCH = f"""%start = arith.muli %x, %size : i32
    %start_s = tt.splat %start : i32 -> I32
    %offsets = arith.addi %start_s, %range : I32
    %mask = arith.cmpi slt, %offsets, %n_s : I32
    %run = arith.cmpi slt, %x, %m : i32
    scf.if %run {{
    {STORE}
    }}"""
PLANE = f"""%start = arith.muli %y, %m : i32
    %column = arith.muli %x, %size : i32
    %column_s = tt.splat %column : i32 -> I32
    %start_s = tt.splat %start : i32 -> I32
    %cols = arith.addi %column_s, %range : I32
    %offsets = arith.addi %start_s, %cols : I32
    %mask = arith.cmpi slt, %cols, %m_s : I32
    {STORE}"""
BODIES = {
    "block": BLOCK,
    "rows": ROWS,
    "two masks": TWO_MASKS,
    "reversed": REVERSED,
    "shifted": SHIFTED,
    "strided": STRIDED,
    "loop": LOOP,
    "branch": BRANCH,
    "plane": PLANE,
}


def claimed(shader: trimetal.Shader, size: int, grid: tuple[int, int, int], *given: int) -> bool:
    """Whether the shader's note says that each of `size` elements is written."""
    numbers = dict(enumerate(given, start=1))
    stores = coverage_from_text(shader.arguments[0].stores)
    assert not shader.arguments[0].read
    return any(covers(store, size, grid, numbers) for store in stores)


@pytest.mark.parametrize("name", BODIES)
def test_nothing_is_claimed_that_is_not_written(name: str) -> None:
    shader = trimetal.transpile(kernel(16, BODIES[name]))
    run = compile(shader, "cpu")
    random = np.random.default_rng()
    room = 4096
    for _ in range(300):
        grid = int(random.integers(1, 6)), int(random.integers(1, 4)), 1
        n, m = int(random.integers(0, 40)), int(random.integers(0, 24))
        out = np.zeros(2 * room, np.uint8)
        run(grid, out[room:], n, m)  # some offsets are below 0
        written = int(np.argmin(out[room:]))
        size = int(random.integers(1, 100))
        for each in (size, max(written, 1), written + 1):
            assert not claimed(shader, each, grid, n, m) or each <= written, (grid, n, m, each)


@pytest.mark.parametrize(
    ("name", "grid", "n", "m", "size"),
    [
        ("block", (3, 1, 1), 48, 0, 48),
        ("block", (3, 1, 1), 41, 0, 41),
        ("block", (3, 1, 1), 1000, 0, 48),
        ("rows", (5, 1, 1), 11, 11, 55),
        ("rows", (5, 1, 1), 16, 16, 80),
        ("two masks", (4, 1, 1), 39, 10, 40),
        ("strided", (7, 1, 1), 200, 1, 22),
        ("loop", (4, 1, 1), 35, 35, 140),
        ("plane", (3, 4, 1), 0, 40, 160),
    ],
)
def test_what_is_plain_is_seen(
    name: str, grid: tuple[int, int, int], n: int, m: int, size: int
) -> None:
    shader = trimetal.transpile(kernel(16, BODIES[name]))
    assert claimed(shader, size, grid, n, m)
    assert not claimed(shader, size + 1, grid, n, m)


@pytest.mark.parametrize("name", ["reversed", "branch"])
def test_what_is_not_seen_through_is_not_claimed(name: str) -> None:
    shader = trimetal.transpile(kernel(16, BODIES[name]))
    assert not claimed(shader, 1, (4, 1, 1), 63, 4)


def test_offsets_that_wrap_are_no_proof() -> None:
    shader = trimetal.transpile(kernel(16, BLOCK))
    size = 2**31 - 1
    assert claimed(shader, size, (2**27, 1, 1), size)
    assert not claimed(shader, size + 1, (2**27 + 1, 1, 1), size)
    assert not claimed(shader, 2, (2**27, 1, 1), -(2**31))


def test_a_kernel_that_reads_what_it_writes_is_no_case() -> None:
    body = BLOCK.replace("tt.store", "%old = tt.load %out_p, %mask : PTR\n    tt.store")
    read = trimetal.transpile(kernel(16, body.replace("%ones, %mask", "%old, %mask")))
    assert read.arguments[0].read
    assert not read.arguments[0].stores


@pytest.mark.parametrize(
    ("dump", "grid", "numbers", "index", "size"),
    [
        ("vector_add/kernel.f16", (3, 1, 1), {3: 3000}, 2, 3000),
        ("softmax/kernel.f32-1024", (7, 1, 1), {2: 1008, 3: 1008, 4: 1008}, 0, 7056),
        ("layer_norm/kernel.f32", (7, 1, 1), {6: 5000, 7: 5000, 8: 1e-5}, 1, 35000),
        ("layer_norm/kernel.f32", (7, 1, 1), {6: 5000, 7: 5000, 8: 1e-5}, 4, 7),
        ("row_sum/kernel.f32", (3, 1, 1), {2: 40, 3: 256, 4: 256}, 1, 40),
    ],
)
def test_the_examples(
    dump: str, grid: tuple[int, int, int], numbers: dict[int, float], index: int, size: int
) -> None:
    shader = trimetal.transpile(HERE / f"{dump}.ttgir")
    (store,) = coverage_from_text(shader.arguments[index].stores)
    assert covers(store, size, grid, numbers)
    assert not covers(store, size + 1, grid, numbers)
    assert coverage_from_text(coverage_to_text([store])) == (store,)
