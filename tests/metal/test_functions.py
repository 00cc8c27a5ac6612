"""Kernels in functions that MLX transforms: compiled, with a gradient of their own, and on streams.

The stand-in computes at once, which MLX does not allow in a function that it compiles. There, MLX's
own recording is the test: it fails where anything is computed.
"""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportUntypedFunctionDecorator=false

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import mlx.core as mx
import numpy as np
import pytest

import trimetal
from examples.softmax_gradient import __main__ as softmax_gradient
from trimetal.runtime import Empty, Kernel, compile
from trimetal.runtime.metal.copying import copy_kernel
from trimetal.transpiler.errors import LaunchError

from . import kernels
from .stand_in import stand_in

Function = Callable[[Any], Any]


def double() -> Kernel:
    return compile(trimetal.transpile(kernels.double()), "metal")


def recorded(path: Path, function: Function, array: Any) -> list[Any]:
    """The streams of the kernels that MLX records of a function; nothing may be computed."""
    streams: list[Any] = []
    make = mx.fast.metal_kernel

    def noted(**options: Any) -> Any:
        kernel: Any = make(**options)

        def call(**given: Any) -> Any:
            streams.append(given.pop("stream"))
            return kernel(**given)

        return call

    copy_kernel.cache_clear()
    with (
        mock.patch.object(mx.metal, "is_available", lambda: True),
        mock.patch.object(mx.fast, "metal_kernel", noted),
    ):
        try:
            mx.export_function(str(path), function, array)
        finally:
            copy_kernel.cache_clear()
    assert path.stat().st_size > 0
    return streams


def test_results_are_lazy(tmp_path: Path) -> None:
    def function(x: Any) -> Any:
        (y,) = double().results((1,), mx.exp(x), Empty(x.shape), x.size)
        (z,) = double().results((1,), y, mx.zeros(x.size + 3), x.size)
        return z

    assert len(recorded(tmp_path / "function", function, mx.arange(100.0))) == 4


def test_a_launch_in_place_is_lazy(tmp_path: Path) -> None:
    def function(x: Any) -> Any:
        y = mx.sin(x)
        double()((1,), y, y, 50)
        out = mx.zeros(x.shape)
        double()((1,), y[3:], out, x.size - 3)
        return out

    assert len(recorded(tmp_path / "function", function, mx.arange(100.0))) == 6


def test_inside_a_compiled_function(tmp_path: Path) -> None:
    @mx.compile
    def inner(x: Any) -> Any:
        (y,) = double().results((1,), x * 2, Empty(x.shape), x.size)
        return y + 1

    assert len(recorded(tmp_path / "function", inner, mx.arange(64.0))) == 1


def test_prints_need_a_result_at_once(tmp_path: Path) -> None:
    def function(x: Any) -> Any:
        kernel = compile(trimetal.transpile(kernels.printing()), "metal")
        (y,) = kernel.results((1,), x, Empty((1,), "int32"))
        return y

    with pytest.raises(LaunchError, match="prints and assertions are read at once"):
        recorded(tmp_path / "function", function, mx.array([1]))


def test_a_gradient_of_its_own() -> None:
    with stand_in() as device:
        kernel = double()

        def doubled(x: Any) -> Any:
            (y,) = kernel.results((1,), x, Empty(x.shape), x.size)
            return y

        @mx.custom_function
        def function(x: Any) -> Any:
            return doubled(x)

        @function.vjp
        def _(x: Any, cotangent: Any, y: Any) -> Any:
            return doubled(cotangent)

        values = np.random.default_rng().standard_normal(300).astype(np.float32)
        x = mx.array(values)

        def loss(x: Any) -> Any:
            return (function(x) * x).sum()

        value, gradient = mx.value_and_grad(loss)(x)
        assert np.allclose(np.array(gradient), 4 * values, rtol=1e-6)
        assert np.isclose(value.item(), 2 * np.square(values.astype(np.float64)).sum(), rtol=1e-5)
        assert len(device.texts) == 2


def test_the_stream_reaches_every_launch(tmp_path: Path) -> None:
    stream = mx.new_stream(mx.cpu)  # MLX has no others here, and would take none for a kernel

    def function(x: Any) -> Any:
        kernel = compile(trimetal.transpile(kernels.double()), "metal")
        out = mx.zeros(x.size + 1)
        kernel((1,), x, out, x.size, stream=stream)
        return out

    assert recorded(tmp_path / "function", function, mx.arange(9.0)) == [stream] * 3


@pytest.mark.parametrize("device", ["cpu", "metal"])
def test_the_example_of_a_gradient(device: str) -> None:
    """As it is on the CPU device, and with MLX's texts; compiled functions run as they are here."""
    mx.disable_compile()
    try:
        with stand_in() as found:
            loss, gradient = softmax_gradient.errors(softmax_gradient.step(device))
    finally:
        mx.enable_compile()
    assert loss < 1e-5
    assert gradient < 1e-5
    assert len(found.texts) == (2 if device == "metal" else 0)
