"""AxisInfo claims nothing that is false: checked element by element on random index arithmetic."""

from __future__ import annotations

import random
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from trimetal.transpiler.analysis.axis import AxisAnalysis, AxisInfo
from trimetal.transpiler.dialects import tt
from trimetal.transpiler.ir.core import Value
from trimetal.transpiler.parser import parse

Numbers: TypeAlias = NDArray[Any]

SIZE = 32
LAYOUT = (
    "#ttg.blocked<{sizePerThread = [1], threadsPerWarp = [32], warpsPerCTA = [1], order = [0]}>"
)
TENSOR = f"tensor<{SIZE}xi32, {LAYOUT}>"
BOOLS = f"tensor<{SIZE}xi1, {LAYOUT}>"
BITS = {
    "andi": np.bitwise_and,
    "ori": np.bitwise_or,
    "xori": np.bitwise_xor,
    "shli": np.left_shift,
    "shrsi": np.right_shift,
    "maxsi": np.maximum,
    "minsi": np.minimum,
}


class Program:
    """Random index arithmetic: its text, and the numbers that each value has."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)
        self.numbers: dict[str, Numbers] = {}
        self.lines: list[str] = []
        self.scalar = 16 * self.source.randrange(5)
        start = self.source.choice([0, 16, 5, 32])
        self.add(
            "range",
            f"tt.make_range {{end = {start + SIZE} : i32, start = {start} : i32}} : {TENSOR}",
            np.arange(start, start + SIZE),
        )
        self.add("splat", f"tt.splat %n : i32 -> {TENSOR}", np.full(SIZE, self.scalar))
        for number in (0, 1, 3, 8, 16, 15, -8):
            text = f"arith.constant dense<{number}> : {TENSOR}"
            self.add(f"c{number}".replace("-", "m"), text, np.full(SIZE, number))
        for step in range(16):
            self.step(step)

    def add(self, name: str, text: str, numbers: Numbers) -> None:
        self.lines.append(f"%{name} = {text}")
        self.numbers[name] = numbers

    def step(self, number: int) -> None:
        """One more op on values made before."""
        integers = [n for n, v in self.numbers.items() if v.dtype != np.bool_]
        a, b = (self.source.choice(integers) for _ in range(2))
        x, y = self.numbers[a], self.numbers[b]
        kinds = ["addi", "subi", "muli", "cmpi", "select", "bits", "quotient"]
        kind = self.source.choice(kinds)
        name = f"v{number}"
        if kind == "cmpi":
            predicate = self.source.choice(["slt", "sle", "sgt", "sge", "eq", "ne"])
            compare = {"slt": x < y, "sle": x <= y, "sgt": x > y, "sge": x >= y}
            equal = (x == y) if predicate == "eq" else (x != y)
            compare |= {"eq": equal, "ne": equal}
            found = compare[predicate]
            self.add(name, f"arith.cmpi {predicate}, %{a}, %{b} : {TENSOR}", found)
        elif kind == "select":
            masks = [n for n, v in self.numbers.items() if v.dtype == np.bool_]
            if masks:
                mask = self.source.choice(masks)
                chosen = np.where(self.numbers[mask], x, y)
                self.add(name, f"arith.select %{mask}, %{a}, %{b} : {BOOLS}, {TENSOR}", chosen)
        elif kind == "bits":
            operation = self.source.choice(
                ["andi", "ori", "xori", "shli", "shrsi", "maxsi", "minsi"]
            )
            if operation.startswith("sh"):
                b = self.source.choice(["c0", "c1", "c3"])
                y = self.numbers[b]
            result: Numbers = BITS[operation](x, y)
            if np.abs(result).max() < 1 << 20:
                self.add(name, f"arith.{operation} %{a}, %{b} : {TENSOR}", result)
        elif kind == "quotient":
            operation = self.source.choice(["divsi", "divui", "remsi", "remui"])
            if x.min() >= 0 and y.min() > 0:
                found = x // y if operation.startswith("div") else x % y
                self.add(name, f"arith.{operation} %{a}, %{b} : {TENSOR}", found)
        else:
            result = {"addi": x + y, "subi": x - y, "muli": x * y}[kind]
            if np.abs(result).max() < 1 << 20:
                self.add(name, f"arith.{kind} %{a}, %{b} : {TENSOR}", result)

    @property
    def text(self) -> str:
        body = "\n".join(self.lines)
        return f"""module attributes {{"ttg.num-warps" = 1 : i32}} {{
  tt.func public @f(%n: i32 {{tt.divisibility = 16 : i32}}) {{
    {body}
    tt.return
  }}
}}"""


def assert_holds(info: AxisInfo, numbers: Numbers) -> None:
    """Every claim, by counting."""
    constancy = min(info.constancy[0], SIZE)
    groups = np.reshape(numbers, (-1, constancy))
    assert (groups == groups[:, :1]).all(), "constancy"
    contiguity = min(info.contiguity[0], SIZE)
    runs = np.reshape(numbers, (-1, contiguity)).astype(np.int64)
    assert (runs - runs[:, :1] == np.arange(contiguity)).all(), "contiguity"
    assert (runs[:, 0] % info.divisibility[0] == 0).all(), "divisibility"
    if info.constant is not None:
        assert (numbers == info.constant).all(), "constant"


@pytest.mark.parametrize("seed", range(400))
def test_every_claim_holds(seed: int) -> None:
    program = Program(seed)
    module = parse(program.text)
    (function,) = module.functions
    analysis = AxisAnalysis(function)
    values: dict[str, Value] = {r.name: r for op in function.walk() for r in op.results}
    for name, numbers in program.numbers.items():
        assert_holds(analysis[values[name]], numbers)


def test_what_vector_add_needs_is_known() -> None:
    text = f"""module attributes {{"ttg.num-warps" = 1 : i32}} {{
  tt.func public @f(%p: !tt.ptr<f32> {{tt.divisibility = 16 : i32}},
                    %n: i32 {{tt.divisibility = 16 : i32}}) {{
    %c = arith.constant 1024 : i32
    %pid = tt.get_program_id x : i32
    %start = arith.muli %pid, %c : i32
    %range = tt.make_range {{end = {SIZE} : i32, start = 0 : i32}} : {TENSOR}
    %base = tt.splat %start : i32 -> {TENSOR}
    %offsets = arith.addi %base, %range : {TENSOR}
    %limit = tt.splat %n : i32 -> {TENSOR}
    %mask = arith.cmpi slt, %offsets, %limit : {TENSOR}
    %ps = tt.splat %p : !tt.ptr<f32> -> tensor<{SIZE}x!tt.ptr<f32>, {LAYOUT}>
    %address = tt.addptr %ps, %offsets : tensor<{SIZE}x!tt.ptr<f32>, {LAYOUT}>, {TENSOR}
    tt.return
  }}
}}"""
    (function,) = parse(text).functions
    assert isinstance(function, tt.Func)
    analysis = AxisAnalysis(function)
    values = {r.name: analysis[r] for op in function.walk() for r in op.results}
    assert values["address"].contiguity == (SIZE,)
    assert values["address"].divisibility[0] >= 16
    assert values["mask"].constancy[0] == 16


@pytest.mark.parametrize(
    ("op", "contiguity", "constancy"),
    [("remsi", 16, 1), ("remui", 16, 1), ("divsi", 1, 16), ("divui", 1, 16)],
)
def test_indices_that_wrap_around_stay_contiguous(op: str, contiguity: int, constancy: int) -> None:
    """As in Triton's matmul: (start + range) % N, where 16 divides N."""
    text = f"""module attributes {{"ttg.num-warps" = 1 : i32}} {{
  tt.func public @f(%n: i32 {{tt.divisibility = 16 : i32}}) {{
    %c = arith.constant 128 : i32
    %pid = tt.get_program_id x : i32
    %start = arith.muli %pid, %c : i32
    %range = tt.make_range {{end = {SIZE} : i32, start = 0 : i32}} : {TENSOR}
    %base = tt.splat %start : i32 -> {TENSOR}
    %offsets = arith.addi %base, %range : {TENSOR}
    %limit = tt.splat %n : i32 -> {TENSOR}
    %wrapped = arith.{op} %offsets, %limit : {TENSOR}
    tt.return
  }}
}}"""
    (function,) = parse(text).functions
    values = {r.name: r for op in function.walk() for r in op.results}
    info = AxisAnalysis(function)[values["wrapped"]]
    assert (info.contiguity, info.constancy) == ((contiguity,), (constancy,))
