"""The key of Triton's cache: all that decides the code is in it, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .support import buffers, fresh, kernels, module, numbers, triton

pytestmark = pytest.mark.triton


def compile_copy() -> Any:
    return fresh(kernels.copy).warmup(*buffers(numbers(64), numbers(64)), BLOCK=64, grid=(1,))


def backend(arch: str) -> Any:
    target = module("triton.backends.compiler").GPUTarget("trimetal", arch, 32)
    return module("trimetal.runtime.triton_plugin.compiler").TrimetalBackend(target)


def test_a_kernel_is_compiled_once(monkeypatch: pytest.MonkeyPatch):
    compiled: list[bool] = []

    def listen(*, cache_hit: bool, **_: object) -> None:
        compiled.append(not cache_hit)

    monkeypatch.setattr(triton.knobs.compilation, "listener", listen)
    x, out = numbers(64), np.zeros(64, "float32")
    for _ in range(2):
        # A new function, as in another process: the file is read.
        fresh(kernels.copy)[(1,)](*buffers(x, out), BLOCK=64)
        np.testing.assert_array_equal(out, x)
        out[...] = 0
    assert compiled == [True, False]


def test_the_sources_and_the_chip_are_in_the_key(monkeypatch: pytest.MonkeyPatch):
    keys = {backend("m1").hash(), backend("m3").hash(), backend("m3").hash()}
    hashed: list[str] = []

    def other(*folders: str) -> str:
        hashed.extend(folders)
        return "other"

    monkeypatch.setattr(module("trimetal.runtime.fingerprint"), "fingerprint", other)
    keys.add(backend("m3").hash())
    assert len(keys) == 3
    assert hashed == ["transpiler", "templates", "runtime/triton_plugin"]


def test_every_option_is_in_the_key():
    options = module("trimetal.runtime.triton_plugin.options")
    parse = options.parse_options
    given: list[dict[str, object]] = [
        {},
        {"num_warps": 8},
        {"debug": True},
        {"arch": "m1"},
        {"enable_fp_fusion": False},
        {"extern_libs": {"a": "b"}},
        {"sanitize_overflow": False},
    ]
    assert len({parse(each, "m3").hash() for each in given}) == len(given)
    assert parse({"num_warps": 4, "debug": None}, "m3").hash() == parse({}, "m3").hash()


def test_the_target_changes_with_the_setting(monkeypatch: pytest.MonkeyPatch):
    driver = module("trimetal.runtime.triton_plugin.driver").TrimetalDriver()
    assert driver.get_current_target().arch == "m3"
    monkeypatch.setenv("TRIMETAL_TARGET", "M1 Pro")
    assert driver.get_current_target().arch == "m1-pro"
    assert '"metal:apple7"' in compile_copy().asm["ttgir"]


def test_lines_of_the_source_can_be_left_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRITON_DISABLE_LINE_INFO", "1")
    assert "kernels.py" not in compile_copy().asm["msl"]
