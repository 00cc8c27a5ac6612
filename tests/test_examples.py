"""The examples: their dumps are what Triton makes of them, and the demo's results are right."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

import trimetal
from examples import demo

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
