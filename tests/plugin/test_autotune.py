"""Autotuning and measuring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .support import buffers, fresh, kernels, module, numbers, triton

pytestmark = pytest.mark.triton


def autotuned(kernel: Any, configurations: list[Any], **options: Any) -> Any:
    def measure(call: Any, quantiles: Any) -> list[float]:
        call()
        return [1.0] * len(quantiles)

    tune = triton.autotune(configurations, key=["n"], do_bench=measure, **options)
    return tune(fresh(kernel))


def test_configurations_that_do_not_fit_are_skipped():
    config = triton.Config
    too_large = config({"BLOCK": 4096}, num_warps=64)
    kernel = autotuned(kernels.add, [too_large, config({"BLOCK": 256}, num_warps=4)])
    x, y, out = numbers(512), numbers(512, seed=1), np.zeros(512, "float32")

    def grid(given: dict[str, int]) -> tuple[int]:
        return (512 // given["BLOCK"],)

    kernel[grid](*buffers(x, y, out), 512)
    np.testing.assert_array_equal(out, x + y)
    assert kernel.best_config.kwargs["BLOCK"] == 256
    assert kernel.configs_timings[too_large][0] == float("inf")


def test_values_are_restored_between_runs():
    config = triton.Config
    configurations = [config({}, num_warps=1), config({}, num_warps=2)]
    tune = triton.autotune(configurations, key=[], restore_value=["x_ptr"])
    x = numbers(64)
    before = np.array(x)
    tune(fresh(kernels.increment))[(1,)](*buffers(x), BLOCK=64)
    np.testing.assert_array_equal(x, before + 1)


def test_do_bench_measures():
    x, out = numbers(64), np.zeros(64, "float32")
    arguments = buffers(x, out)
    milliseconds = module("triton.testing").do_bench(
        lambda: kernels.copy[(1,)](*arguments, BLOCK=64), warmup=1, rep=2
    )
    assert 0 < milliseconds < 1000


def test_the_driver_answers_what_heuristics_ask():
    driver = module("triton.runtime").driver.active
    properties = driver.utils.get_device_properties(driver.get_current_device())
    assert properties["max_shared_mem"] == 32768
    assert properties["multiprocessor_count"] == 10
    # 208 KB of registers, which 1,024 threads can share.
    assert properties["max_num_regs"] == 53248
    x = buffers(numbers(64))[0]
    kernel = kernels.copy[(1,)](x, x, BLOCK=64)
    assert (kernel.n_regs, kernel.n_max_threads) == (52, 1024)
    assert driver.map_python_to_cpp_type("*fp32") == "void*"
    assert driver.map_python_to_cpp_type("i32") == "int32_t"
    assert driver.get_benchmarker() is module("triton.testing").do_bench
