"""The MSL beside MSL by hand: the same results, and no more work than the docs say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.static import __main__ as static
from benchmarks.static.cases import CASES, REFERENCES, Case
from benchmarks.static.measure import Comparison, compare

_made: dict[str, Comparison] = {}


def comparison(case: Case) -> Comparison:
    """The comparison of a case, made once."""
    if case.name not in _made:
        _made[case.name] = compare(case)
    return _made[case.name]


WITH_MATRICES = [case for case in CASES if case.reference in ("matmul", "attention")]
OTHERS = [case for case in CASES if case not in WITH_MATRICES]


def name_of(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_both_kernels_give_the_same(case: Case) -> None:
    found = comparison(case)
    assert found.difference <= case.tolerance
    assert found.ours.to_the_least >= 1
    assert found.by_hand.to_the_least >= 1
    assert found.ours.registers is not None
    assert found.by_hand.registers is None


@pytest.mark.parametrize("case", OTHERS, ids=name_of)
def test_kernels_that_memory_bounds_move_no_more_bytes(case: Case) -> None:
    found = comparison(case)
    assert found.ours.bytes_moved == found.by_hand.bytes_moved
    assert found.ours.width >= found.by_hand.width
    assert found.ours.multiplies_per_load is None
    # By hand, the rows of a sum are chosen so that none crosses simdgroups.
    assert found.ours.barriers <= max(found.by_hand.barriers, 2)


@pytest.mark.parametrize("case", WITH_MATRICES, ids=name_of)
def test_matrices_are_multiplied_as_often_as_by_hand(case: Case) -> None:
    found = comparison(case)
    assert found.ours.multiplies_per_load is not None
    assert found.by_hand.multiplies_per_load is not None
    assert found.ours.multiplies_per_load >= found.by_hand.multiplies_per_load
    assert found.ours.barriers <= found.by_hand.barriers
    assert found.ours.threadgroup_traffic <= found.by_hand.threadgroup_traffic


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_text_is_not_much_longer(case: Case) -> None:
    found = comparison(case)
    assert found.ours.lines <= 2 * found.by_hand.lines + 10


def test_every_reference_is_used() -> None:
    assert {path.stem for path in REFERENCES.glob("*.metal")} == {case.reference for case in CASES}


def test_kernels_that_disagree_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Case.reference_text

    def wrong(case: Case) -> str:
        return right(case).replace("] + y", "] - y")

    monkeypatch.setattr(Case, "reference_text", wrong)
    with pytest.raises(AssertionError, match=r"vector add f32: the results are .* apart"):
        compare(CASES[0])


def test_the_table_and_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(static, "CASES", (CASES[0],))
    monkeypatch.setenv("COLUMNS", "180")
    assert static.main(["--json", str(tmp_path / "static.json")]) == 0
    printed = capsys.readouterr().out
    assert "vector add f32" in printed
    assert "by hand" in printed
    (numbers,) = json.loads((tmp_path / "static.json").read_text(encoding="utf-8"))
    assert numbers["name"] == "vector add f32"
    assert numbers["ours"]["bytes_moved"] == 3 * 4 * (1 << 16)
    assert numbers["by_hand"]["width"] == 16
