"""Samples: small launches whose results a built package compares its own with.

Nobody says how large a kernel's arrays must be, so that is tried out, on the CPU device, which
refuses an access behind an array's end.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from trimetal.runtime.arguments import Address, AnyArray, element_bytes
from trimetal.runtime.kernel import Kernel, compile
from trimetal.transpiler.errors import LaunchError
from trimetal.transpiler.shader import Argument, Shader

_GRID = (2, 2, 1)
_SIZES = (64, 256, 1024, 4096, 16384, 65536)
_INTEGER = 64
# Small numbers may be indices too.
_LARGEST = 8
_ALIGNMENT = 64


def sample_of(shader: Shader) -> dict[str, object] | None:
    """A launch of a shader as JSON has it: grid, numbers, and arrays before and after.

    None where none of the sizes is enough, or the result depends on the order of threads.
    """
    kernel = compile(shader, "cpu", check_buffers=True, schedules=2)
    numbers = {a.name: _number(a) for a in shader.arguments if a.kind == "scalar"}
    buffers = [a for a in shader.arguments if a.kind == "buffer"]
    size = next((n for n in _SIZES if _runs(kernel, [n] * len(buffers), numbers)), None)
    if size is None:
        return None
    sizes = [size] * len(buffers)
    for index in range(len(buffers)):  # each as small as it may be
        smaller = ([*sizes[:index], n, *sizes[index + 1 :]] for n in _SIZES if n < size)
        sizes = next((s for s in smaller if _runs(kernel, s, numbers)), sizes)
    before = _contents(buffers, sizes)
    after = _launched(kernel, before, numbers)
    arrays = {
        buffer.name: {"data": _text(before[i]), "expected": _text(after[i])}
        for i, buffer in enumerate(buffers)
    }
    return {"grid": _GRID, "numbers": numbers, "arrays": arrays}


def _number(argument: Argument) -> int | float | bool:
    if argument.dtype == "i1":
        return True
    if argument.dtype.startswith("i"):
        return -(-_INTEGER // argument.divisibility) * argument.divisibility
    return 0.5


def _runs(kernel: Kernel, sizes: Sequence[int], numbers: dict[str, Any]) -> bool:
    buffers = [a for a in kernel.shader.arguments if a.kind == "buffer"]
    try:
        _launched(kernel, _contents(buffers, sizes), numbers)
    except LaunchError:
        return False
    return True


def _contents(buffers: Sequence[Argument], sizes: Sequence[int]) -> list[AnyArray]:
    """Random bytes for each buffer that are numbers of its type; the same in every build."""
    random = np.random.default_rng(0)
    return [
        np.frombuffer(_random(random, buffer.dtype, size).tobytes(), np.uint8)
        for buffer, size in zip(buffers, sizes, strict=True)
    ]


def _random(random: np.random.Generator, dtype: str, size: int) -> AnyArray:
    if dtype in ("f32", "f16"):
        return random.uniform(-1, 1, size).astype("f4" if dtype == "f32" else "f2")
    if dtype == "bf16":  # the upper halves of single precision
        wide: AnyArray = random.uniform(-1, 1, size).astype("f4")
        return wide.view(np.uint16)[1::2]
    if dtype.startswith("f8"):
        return random.integers(0, 0x30, size, np.uint8)
    largest = 2 if dtype == "i1" else _LARGEST
    return random.integers(0, largest, size).astype(f"u{element_bytes(dtype)}")


def _launched(
    kernel: Kernel, contents: Sequence[AnyArray], numbers: dict[str, Any]
) -> list[AnyArray]:
    """The contents of the arrays after a launch."""
    arrays = [_aligned(each) for each in contents]
    addresses = iter([Address(array.ctypes.data, array.nbytes) for array in arrays])
    values = [
        numbers[argument.name] if argument.kind == "scalar" else next(addresses)
        for argument in kernel.shader.arguments
    ]
    kernel(_GRID, *values)
    return arrays


def _aligned(contents: AnyArray) -> AnyArray:
    memory = np.empty(contents.nbytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    array = memory[start : start + contents.nbytes]
    array[...] = contents
    return array


def _text(contents: AnyArray) -> str:
    return base64.b64encode(zlib.compress(contents.tobytes(), 9)).decode("ascii")
