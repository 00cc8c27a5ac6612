# pyright: basic
"""Kernels of Triton's language as shaders, run on the CPU device with numpy's arrays."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import trimetal
from trimetal import runtime

from ..dot.support import errors
from ..lower.support import Array, poison

triton: Any = pytest.importorskip("triton")
kernels: Any = importlib.import_module("tests.kernels.kernels")

DTYPES: dict[str, Any] = {
    "f32": np.dtype(np.float32),
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
}
_TYPE_OF = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
_TYPE_OF |= {"int32": "i32", "int64": "i64"}

_made: dict[object, tuple[trimetal.Shader, runtime.Kernel]] = {}


def made(
    name: str,
    arguments: Mapping[str, object],
    constants: Mapping[str, object],
    warps: int = 4,
    schedules: int = 2,
    target: str = "m3",
) -> tuple[trimetal.Shader, runtime.Kernel]:
    """The shader for arguments of these types, checked, and compiled with every guard on."""
    signature = {parameter: _type(value) for parameter, value in arguments.items()}
    key = (name, warps, schedules, target, *signature.items(), *constants.items())
    if key not in _made:
        shader = trimetal.transpile_jit(getattr(kernels, name), signature, constants, warps, target)
        findings = trimetal.check(shader.source)
        assert not findings, "\n".join(map(str, findings)) + "\n" + shader.source
        kernel = runtime.compile(shader, "cpu", schedules=schedules, check_buffers=True)
        _made[key] = shader, kernel
    return _made[key]


def launch(
    name: str,
    grid: tuple[int, ...],
    arguments: Mapping[str, object],
    warps: int = 4,
    schedules: int = 2,
    **constants: object,
) -> trimetal.Shader:
    """Run a kernel: in so many schedules, which must agree, with bounds checked."""
    shader, kernel = made(name, arguments, constants, warps, schedules)
    kernel(grid, *arguments.values())
    return shader


def launch_for(
    target: str,
    name: str,
    grid: tuple[int, ...],
    arguments: Mapping[str, object],
    /,
    **constants: object,
) -> trimetal.Shader:
    """The same of a kernel made for another chip."""
    shader, kernel = made(name, arguments, constants, target=target)
    kernel(grid, *arguments.values())
    return shader


def profile(
    name: str,
    grid: tuple[int, ...],
    arguments: Mapping[str, object],
    warps: int = 4,
    **constants: object,
) -> runtime.Profile:
    """Run a kernel and count."""
    _, kernel = made(name, arguments, constants, warps)
    return kernel.profile(grid, *arguments.values())


def _type(value: object) -> str:
    """A type as a launch would find it: with what divides integers and addresses."""
    if isinstance(value, np.ndarray):
        return f"*{_TYPE_OF[value.dtype.name]}{':16' if value.ctypes.data % 16 == 0 else ''}"
    if isinstance(value, float):
        return "fp32"
    assert isinstance(value, int)
    return f"i32{':16' if value % 16 == 0 else ''}"


def normal(shape: tuple[int, ...], kind: str, generator: np.random.Generator) -> Array:
    """Random numbers, rounded to the type."""
    return generator.standard_normal(shape).astype(np.float32).astype(DTYPES[kind])


def empty(shape: tuple[int, ...], kind: str) -> Array:
    """Poisoned memory."""
    if kind == "bf16":
        return poison(shape, "u2").view(DTYPES[kind])
    return poison(shape, DTYPES[kind].str)


def product(a: Array, b: Array) -> Array:
    """a @ b summed in float, one product after the other, each sum rounded once."""
    total = np.zeros((a.shape[0], b.shape[1]), np.float32)
    columns, rows = a.astype(np.float64), b.astype(np.float64)
    for at in range(a.shape[1]):
        total = (columns[:, at : at + 1] * rows[at] + total).astype(np.float32)
    return total


def assert_close(found: Array, exact: Array, rounded: Array, what: str = "") -> None:
    """At most twice the error of numpy's result with the same roundings (see `product`)."""
    assert np.isfinite(found.astype(np.float64)).all(), what
    ours, theirs = errors(found, exact), errors(rounded, exact)
    assert ours <= 2 * theirs + 2e-7, f"{what}: {ours:.2e}, numpy {theirs:.2e}"
