"""Compiled kernels are kept, shared between processes, and made anew for other compilers."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trimetal.runtime import compile
from trimetal.runtime.cpu import compiler
from trimetal.runtime.cpu.source import host_source
from trimetal.transpiler.errors import LaunchError

from .support import inline, stored

BODY = "out[thread_index] = float(n);"
ZIG = f"{sys.executable} -m ziglang c++"


def _run(body: str = BODY) -> float:
    out = np.zeros(64, np.float32)
    compile(inline(body))((1,), out, np.zeros(64, np.int32), 7)
    return float(out.sum())


def _libraries(directory: Path) -> list[Path]:
    return sorted(directory.glob("v1/kernels/*/*"))


def _no_compiler(self: compiler.Compiler, arguments: list[str], target: Path) -> str | None:
    pytest.fail("a second compilation")


def test_a_kernel_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMETAL_CACHE_DIR", str(tmp_path))
    assert _run() == 448
    (library,) = _libraries(tmp_path)
    made = library.stat().st_ino
    with monkeypatch.context() as no_compiler:
        no_compiler.setattr(compiler.Compiler, "run", _no_compiler)
        assert _run() == 448
    assert [path.stat().st_ino for path in _libraries(tmp_path)] == [made]
    assert _run(BODY + " ") == 448
    assert len(_libraries(tmp_path)) == 2


def test_a_forked_child_can_launch() -> None:
    assert _run() == 448
    child = os.fork()
    if child == 0:
        os._exit(0 if _run("out[thread_index] = simd_sum(float(n)) / 32.0f;") == 448 else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not importlib.util.find_spec("ziglang"), reason="needs the ziglang package")
def test_zig_compiles_where_no_other_compiler_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TRIMETAL_CXX", raising=False)
    assert compiler.find_compiler().family == "zig"
    assert _run() == 448


def _finds_nothing(name: str) -> None:
    del name


def test_no_compiler_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TRIMETAL_CXX", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", _finds_nothing)
    with pytest.raises(LaunchError, match="needs a C\\+\\+ compiler: install g\\+\\+ or clang"):
        _run()


def test_chosen_compiler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMETAL_CXX", "/nowhere/c++ -pipe")
    with pytest.raises(LaunchError, match="/nowhere/c\\+\\+ -pipe cannot run"):
        _run()


def test_flags_give_the_same_floats_everywhere() -> None:
    flags = compiler.find_compiler().flags()
    assert {"-ffp-contract=off", "-fsigned-char"} <= set(flags)


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("ziglang"), reason="needs the ziglang package")
@pytest.mark.parametrize(
    "target", ["aarch64-macos", "x86_64-macos", "aarch64-linux-gnu", "x86_64-linux-musl"]
)
def test_compiles_for_other_machines(target: str, tmp_path: Path) -> None:
    source, _ = host_source(stored("matmul", "a: f16, b: f16, c: f32!, n=i32, k=i32", 128))
    (tmp_path / "kernel.cpp").write_text(f'#include "precompiled.hpp"\n{source}')
    package = Path(compiler.__file__).parent
    zig = [sys.executable, "-m", "ziglang", "c++", "-target", target]
    flags = [*compiler.COMMON_FLAGS, "-shared", "-nostdlib++", f"-I{package.parent}/headers"]
    for path in (package / "native" / "runtime.cpp", tmp_path / "kernel.cpp"):
        made = tmp_path / f"{path.stem}.so"
        result = subprocess.run(
            [*zig, *flags, str(path), "-o", str(made)], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        assert made.stat().st_size > 0


def test_runtime_needs_no_cpp_library(tmp_path: Path) -> None:
    from trimetal.runtime.cpu.toolchain import toolchain

    library = tmp_path / "runtime.so"
    toolchain().compile_runtime(library)
    command = ["nm", "-D", "-u", str(library)]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert any(name.startswith("mmap") for name in symbols)
    assert not [name for name in symbols if name.startswith(("_ZNSt", "_Zn"))]
