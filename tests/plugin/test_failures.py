"""Failures, as Triton's callers know them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from trimetal import LaunchError, OutOfResourcesError, UnsupportedError
from trimetal.runtime.triton_plugin.memory import Buffer

from .support import buffers, fresh, kernels, module, numbers

pytestmark = pytest.mark.triton
triton_error = module("trimetal.runtime.triton_plugin.failures").triton_error


def test_an_unsupported_op_is_a_compilation_error_with_the_line():
    error = module("triton.compiler.errors").CompilationError
    with pytest.raises(error) as caught:
        kernels.assembly[(1,)](Buffer(np.zeros(64, "int32")), BLOCK=64)
    message = str(caught.value)
    assert "tt.elementwise_inline_asm" in message
    assert "kernels.py:" in message
    assert 'y = tl.inline_asm_elementwise("mov.b32' in message
    assert isinstance(caught.value.__cause__, UnsupportedError)


def test_a_type_that_metal_lacks_is_a_compilation_error_with_a_line():
    error = module("triton.compiler.errors").CompilationError
    x, out = np.zeros(64), np.zeros(64)
    with pytest.raises(error) as caught:
        kernels.copy[(1,)](*buffers(x, out), BLOCK=64)
    assert "f64" in str(caught.value)
    assert "kernels.py:" in str(caught.value)


def test_too_many_threads_are_out_of_resources():
    error = module("triton.runtime.errors").OutOfResources
    x, out = numbers(4096), numbers(4096)
    with pytest.raises(error, match=r"threads.* Required: 2048, Hardware limit: 1024"):
        kernels.copy[(1,)](*buffers(x, out), BLOCK=4096, num_warps=64)


def test_too_much_memory_is_out_of_resources_in_triton_s_words():
    error = triton_error(OutOfResourcesError("threadgroup memory", 65536, 32768), "")
    assert type(error).__name__ == "OutOfResources"
    assert "shared memory, Required: 65536, Hardware limit: 32768" in str(error)


def test_errors_can_be_copied_as_triton_does():
    for ours in (UnsupportedError("no"), OutOfResourcesError("threads", 2048, 1024)):
        error = triton_error(ours, "module {}\n")
        assert str(copy.deepcopy(error)) == str(error)
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_launch_that_fails_is_a_runtime_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRIMETAL_CHECK_BUFFERS", "1")
    x, out = numbers(100), numbers(128)
    with pytest.raises(RuntimeError) as caught:
        fresh(kernels.copy)[(1,)](*buffers(x, out), BLOCK=128)
    assert isinstance(caught.value, LaunchError)
    assert "kernel.metal" in str(caught.value) or "copy.metal" in str(caught.value)


@pytest.mark.parametrize("num_warps", [0, 3])
def test_a_number_of_warps_is_a_power_of_two(num_warps: int):
    x, out = numbers(64), numbers(64)
    with pytest.raises(AssertionError, match="power of 2"):
        kernels.copy[(1,)](*buffers(x, out), BLOCK=64, num_warps=num_warps)


def test_an_unknown_option_is_refused():
    x, out = numbers(64), numbers(64)
    with pytest.raises(KeyError, match="waves_per_eu"):
        kernels.copy[(1,)](*buffers(x, out), BLOCK=64, waves_per_eu=2)
