"""transpile_jit: shaders without a launch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import trimetal
from trimetal import TrimetalError, UnsupportedError

from .support import kernels, module, triton

pytestmark = pytest.mark.triton

TYPES = {"x_ptr": "*fp32:16", "y_ptr": "*fp32:16", "out_ptr": "*fp32", "n": "i32:16"}


def test_the_shader_of_a_function():
    shader = trimetal.transpile_jit(kernels.add, TYPES, {"BLOCK": 1024}, num_warps=8, target="m1")
    assert shader.name == "add"
    assert shader.target == "m1"
    assert shader.threads_per_threadgroup == 256
    assert "kernel void add(" in shader.source
    assert [argument.divisibility for argument in shader.arguments] == [16, 16, 1, 16]
    assert [argument.written for argument in shader.arguments] == [False, False, True, False]


def test_a_signature_may_be_a_text():
    by_text = trimetal.transpile_jit(kernels.add, "*fp32:16, *fp32:16, *fp32, i32:16, 1024")
    assert by_text == trimetal.transpile_jit(kernels.add, TYPES, {"BLOCK": 1024})


def test_fusion_is_an_option(monkeypatch: pytest.MonkeyPatch):
    types = "*fp32:16, *fp32:16, *fp32:16, 256"
    assert "fma(" in trimetal.transpile_jit(kernels.multiply_add, types).source
    apart = trimetal.transpile_jit(kernels.multiply_add, types, enable_fp_fusion=False).source
    assert "fma(" not in apart
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "0")
    assert trimetal.transpile_jit(kernels.multiply_add, types).source == apart


def test_it_needs_no_active_driver(monkeypatch: pytest.MonkeyPatch):
    configuration: Any = module("triton.runtime.driver").driver

    class NoDriver:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("0 active drivers")

    nothing = NoDriver()
    configuration.set_active(nothing)
    assert trimetal.transpile_jit(kernels.add, TYPES, {"BLOCK": 1024}).source
    assert configuration.active is nothing


def test_an_autotuned_function_is_the_function_inside():
    tuned = triton.autotune([triton.Config({"BLOCK": 64})], key=[])(kernels.add)
    assert trimetal.transpile_jit(tuned, TYPES, {"BLOCK": 64}).name == "add"


@pytest.mark.parametrize(
    ("signature", "constexprs", "message"),
    [
        ({"x_ptr": "*fp32"}, {"BLOCK": 64}, "no type and no value for parameter 'y_ptr'"),
        ({**TYPES, "m": "i32"}, {"BLOCK": 64}, "the kernel has no parameter 'm': x_ptr, "),
        ("i32, i32, i32, i32, 4, 5", {}, "6 types for the 5 parameters"),
    ],
)
def test_signatures_that_do_not_fit(signature: Any, constexprs: dict[str, object], message: str):
    with pytest.raises(TrimetalError, match=message):
        trimetal.transpile_jit(kernels.add, signature, constexprs)


def test_what_is_no_jit_function():
    with pytest.raises(TrimetalError, match=r"a @triton.jit function is expected, not function"):
        trimetal.transpile_jit(test_what_is_no_jit_function, "")


def test_a_refusal_names_the_line_of_the_source():
    with pytest.raises(UnsupportedError) as caught:
        trimetal.transpile_jit(kernels.assembly, "*i32, 64")
    assert "tt.elementwise_inline_asm" in str(caught.value)
    assert "tests/plugin/kernels.py:" in caught.value.note


SCALE = """
import triton
import triton.language as tl

@triton.jit
def scale(x_ptr, factor, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    tl.store(x_ptr + offsets, tl.load(x_ptr + offsets) * factor)
"""


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trimetal", "transpile", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
    )


def test_the_command_line_takes_a_function_in_a_file(tmp_path: Path):
    path = tmp_path / "scale.py"
    path.write_text(SCALE)
    done = command(f"{path}:scale", "--signature", "*fp32:16, fp32, 256", "--num-warps", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "kernel void scale(" in done.stdout
    assert "scale.py:8" in done.stdout
    assert "max_total_threads_per_threadgroup(64)" in done.stdout


@pytest.mark.parametrize(
    ("function", "signature", "status", "message"),
    [
        ("scale.py:scales", "", 1, "scale.py has no scales"),
        ("scale.py:scale", "*fp32, fp32", 1, "no type and no value for parameter 'BLOCK'"),
        # What Triton's front end refuses, with its own lines and caret.
        ("scale.py:scale", "*fp32, fp32, 250", 1, "offsets = tl.arange(0, BLOCK)"),
        ("scale.py:scale", "*fp64, fp32, 256", 1, "f64"),
        ("missing.py:scale", "*fp32, fp32, 256", 2, "No such file"),
    ],
)
def test_messages_of_the_command_line(
    function: str, signature: str, status: int, message: str, tmp_path: Path
):
    (tmp_path / "scale.py").write_text(SCALE)
    done = command(f"{tmp_path}/{function}", "--signature", signature)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr
