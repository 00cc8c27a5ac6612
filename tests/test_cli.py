"""The command line, as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import trimetal
from trimetal.cli import report_text
from trimetal.transpiler.pipeline import PASS_NAMES
from trimetal.transpiler.target import TARGETS

ROOT = Path(__file__).resolve().parent.parent
DUMP = "examples/vector_add/kernel.f32.ttgir"
BROKEN = "module {\n  tt.func public @broken(%x: i32) {\n    %y = arith.addi %x, %z : i32\n"


def run(
    *arguments: str, stdin: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trimetal", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def test_version():
    assert run("--version").stdout == f"trimetal {trimetal.__version__}\n"


def test_no_command_is_bad_usage():
    result = run()
    assert result.returncode == 2
    assert "required: command" in result.stderr


def test_help_lists_the_commands():
    text = run("--help").stdout
    for command in ("transpile", "parse", "check", "targets", "doctor", "cache", "build"):
        assert f"\n    {command} " in text


def test_targets():
    result = run("targets")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        *("target", "family", "cores", "GB/s", "MSL", "bfloat"),
        *("matrix", "unit", "dynamic", "caching"),
    ]
    names = [line.split()[0] for line in lines[1:] if line][:-1]
    assert names == list(TARGETS)
    assert "Default: m3." in lines[-1]


def test_transpile_writes_msl_to_stdout():
    result = run("transpile", DUMP)
    assert (result.returncode, result.stderr) == (0, "")
    assert "kernel void vector_add(" in result.stdout
    assert "\x1b" not in result.stdout
    assert result.stdout == trimetal.transpile(ROOT / DUMP).source


def test_transpile_reads_stdin():
    result = run("transpile", "-", stdin=(ROOT / DUMP).read_text())
    assert result.returncode == 0
    assert "kernel void vector_add(" in result.stdout


def test_transpile_writes_a_file(tmp_path: Path):
    out = tmp_path / "out.metal"
    result = run("transpile", DUMP, "-o", str(out), "--target", "m1-max")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert out.read_text() == trimetal.transpile(ROOT / DUMP, target="m1-max").source


def test_transpile_without_fused_multiply_adds():
    dump = "examples/layer_norm/kernel.f32.ttgir"
    apart = trimetal.transpile(ROOT / dump, enable_fp_fusion=False).source
    for more in ((), ("--print-after", "lower")):
        result = run("transpile", dump, "--no-enable-fp-fusion", *more)
        assert (result.returncode, result.stdout) == (0, apart)
    assert run("transpile", dump).stdout == trimetal.transpile(ROOT / dump).source != apart


def test_the_same_bytes_whatever_the_hash_seed():
    dump = "examples/layer_norm/kernel.f32.ttgir"
    texts = {run("transpile", dump, PYTHONHASHSEED=seed).stdout for seed in ("0", "1", "42")}
    assert len(texts) == 1
    assert "kernel void layer_norm(" in texts.pop()


def test_an_unknown_target_is_bad_usage():
    result = run("transpile", DUMP, "--target", "m3-por")
    assert result.returncode == 2
    assert 'no target "m3-por"; did you mean "m3-pro"?' in result.stderr
    assert "the targets are m1, m1-pro" in result.stderr


def test_an_unknown_pass_is_bad_usage():
    result = run("transpile", DUMP, "--print-after", "no-such-pass")
    assert result.returncode == 2
    assert 'no pass "no-such-pass"' in result.stderr
    assert "the passes are" in result.stderr


@pytest.mark.parametrize("dump", [DUMP, "examples/row_sum/kernel.f32.ttgir"])
def test_print_after_prints_the_ir_of_any_pass_to_stderr(dump: str):
    options = [option for name in PASS_NAMES for option in ("--print-after", name)]
    result = run("transpile", dump, *options)
    assert result.returncode == 0, result.stderr
    places = [result.stderr.index(f"// after {name}\n") for name in PASS_NAMES]
    assert places == sorted(places)
    assert result.stdout == trimetal.transpile(ROOT / dump).source


@pytest.mark.parametrize("arguments", [("missing.ttgir",), ("examples",)])
def test_a_file_that_cannot_be_read_is_bad_usage(arguments: tuple[str, ...]):
    result = run("transpile", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(f"trimetal: {arguments[0]}: ")
    assert result.stderr.count("\n") == 1


def test_a_wrong_kernel_shows_the_place(tmp_path: Path):
    path = tmp_path / "broken.ttgir"
    path.write_text(BROKEN)
    result = run("transpile", str(path))
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"{path}:")
    assert ": error: " in result.stderr
    assert "^" in result.stderr
    assert "Traceback" not in result.stderr


def test_text_that_is_not_utf8_is_a_wrong_kernel(tmp_path: Path):
    path = tmp_path / "binary.ttgir"
    path.write_bytes(b"module \xff\xfe {}")
    result = run("transpile", str(path))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "UTF-8" in result.stderr


def test_report_as_text_goes_before_the_file_too():
    for arguments in (("--report", DUMP), (DUMP, "--report")):
        result = run("transpile", *arguments)
        assert result.returncode == 0
        assert "kernel void vector_add(" in result.stdout
        assert result.stderr.strip()


def test_report_as_json():
    result = run("transpile", DUMP, "--report=json")
    assert result.returncode == 0
    assert json.loads(result.stderr) == json.loads(
        report_text(trimetal.transpile(ROOT / DUMP).report, "json")
    )


def test_a_reader_that_stops_reading_is_no_error():
    command = f"{sys.executable} -m trimetal transpile {DUMP} | head -1"
    result = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert result.stdout == "#include <metal_stdlib>\n"
    assert result.stderr == ""


def test_report_text_is_aligned():
    assert report_text({"a": 1, "long": "x"}, "text") == "a     1\nlong  x"
    assert report_text({}, "text") == ""
    assert json.loads(report_text({"a": [1, None]}, "json")) == {"a": [1, None]}


def test_parse_prints_text_that_parses_again():
    once = run("parse", DUMP)
    assert once.returncode == 0
    assert "tt.func public @vector_add(" in once.stdout
    again = run("parse", "-", stdin=once.stdout)
    assert again.stdout == once.stdout


def test_check_accepts_what_transpile_writes(tmp_path: Path):
    path = tmp_path / "good.metal"
    path.write_text(trimetal.transpile(ROOT / DUMP).source)
    result = run("check", str(path))
    assert (result.returncode, result.stderr) == (0, "")


def test_check_finds_an_error(tmp_path: Path):
    path = tmp_path / "bad.metal"
    path.write_text(
        "#include <metal_stdlib>\nusing namespace metal;\n"
        "kernel void k(device float* x [[buffer(0)]]) {\n    x[0] = nothing;\n}\n"
    )
    result = run("check", str(path))
    assert result.returncode == 1
    assert "bad.metal:4" in result.stdout
    assert "nothing" in result.stdout


def test_a_reader_that_goes_away_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(
        [sys.executable, "-m", "trimetal", "targets"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=ROOT,
    )
    os.close(writer)
    assert result.returncode == 141
    assert result.stderr == ""


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pygments")
    from trimetal.cli import highlighted

    assert highlighted("int x;\n") == "int x;\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in highlighted("int x;\n")
    monkeypatch.setenv("NO_COLOR", "1")
    assert highlighted("int x;\n") == "int x;\n"


def test_the_cache_is_shown_and_cleared(tmp_path: Path):
    place = {"TRIMETAL_CACHE_DIR": str(tmp_path), "TRIMETAL_CACHE_LIMIT": "3M"}
    first = run("transpile", DUMP, **place)
    shown = run("cache", **place)
    assert shown.returncode == 0
    place_line, header, row, _ = shown.stdout.splitlines()
    assert place_line.startswith(f"{tmp_path}: ")
    assert place_line.endswith(" KiB of at most 3.0 MiB")
    assert header.split() == ["kind", "files", "size", "last", "used"]
    assert row.split()[:2] == ["shaders", "1"]
    assert run("transpile", DUMP, **place).stdout == first.stdout
    cleared = run("cache", "clear", **place)
    assert (cleared.returncode, cleared.stderr) == (0, "")
    assert "1 file removed" in cleared.stdout
    assert "shaders" not in run("cache", **place).stdout


def test_a_limit_of_the_cache_that_is_no_size():
    result = run("cache", TRIMETAL_CACHE_LIMIT="a lot")
    assert result.returncode == 1
    assert result.stderr == "TRIMETAL_CACHE_LIMIT=a lot: a size such as 500M or 2G is expected\n"
