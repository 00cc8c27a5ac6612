"""Launches through triton.jit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trimetal import LaunchError
from trimetal.runtime.triton_plugin.memory import Buffer

from .support import Array, buffers, fresh, kernels, module, numbers, triton, version

pytestmark = pytest.mark.triton


def run_add(n: int = 1000, kernel: Any = None, **options: object) -> tuple[Any, Array]:
    x, y, out = numbers(n), numbers(n, seed=1), np.zeros(n, "float32")
    compiled = (kernel or kernels.add)[(triton.cdiv(n, 256),)](
        *buffers(x, y, out), n, BLOCK=256, **options
    )
    np.testing.assert_array_equal(out, x + y)
    return compiled, out


@pytest.mark.parametrize("n", [1, 255, 256, 1000])
def test_a_kernel_computes(n: int):
    run_add(n)


@pytest.mark.parametrize("num_warps", [1, 2, 4, 8])
def test_the_number_of_warps_is_that_of_simdgroups(num_warps: int):
    compiled, _ = run_add(num_warps=num_warps)
    assert compiled.metadata.num_warps == num_warps
    assert compiled.metadata.shader["threads_per_threadgroup"] == 32 * num_warps


def test_fusion_is_an_option():
    x, y = (np.random.default_rng(seed).standard_normal(256).astype("float32") for seed in (1, 2))
    wide = x.astype("float64")
    once = (wide * y + wide).astype("float32")
    assert (once != x * y + x).any()
    for fusion, expected in ((None, once), (True, once), (False, x * y + x)):
        out = np.zeros(256, "float32")
        compiled = kernels.multiply_add[(1,)](
            *buffers(x, y, out), BLOCK=256, enable_fp_fusion=fusion
        )
        assert ("fma(" in compiled.asm["msl"]) == (expected is once)
        np.testing.assert_array_equal(out, expected)


def test_every_stage_is_kept():
    compiled, _ = run_add()
    assert {"ttir", "ttgir", "msl"} <= compiled.asm.keys()
    assert "kernel void add(" in compiled.asm["msl"]
    assert '"metal:apple9"' in compiled.asm["ttgir"]
    assert compiled.name == compiled.metadata.name == "add"
    assert compiled.metadata.shared == 0


def test_the_msl_has_the_names_and_lines_of_the_source():
    compiled, _ = run_add()
    assert "kernels.py:" in compiled.asm["msl"]
    if version >= (3, 5):
        assert "offsets" in compiled.asm["msl"]


def test_loops_are_one_where_the_kernel_asks_for_that():
    out = np.zeros(36, "int32")
    compiled = kernels.count_in_flat_loops[(1,)](Buffer(out), 6)
    assert compiled.asm["ttir"].count("scf.for") == 2
    assert compiled.asm["ttgir"].count("scf.for") == 1
    np.testing.assert_array_equal(out, np.arange(36))


def test_a_grid_of_three_dimensions():
    out = np.zeros((3, 2, 4), "int32")
    kernels.grid[(4, 2, 3)](Buffer(out))
    z, y, x = np.indices(out.shape)
    np.testing.assert_array_equal(out, x + 10 * y + 100 * z)


def test_a_grid_may_be_a_function_of_the_arguments():
    x, out = numbers(64 * 8).reshape(8, 64), np.zeros(8, "float32")

    def grid(given: dict[str, int]) -> tuple[int]:
        return (given["BLOCK"] // 8,)

    kernels.row_sum[grid](*buffers(x, out), 64, BLOCK=64)
    np.testing.assert_allclose(out, x.sum(1))


def test_an_empty_grid_runs_nothing():
    out = np.zeros(1, "int32")
    kernels.store_scalar[(0,)](Buffer(out), 7)
    assert out[0] == 0


def test_warmup_compiles_and_does_not_run():
    x, out = numbers(256), np.zeros(256, "float32")
    compiled = kernels.copy.warmup(*buffers(x, out), BLOCK=256, grid=(1,))
    assert "kernel void copy(" in compiled.asm["msl"]
    assert not out.any()


def test_launches_can_be_turned_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRIMETAL_LAUNCH", "none")
    x, out = numbers(256), np.zeros(256, "float32")
    fresh(kernels.copy)[(1,)](*buffers(x, out), BLOCK=256)
    assert not out.any()


def test_a_file_of_ttgir_compiles_and_runs(tmp_path: Path):
    compiled, _ = run_add()
    path = tmp_path / "add.ttgir"
    path.write_text(compiled.asm["ttgir"])
    target = module("triton.backends.compiler").GPUTarget("trimetal", "m1", 32)
    again = triton.compile(str(path), target=target)
    x, y, out = numbers(512), numbers(512, seed=1), np.zeros(512, "float32")
    again[(2, 1, 1)](*buffers(x, y, out), 512)
    np.testing.assert_array_equal(out, x + y)
    assert again.metadata.target.arch == "m1"


def test_what_the_compiler_assumed_is_checked(tmp_path: Path):
    compiled, _ = run_add(1024)
    assert "tt.divisibility = 16" in compiled.asm["ttgir"]
    path = tmp_path / "add.ttgir"
    path.write_text(compiled.asm["ttgir"])
    again = triton.compile(str(path))
    x, y, out = numbers(512), numbers(512, seed=1), numbers(512)
    before = np.array(out)
    with pytest.raises(LaunchError, match=r"(n|arg3): .*multiple of 16, found 500"):
        again[(2, 1, 1)](*buffers(x, y, out), 500)
    with pytest.raises(LaunchError, match=r"(x_ptr|arg0): .*divisible by 16"):
        again[(1, 1, 1)](*buffers(x[1:], y, out), 256)
    np.testing.assert_array_equal(out, before)


def test_hooks_see_a_launch(monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []

    def compiled(**given: Any) -> None:
        seen.append(f"compiled {given['fn'].name}")

    def entered(metadata: Any) -> None:
        seen.append(f"launch of {metadata.get()['name']}")

    def left(_: Any) -> None:
        seen.append("end")

    knobs = triton.knobs.runtime
    monkeypatch.setattr(knobs, "jit_post_compile_hook", compiled)
    monkeypatch.setattr(knobs, "launch_enter_hook", entered)
    monkeypatch.setattr(knobs, "launch_exit_hook", left)
    run_add(kernel=fresh(kernels.add))
    assert seen == ["compiled add", "launch of add", "end"]


def test_a_hook_may_change_the_stages(monkeypatch: pytest.MonkeyPatch):
    knobs = triton.knobs.runtime
    if not hasattr(knobs, "add_stages_inspection_hook"):
        pytest.skip("not in this version of Triton")
    names: list[str] = []

    def inspect(backend: Any = None, stages: Any = None, *_: object) -> tuple[str, str]:
        names.extend(stages or ())
        return "key", "hash"

    monkeypatch.setattr(knobs, "add_stages_inspection_hook", inspect)
    run_add(kernel=fresh(kernels.add))
    assert names == ["ttir", "ttgir", "msl", "shader"]


def test_stages_are_dumped_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(triton.knobs.compilation, "dump_ir", True)
    monkeypatch.setattr(triton.knobs.cache, "dump_dir", str(tmp_path / "dump"))
    run_add(kernel=fresh(kernels.add))
    dumped = {path.suffix: path for path in (tmp_path / "dump").rglob("add.*")}
    assert {".ttir", ".ttgir", ".msl"} <= dumped.keys()
    assert "kernel void add(" in dumped[".msl"].read_text()


def test_a_launch_of_a_cached_kernel_is_little_work():
    out = np.zeros(1, "int32")
    launch, argument = kernels.store_scalar[(1,)], Buffer(out)
    launch(argument, 7)
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        launch(argument, 8)
    finally:
        sys.setprofile(None)
    assert out[0] == 8
    # Calls of Python and C functions; about half are Triton's own.
    assert calls < 150
