"""The self-test: right on this machine, and it sees what is wrong on another."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from trimetal.cli.doctor import show
from trimetal.runtime.doctor import Result, report_text, self_test
from trimetal.runtime.doctor.facts import Fact
from trimetal.runtime.doctor.kernels import SIGNATURES, dump_path
from trimetal.runtime.doctor.selftest import routes
from trimetal.transpiler.errors import LaunchError

from ..metal.stand_in import stand_in

ROOT = Path(__file__).resolve().parent.parent.parent
# The module, whose functions the tests replace.
SELF_TEST: Any = importlib.import_module("trimetal.runtime.doctor.selftest")
NAMES = [*SIGNATURES, "lane map f32", "lane map f16"]


def test_all_kernels_are_right_here() -> None:
    results = [result for result in self_test() if result.route == "cpu"]
    assert [result.kernel for result in results] == NAMES
    assert [result for result in results if result.outcome != "right"] == []


@pytest.mark.triton
def test_the_dumps_are_what_triton_makes_of_the_kernels() -> None:
    from trimetal.runtime.doctor.kernels.__main__ import dump

    if importlib.metadata.version("triton") != "3.9.0":
        pytest.skip("the dumps are of Triton 3.9.0")
    for name in SIGNATURES:
        assert dump_path(name).read_text(encoding="utf-8") == dump(name), name
        assert 'loc("/' not in dump(name)


class Lazy:
    """A kernel that does nothing."""

    def __call__(self, grid: object, *arguments: object) -> None:
        pass


def test_a_device_that_does_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile(*_: object) -> Lazy:
        return Lazy()

    monkeypatch.setattr(SELF_TEST, "compile", compile)
    results = list(self_test())
    assert {result.outcome for result in results} == {"wrong"}
    by_name = {result.kernel: result for result in results}
    assert "elements far from what is expected" in by_name["matmul"].detail
    assert "found    [" in by_name["lane map f32"].detail


class Nudged:
    """A kernel that is right but for one element of its last array."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel

    def __call__(self, grid: Any, *arguments: Any) -> None:
        self._kernel(grid, *arguments)
        last = next(each for each in reversed(arguments) if hasattr(each, "flat"))
        last.flat[last.size // 2] += 1


def test_one_wrong_element_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = SELF_TEST.compile

    def compile(*given: Any) -> Nudged:
        return Nudged(right(*given))

    monkeypatch.setattr(SELF_TEST, "compile", compile)
    assert {result.outcome for result in self_test()} == {"wrong"}


def test_a_device_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise LaunchError("no such device")

    def break_down(*_: object) -> NoReturn:
        raise ValueError("deep inside")

    monkeypatch.setattr(SELF_TEST, "compile", refuse)
    assert {(r.outcome, r.detail) for r in self_test()} == {("refused", "no such device")}
    monkeypatch.setattr(SELF_TEST, "compile", break_down)
    assert all("ValueError: deep inside" in result.detail for result in self_test())


def test_the_cpu_is_always_a_route() -> None:
    assert routes()[0].name == "cpu"


def test_a_metal_device_is_a_route() -> None:
    """MLX's texts of all kernels are right, on the stand-in of a device."""
    with stand_in() as device:
        results = [result for result in self_test() if result.route == "metal, MLX"]
    assert [(result.kernel, result.outcome) for result in results] == [(n, "right") for n in NAMES]
    assert len(device.texts) >= len(NAMES)


def test_the_report_has_all_and_no_home_folder() -> None:
    facts = [Fact("cache", f"{Path.home()}/cache"), Fact("MLX", "none", "missing", "pip install")]
    results = [
        Result("cpu", "add", "right", 1e-8, 0.5),
        Result("cpu", "matmul", "wrong", 1.0, 3.0, "output 0: float32"),
    ]
    text = report_text(facts, results)
    lines = [line.split() for line in text.splitlines()]
    assert ["ok", "cache", "~/cache"] in lines
    assert ["!!", "MLX", "none", "pip", "install"] in lines
    assert "cpu: matmul is wrong\noutput 0: float32\n" in text
    assert "cpu: add is" not in text


def test_the_command_writes_a_report(tmp_path: Path) -> None:
    output = tmp_path / "report.txt"
    run = subprocess.run(
        [sys.executable, "-m", "trimetal", "doctor", "--self-test", "-o", str(output)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    assert "are right; the report to attach to an issue is" in run.stdout
    assert "\x1b" not in run.stdout
    text = output.read_text()
    assert all(name in text for name in (*NAMES, "Python", "C++ compiler"))


def test_a_terminal_shows_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show([("ok", "[b]x[/b]", "value")], ("", "what", "found"))
    shown = capsys.readouterr().out
    assert "[b]x[/b]" in shown
    assert "what" in shown
