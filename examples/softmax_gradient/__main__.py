"""Kernels in MLX's own way, with a gradient: python -m examples.softmax_gradient

Both directions are kernels of Triton. `results` gives new arrays and leaves its arguments as they
are, as MLX wants it of a function; `Empty` stands for what a kernel fills, and costs no copy. On an
Apple GPU nothing is computed before it is needed, and `mx.compile` takes the whole training step;
elsewhere the CPU device runs the kernels at once, which `mx.compile` does not allow.
"""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportUntypedFunctionDecorator=false

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

import trimetal
from trimetal.runtime import Empty, compile, devices

HERE = Path(__file__).resolve().parent
FORWARD = HERE.parent / "softmax" / "kernel.f32-1024-any.ttgir"
BACKWARD = HERE / "kernel.f32-1024.ttgir"

Function = Callable[[Any], Any]


def softmax(device: str) -> Function:
    """The softmax of each row of a matrix with 1,024 columns at most, for MLX to differentiate."""
    forward = compile(trimetal.transpile(FORWARD), device)
    backward = compile(trimetal.transpile(BACKWARD), device)

    @mx.custom_function
    def function(x: Any) -> Any:
        rows, cols = x.shape
        (y,) = forward.results((rows,), Empty(x.shape), x, cols, cols, cols)
        return y

    @function.vjp
    def _(x: Any, dy: Any, y: Any) -> Any:
        rows, cols = x.shape
        (dx,) = backward.results((rows,), Empty(x.shape), dy, y, cols)
        return dx

    return function


def step(device: str) -> Function:
    """A loss of x and its gradient, compiled where the kernels are lazy."""
    function = softmax(device)

    def loss(x: Any) -> Any:
        weights = mx.arange(x.shape[1]) / x.shape[1]
        return (function(x * 2) * weights).sum(axis=1).sum()  # by rows: more exact

    both: Function = mx.value_and_grad(loss)
    return mx.compile(both) if device == "metal" else both


def exact(x: Any) -> tuple[float, Any]:
    """The same in float64."""
    x = 2 * x.astype(np.float64)
    y = np.exp(x - x.max(axis=1, keepdims=True))
    y /= y.sum(axis=1, keepdims=True)
    weights = np.arange(x.shape[1]) / x.shape[1]
    return float((y * weights).sum()), 2 * y * (weights - (y * weights).sum(axis=1, keepdims=True))


def errors(run: Function, rows: int = 64, cols: int = 781) -> tuple[float, float]:
    """How far the loss and its gradient are off, relative to the largest element."""
    x = np.random.default_rng().standard_normal((rows, cols)).astype(np.float32)
    loss, gradient = run(mx.array(x))
    expected, expected_gradient = exact(x)
    worst = np.abs(np.array(gradient) - expected_gradient).max()
    return abs(loss.item() / expected - 1), float(worst / np.abs(expected_gradient).max())


if __name__ == "__main__":
    name = devices()[0]
    loss_error, gradient_error = errors(step(name))
    print(f"device {name}: loss within {loss_error:.1e}, gradient within {gradient_error:.1e}")
