"""The conformance benchmark, on a small suite that does what tests can do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import trimetal
from trimetal import CompileError, LaunchError, OutOfResourcesError, UnsupportedError

pytest.importorskip("rich")
pytest.importorskip("triton")

from benchmarks.conformance import outcome, page
from benchmarks.conformance.journal import Journal
from benchmarks.conformance.outcome import Outcome, reason_of
from benchmarks.conformance.report import markdown, summary

pytestmark = pytest.mark.triton
ROOT = Path(__file__).resolve().parents[2]

SUITE = """
import os, signal, time
import numpy as np
import pytest
from trimetal.transpiler.errors import UnsupportedError

def launch():
    return os.environ.get("TRIMETAL_LAUNCH") != "none"

def test_good(device): assert device == "cpu" and launch()
def test_vacuous(): assert os.environ["TRITON_BACKEND"] == "metal"
def test_wrong(): np.testing.assert_array_equal([1], [2])
def test_refused(): raise UnsupportedError("tt.magic is not supported")
def test_wrapped():
    try:
        test_refused()
    except UnsupportedError as error:
        raise RuntimeError("outer") from error
def test_other(): {}["key"]
def test_crash(): os.kill(os.getpid(), signal.SIGSEGV)
def test_exit(): os._exit(3)
def test_hangs(): time.sleep(600)
def test_skipped(): pytest.skip("not here")
def test_output(capfd):
    os.system("echo from a child")
    assert capfd.readouterr().out == "from a child\\n"
def test_files(tmp_path): (tmp_path / "x").write_text("x")
@pytest.mark.parametrize("n", range(20))
def test_many(n, tmp_path): (tmp_path / "x").write_text("x")
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("checkout")
    tests = folder / "python/test/unit/language"
    tests.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --tb=short\n")
    (folder / "python/conftest.py").write_text(
        "import pytest\n"
        "def pytest_addoption(parser): parser.addoption('--device', default='cuda')\n"
        "@pytest.fixture\n"
        "def device(request): return request.config.getoption('--device')\n"
    )
    (tests / "test_small.py").write_text(SUITE)
    (tests / "test_unread.py").write_text("import no_such_module\n")
    words = ["--triton", str(folder), "--jobs", "2", "--timeout", "5", "--output", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.conformance", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))},
    )
    assert done.returncode == 0, done.stderr
    assert "failed" in done.stdout
    return json.loads((folder / "conformance.json").read_text())


def of(results: dict[str, Any], name: str) -> dict[str, Any]:
    return next(test for test in results["tests"] if test["test"].endswith(f"::{name}"))


def test_each_test_has_one_outcome(results: dict[str, Any]):
    names = Counter(test["test"] for test in results["tests"])
    assert set(names.values()) == {1}
    assert len(names) == 12 + 20 + 1


def test_a_file_that_cannot_be_read_is_a_failure(results: dict[str, Any]):
    found = next(test for test in results["tests"] if "test_unread" in test["test"])
    assert (found["outcome"], found["reason"]) == ("failed", outcome.NOT_COLLECTED)
    assert "no_such_module" in found["message"]


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [
        ("test_wrong", outcome.WRONG, "Arrays are not equal"),
        ("test_refused", outcome.REFUSED, "tt.magic is not supported"),
        ("test_wrapped", outcome.REFUSED, "tt.magic is not supported"),
        ("test_other", outcome.ERROR, "KeyError: 'key'"),
        ("test_crash", outcome.CRASH, "SIGSEGV"),
        ("test_exit", outcome.CRASH, "exit status 3"),
        ("test_hangs", outcome.TIME_OUT, "more than 5 s"),
    ],
)
def test_failures_have_reasons(results: dict[str, Any], name: str, reason: str, message: str):
    found = of(results, name)
    assert (found["outcome"], found["reason"]) == ("failed", reason)
    assert message in found["message"]


def test_passes_that_need_no_kernel_are_marked(results: dict[str, Any]):
    assert of(results, "test_good")["outcome"] == of(results, "test_vacuous")["outcome"] == "passed"
    assert not of(results, "test_good")["vacuous"]
    assert of(results, "test_vacuous")["vacuous"]


def test_workers_share_no_output_and_no_files(results: dict[str, Any]):
    for name in ("test_output", "test_files", *(f"test_many[{n}]" for n in range(20))):
        assert of(results, name)["outcome"] == "passed", of(results, name)


def test_skips_keep_their_reason(results: dict[str, Any]):
    assert of(results, "test_skipped")["outcome"] == "skipped"
    assert "not here" in of(results, "test_skipped")["message"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnsupportedError("x"), outcome.REFUSED),
        (OutOfResourcesError("threads", 2, 1), outcome.REFUSED),
        (CompileError("x"), outcome.NOT_MSL),
        (LaunchError("x"), outcome.LAUNCH),
        (AssertionError("Torch not compiled with CUDA enabled"), outcome.OTHER_GPU),
        (KeyError("Unknown key: 'llir'"), outcome.OTHER_GPU),
        (AssertionError(""), outcome.WRONG),
        (ValueError("x"), outcome.ERROR),
    ],
)
def test_reasons(error: BaseException, reason: str):
    assert reason_of(error)[0] == reason


def test_a_refusal_that_our_code_turned_into_triton_s_error_is_one():
    from trimetal.runtime.triton_plugin.failures import triton_error

    ours = UnsupportedError("tt.magic")
    with pytest.raises(Exception, match="magic") as caught:
        raise triton_error(ours, "module {}\n") from ours
    assert reason_of(caught.value) == (outcome.REFUSED, "tt.magic")


def test_an_assertion_in_our_own_code_is_no_wrong_result():
    number: Any = 5
    with pytest.raises(AttributeError) as caught:
        trimetal.get_target(number)
    reason, message = reason_of(caught.value)
    assert reason == outcome.INTERNAL
    assert "(transpiler/target.py:" in message


def test_an_interrupted_run_is_taken_up_again(tmp_path: Path):
    path = tmp_path / "outcomes.jsonl"
    first, second = Outcome("a", "passed", 0.1), Outcome("b", "failed", 0.2, outcome.WRONG, "x")
    Journal(path, resume=True).add(first)
    resumed = Journal(path, resume=True)
    assert resumed.kept == {"a": first}
    resumed.add(second)
    assert Journal(path, resume=True).kept == {"a": first, "b": second}
    assert not Journal(path, resume=False).kept
    assert not path.read_text()


def test_the_page_tells_causes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = tmp_path / "support.md"
    place.write_text("# What is supported\n", encoding="utf-8")
    monkeypatch.setattr(page, "PAGE", place)
    fp64 = Outcome("a/test_x.py::test_c[1]", "failed", 0.1, outcome.REFUSED, "tt.load on f64")
    other = Outcome("a/test_x.py::test_d", "failed", 0.1, outcome.WRONG, "1 != 2")
    for outcomes in ([fp64], [fp64, replace(fp64, test="b"), other]):
        page.write_page({"versions": "triton 3.9.0"}, outcomes)
    text = place.read_text(encoding="utf-8")
    assert text.startswith("# What is supported\n")
    assert text.count("Triton's own tests (triton 3.9.0)") == 1
    assert "| refused | 64-bit floats | 2 |" in text
    assert "| wrong result | 1 != 2 | 1 |" in text


def test_the_tables():
    outcomes = [
        Outcome("a/test_x.py::test_a[1]", "passed", vacuous=False),
        Outcome("a/test_x.py::test_b[1]", "passed", vacuous=True),
        Outcome("a/test_x.py::test_c[1]", "failed", 0.1, outcome.REFUSED, "tt.scan of %x | 12"),
        Outcome("a/test_x.py::test_c[2]", "failed", 0.1, outcome.REFUSED, "tt.scan of %y | 13"),
        Outcome("a/test_y.py::test_d", "skipped"),
    ]
    text = markdown({"versions": "triton 3.9.0"}, outcomes)
    assert "- versions: triton 3.9.0" in text
    assert "| test_x.py | 4 | 2 | 1 | 2 | 0 |" in text
    assert "| all | 5 | 2 | 1 | 2 | 1 |" in text
    assert "| 2 | refused | `tt.scan of %x \\| 12` | `test_c[1]` |" in text
    assert summary(outcomes) == (
        "2 passed (1 of them also without running a kernel), 2 failed (refused 2), 1 skipped"
    )


def test_what_was_not_tried_without_kernels_is_not_counted(tmp_path: Path):
    journal = Journal(tmp_path / "outcomes.jsonl", resume=False)
    journal.add(Outcome("a/test_x.py::test_a", "passed"))
    journal.add(Outcome("a/test_x.py::test_b", "passed"))
    journal.add(Outcome("a/test_x.py::test_b", "passed", vacuous=True))
    kept = list(Journal(tmp_path / "outcomes.jsonl", resume=True).kept.values())
    assert [each.vacuous for each in kept] == [None, True]
    assert summary(kept).startswith("2 passed (1 of 1 that were tried of them also")
