"""The report of a shader: exact where it says so, and equal to what the CPU device counts."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import trimetal
from trimetal import runtime
from trimetal.cli import report_text
from trimetal.transpiler.analysis.registers import registers_per_thread
from trimetal.transpiler.dialects import arith, metal
from trimetal.transpiler.ir.attributes import StringAttr
from trimetal.transpiler.ir.core import Block, Value
from trimetal.transpiler.ir.types import F16, F32, I32, ArrayType, Type, VectorType
from trimetal.transpiler.lower.builder import Builder
from trimetal.transpiler.report import Report, resident_threads
from trimetal.transpiler.target import get_target

from .dot.support import one_dot, random
from .lower.support import poison

EXAMPLES = Path(__file__).parents[1] / "examples"


def work(shader: trimetal.Shader) -> list[dict[str, Any]]:
    """What the shader does once, and in a turn of each loop."""
    return cast("list[dict[str, Any]]", shader.report["work"])


def test_work_without_masks_is_what_the_cpu_device_counts() -> None:
    shader = trimetal.transpile(EXAMPLES / "vector_add/kernel.f32.ttgir")
    x, y = random((4096,), "f4", 1), random((4096,), "f4", 2)
    counted = runtime.compile(shader).profile((4,), x, y, poison(4096, "f4"), 4096)
    (once,) = work(shader)
    assert once["device bytes"] * 4 == counted.device.bytes_loaded + counted.device.bytes_stored
    assert once["threadgroup bytes"] == once["barriers"] == 0
    assert once["flops"] == 1024
    assert once["device bytes per flop"] == 12


def test_a_turn_of_a_loop() -> None:
    """Twice the columns are twice the turns of each loop."""
    shader = trimetal.transpile(EXAMPLES / "layer_norm/kernel.f32.ttgir")
    kernel = runtime.compile(shader)

    def counted(cols: int) -> runtime.Profile:
        x = random((16, cols), "f4", 3)
        weights = [random((cols,), "f4", seed) for seed in (1, 2)]
        outputs = [poison(16, "f4") for _ in range(2)]
        return kernel.profile((1,), x, poison(x.shape, "f4"), *weights, *outputs, cols, cols, 1e-5)

    few, many = counted(2048), counted(4096)
    _, *loops = work(shader)
    assert len(loops) == 3
    turn = sum(loop["device bytes"] for loop in loops)
    before, after = (each.device.bytes_loaded + each.device.bytes_stored for each in (few, many))
    assert turn * 2 == after - before
    assert many.barriers == few.barriers


@pytest.mark.parametrize("kinds", ["f32 f32 f32", "f16 f16 f32"])
def test_work_of_a_dot(kinds: str) -> None:
    shader = trimetal.transpile(one_dot((64, 64, 64), kinds))
    dtype = "f4" if kinds.startswith("f32") else "f2"
    a, b, c = random((64, 64), dtype, 1), random((64, 64), dtype, 2), random((64, 64), "f4", 3)
    counted = runtime.compile(shader).profile((1,), a, b, c, poison((64, 64), "f4"))
    (once,) = work(shader)
    simdgroups = cast("int", shader.report["simdgroups"])
    assert once["multiply-accumulates"] * simdgroups == counted.multiply_accumulates == 512
    assert once["fragment loads"] * simdgroups == counted.fragment_loads
    assert once["barriers"] == counted.barriers
    assert once["device bytes"] == counted.device.bytes_loaded + counted.device.bytes_stored
    ratio = once["multiply-accumulates per fragment load"]
    assert ratio == round(counted.multiply_accumulates_per_fragment_load, 3)
    # 4 x 4 sums, 4 fragments of one operand, 1 of the other
    assert cast("int", shader.report["fragments per simdgroup"]) >= 16


class Lowered:
    """A lowered kernel in the making, with a float argument `x`."""

    def __init__(self) -> None:
        body = Block([F32])
        attributes = {"simdgroups": metal.integer_attribute(1), "sym_name": StringAttr("k")}
        self.kernel = metal.Kernel((), (), attributes, [metal.region(body)])
        self.builder = Builder(body)
        self.x = body.args[0]

    def array(self, count: int, element: Type = F32, space: str = "thread") -> Value:
        """A local array."""
        attributes = {"count": metal.integer_attribute(count)}
        return self.builder.value(metal.Local((), (ArrayType(count, element, space),), attributes))

    def write(self, *arrays: Value) -> None:
        """Write into each array, one after the other."""
        for array in arrays:
            self.builder.insert(metal.Write((self.x, array, self.builder.constant(0))))

    @property
    def registers(self) -> int:
        """The estimate."""
        self.builder.insert(metal.Return())
        return registers_per_thread(self.kernel)


def test_a_value_lives_to_its_last_use() -> None:
    lowered = Lowered()
    value = lowered.x
    for _ in range(5):
        value = lowered.builder.binary(arith.Addf, value, value)
    assert lowered.registers == 1


def test_values_that_live_together_add_up() -> None:
    lowered = Lowered()
    values = [lowered.builder.binary(arith.Addf, lowered.x, lowered.x) for _ in range(5)]
    lowered.builder.value(metal.Pack(values, (VectorType(5, F32),)))
    assert lowered.registers == 5


def test_arrays_one_after_the_other_share_registers() -> None:
    lowered = Lowered()
    a, b = lowered.array(32), lowered.array(32)
    lowered.write(a, a, b)
    assert lowered.registers == 32


def test_arrays_between_each_other_do_not() -> None:
    lowered = Lowered()
    a, b = lowered.array(32), lowered.array(32)
    lowered.write(a, b, a)
    assert lowered.registers == 64


def test_what_a_loop_finds_lives_through_it() -> None:
    lowered = Lowered()
    a, b = lowered.array(32), lowered.array(32)
    body = Block([I32])
    attributes = {"count": metal.integer_attribute(4)}
    lowered.builder.insert(metal.RegisterLoop((), (), attributes, [metal.region(body)]))
    with lowered.builder.at(body):
        lowered.write(a, b)
        lowered.builder.insert(metal.Yield())
    assert lowered.registers == 64


def test_matrices_are_shared_by_the_lanes_and_halves_are_half() -> None:
    lowered = Lowered()
    matrices = lowered.array(4, VectorType(2, F16), "simdgroup")
    lowered.write(matrices, lowered.array(64, F32, "threadgroup"))
    assert lowered.registers == 4


# Mesa's table for M1: 16-bit registers of a thread, and the most threads.
MESA = {
    **{104: 1024, 112: 896, 128: 832, 136: 768, 144: 704},
    **{160: 640, 184: 576, 208: 512, 232: 448, 256: 384},
}


def test_threads_by_registers() -> None:
    target = get_target("m1")
    assert {halves: resident_threads(halves // 2, target) for halves in MESA} == MESA
    assert resident_threads(0, target) == target.threads_per_core
    assert resident_threads(10_000, target) == 64


def test_what_limits_the_occupancy() -> None:
    text = (EXAMPLES / "softmax/kernel.f32-1024.ttgir").read_text(encoding="utf-8")
    target = get_target("m3")
    for cause, chip in {
        "threadgroup memory": replace(target, threadgroup_memory_per_core=32),
        "registers": replace(target, register_file=1),
        "threads": replace(target, threads_per_core=128),
    }.items():
        shader = trimetal.transpile(text, chip)
        assert shader.report["occupancy is limited by"] == cause
        groups = cast("int", shader.report["threadgroups per core (estimate)"])
        assert groups >= 1
        share = min(1.0, groups * shader.threads_per_threadgroup / chip.threads_per_core)
        assert shader.report["occupancy (estimate)"] == round(share, 3)


def test_a_report_is_made_when_it_is_read() -> None:
    calls: list[int] = []

    def make() -> dict[str, object]:
        calls.append(1)
        return {"a": 1}

    report = Report(make)
    assert not calls
    assert report["a"] == 1
    assert dict(report) == {"a": 1}
    assert len(report) == 1
    assert pickle.loads(pickle.dumps(report)) == {"a": 1}
    assert calls == [1]


def test_as_text_and_as_json() -> None:
    shader = trimetal.transpile(EXAMPLES / "layer_norm/kernel.f32.ttgir")
    lines = report_text(shader.report, "text").splitlines()
    assert any(line.startswith("registers per thread (estimate)  ") for line in lines)
    assert sum(line.startswith("work, a turn of kernel.py:") for line in lines) == 3
    assert json.loads(report_text(shader.report, "json"))["work"] == work(shader)
