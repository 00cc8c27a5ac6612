"""Arrays for a launch: those in the GPU's memory as they are, those of the host as copies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trimetal.runtime.arrays import HostArray, device_of
from trimetal.transpiler.errors import LaunchError

from .driver import Memory

# Copies keep an array's address modulo this, and with it every alignment that a kernel may ask for.
_ALIGNMENT = 256


def gpu_array(name: str, value: object) -> HostArray | None:
    """An array in the GPU's memory, nothing of which is looked at; none if it is elsewhere.

    PyTorch's tensors, and all that has `__cuda_array_interface__` (cupy's and numba's arrays).
    """
    array: Any = value
    if device_of(value) == "cuda":
        dtype = str(array.dtype).removeprefix("torch.")
        nbytes = array.numel() * array.element_size()
        address, contiguous = array.data_ptr(), array.is_contiguous()
        return HostArray(
            "torch", dtype, tuple(array.shape), address, nbytes, contiguous, True, value
        )
    if not hasattr(type(value), "__cuda_array_interface__"):
        return None
    try:
        interface: dict[str, Any] = array.__cuda_array_interface__
    except (AttributeError, RuntimeError, TypeError) as error:
        raise LaunchError(f"{name}: {error}") from None
    dtype: Any = np.dtype(interface["typestr"])
    shape: tuple[int, ...] = tuple(interface["shape"])
    strides = interface.get("strides")
    address, read_only = interface["data"]
    return HostArray(
        type(value).__name__,
        dtype.name,
        shape,
        int(address),
        math.prod(shape) * dtype.itemsize,
        strides is None or _is_contiguous(shape, strides, dtype.itemsize),
        not read_only,
        value,
    )


def _is_contiguous(shape: Sequence[int], strides: Sequence[int], itemsize: int) -> bool:
    """Whether elements lie one after another; the stride of a single one means nothing."""
    step = itemsize
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


class Copies:
    """Copies of the host's arrays; arrays that share memory here share it there."""

    def __init__(self, arrays: Sequence[HostArray]) -> None:
        self._copies: list[tuple[int, int, Memory]] = []  # start, end, copy
        for start, end in _united([(each.address, each.nbytes) for each in arrays]):
            memory = Memory(start % _ALIGNMENT + end - start)
            memory.write(start % _ALIGNMENT, start, end - start)
            self._copies.append((start, end, memory))

    def address(self, array: HostArray) -> int:
        """Where an array of these is on the GPU."""
        memory, offset = self._place(array)
        return memory.address + offset

    def bring_back(self, array: HostArray) -> None:
        """Copies what the kernel has made of an array."""
        memory, offset = self._place(array)
        memory.read(offset, array.address, array.nbytes)

    def _place(self, array: HostArray) -> tuple[Memory, int]:
        for start, end, memory in self._copies:
            if start <= array.address < end:
                return memory, start % _ALIGNMENT + array.address - start
        raise AssertionError("an array that was not copied")


def _united(extents: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Extents (start, bytes) as (start, end), those that overlap made one."""
    united: list[tuple[int, int]] = []
    for start, nbytes in sorted(extents):
        if united and start < united[-1][1]:
            united[-1] = (united[-1][0], max(start + nbytes, united[-1][1]))
        else:
            united.append((start, start + nbytes))
    return united
