"""What the tests share. Triton has no types: here is where they are left behind."""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

import numpy as np
import pytest

from trimetal.runtime.triton_plugin.memory import Buffer

triton: Any = pytest.importorskip("triton")
kernels: Any = importlib.import_module("tests.plugin.kernels")
version: tuple[int, ...] = tuple(int(part) for part in triton.__version__.split(".")[:2])

# numpy's stubs say too little of an array whose type is found at run time.
Array: TypeAlias = Any


def module(name: str) -> Any:
    """A module, as triton(name)."""
    return importlib.import_module(name)


def fresh(kernel: Any) -> Any:
    """The kernel without what earlier tests have compiled."""
    return triton.jit(kernel.fn)


def numbers(size: int, dtype: str = "float32", seed: int = 0) -> Array:
    """Random numbers from -100 to 100 in aligned memory."""
    nbytes = size * np.dtype(dtype).itemsize
    memory: Array = np.empty(nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    array = memory[start : start + nbytes].view(dtype)
    array[...] = np.random.default_rng(seed).integers(-100, 100, size)
    return array


def buffers(*arrays: Array) -> list[Buffer]:
    """The arrays as arguments."""
    return [Buffer(array) for array in arrays]
