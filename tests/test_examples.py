"""The examples: their dumps are what Triton makes of them, and the demo's results are right."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trimetal
from examples import backends, demo
from examples.convolution import __main__ as convolution
from examples.matmul import __main__ as matmul

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.triton
def test_the_dumps_are_what_triton_makes_of_the_kernels():
    from examples import dump

    if importlib.metadata.version("triton") != "3.9.0":
        pytest.skip("the dumps are of Triton 3.9.0")
    for variant in dump.VARIANTS:
        assert variant.path.read_text(encoding="utf-8") == dump.dump(variant), variant.path
    assert len({variant.path for variant in dump.VARIANTS}) == len(dump.VARIANTS)


@pytest.mark.parametrize("case", demo.CASES, ids=lambda case: case.dump.replace("/kernel.", "-"))
def test_the_result_of_a_case(case: demo.Case):
    shader = trimetal.transpile(demo.HERE / f"{case.dump}.ttgir")
    outcome = demo.run_case(case, shader)
    assert outcome.ok, outcome


def test_the_demo_fails_when_a_result_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    case = demo.CASES[0]
    exact = demo.Case(case.dump, case.size, case.launch, tolerance=-1.0)
    monkeypatch.setattr(demo, "CASES", (exact,))
    assert demo.main([]) == 1
    printed = capsys.readouterr().out
    assert "kernel void vector_add(" in printed
    assert "WRONG" in printed


def test_a_nan_is_no_small_error():
    case = demo.CASES[0]
    assert not demo.Outcome(case, float(np.nan), 1.0).ok
    assert demo.Outcome(case, 0.0, 1.0).ok


@pytest.mark.parametrize(("dtype", "block"), matmul.CONFIGURATIONS)
def test_matmul_in_a_configuration(dtype: str, block: str):
    outcome = matmul.run(dtype, block, 80)
    assert outcome.ok, outcome
    assert len(outcome.row) == len(matmul.COLUMNS)


@pytest.mark.parametrize("dtype", ["f32", "f16"])
def test_the_tuned_configuration_is_as_its_comment_says(dtype: str):
    block = matmul.TUNED["m3"][dtype]
    assert (dtype, block) in matmul.CONFIGURATIONS
    row = dict(zip(matmul.COLUMNS, matmul.run(dtype, block, 64).row, strict=True))
    assert row["block"].endswith(" (tuned)")
    assert int(row["simdgroups a core*"]) >= 24
    assert float(row["multiplies a load"]) >= 2
    assert float(row["barriers a step"]) <= 2
    assert int(row["lines"]) <= 120


@pytest.mark.parametrize("case", convolution.CASES, ids=str)
def test_a_convolution(case: tuple[str, int, int]):
    outcome = convolution.run(*case, size=11)
    assert outcome.ok, outcome
    assert len(outcome.row) == len(convolution.COLUMNS)


def test_convolution_against_sums_in_words():
    random = np.random.default_rng()
    x, weight = random.standard_normal((1, 4, 5, 2)), random.standard_normal((3, 3, 2, 1))
    found = convolution.convolved(x, weight, np.ones(1), stride=2, padding=1)
    wide = np.pad(x[0], ((1, 1), (1, 1), (0, 0)))
    expected = [
        1 + (wide[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] * weight[..., 0]).sum()
        for i in range(2)
        for j in range(3)
    ]
    np.testing.assert_allclose([found[0, i, j, 0] for i in range(2) for j in range(3)], expected)


@pytest.mark.parametrize("example", [matmul, convolution])
def test_an_example_prints_a_table_and_fails_on_errors(
    example: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    cases = "CASES" if example is convolution else "CONFIGURATIONS"
    monkeypatch.setattr(example, cases, getattr(example, cases)[:1])
    assert example.main(["--size", "16"]) == 0
    assert "error" in capsys.readouterr().out
    monkeypatch.setattr(example, "TOLERANCE", {"f32": -1.0})
    assert example.main(["--size", "16"]) == 1


def test_the_backends(capsys: pytest.CaptureFixture[str]):
    assert backends.main(["--quick"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for case in backends.CASES:
        rows = [line for line in lines if f"{case.name} " in line]
        assert len(rows) == 6
        assert all("not here" in row or "installed" in row or "e-" in row for row in rows), rows
        assert "e-" in next(row for row in rows if "CPU device" in row)


def test_a_wrong_backend_is_no_success(monkeypatch: pytest.MonkeyPatch):
    def halved(case: backends.Case, inputs: list[Any], size: int) -> tuple[Any, Any]:
        result, call = backends.numpy(case, inputs, size)
        return result / 2, call

    def only_halved(case: backends.Case, quick: bool) -> Any:
        return {"half": lambda: backends.measured(halved, case, quick)}

    monkeypatch.setattr(backends, "CASES", backends.CASES[:1])
    monkeypatch.setattr(backends, "backends", only_halved)
    assert backends.main(["--quick"]) == 1
