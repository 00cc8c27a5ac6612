"""MLX's arrays as arguments of Triton's kernels.

Such an array is a value: other arrays, and work that is not done yet, may share its memory. A
kernel that writes gets a copy of the memory, and the array that was passed then has the copy's
contents, as after `array[...] = contents`.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import numpy as np

from trimetal.runtime import Address

# Of the memory that a kernel writes to; the widest access is 16 bytes.
_ALIGNMENT = 64
_MLX = "mlx.core"


def adopt() -> bool:
    """Makes arrays known to Triton, if MLX is loaded: gives them the method that it looks for."""
    mlx = sys.modules.get(_MLX)
    if mlx is None or not hasattr(mlx, "array"):
        return False
    mlx.array.data_ptr = _data_ptr
    return True


def is_mlx(value: object) -> bool:
    """Whether a value is an array of MLX."""
    return type(value).__module__ == _MLX and hasattr(value, "data_ptr")


def _data_ptr(array: Any) -> int:
    """The address of an array's first element, computed and in row-major order."""
    core: Any = sys.modules[_MLX]
    core.eval(array)
    if not memoryview(array).c_contiguous:
        array[...] = core.contiguous(array)
        core.eval(array)
    return ctypes.addressof(ctypes.c_char.from_buffer(array)) if array.size else 0


class Copies:
    """The copies that one launch writes to."""

    def __init__(self) -> None:
        self._copies: dict[int, tuple[Any, np.ndarray[Any, np.dtype[np.uint8]]]] = {}

    def address_of(self, array: Any) -> Address:
        """The address of an array's copy: one array has one, however often it is passed."""
        if id(array) not in self._copies:
            memory = np.empty(array.nbytes + _ALIGNMENT, np.uint8)
            start = -memory.ctypes.data % _ALIGNMENT
            copy = memory[start : start + array.nbytes]
            if array.nbytes:
                copy[...] = Address(array.data_ptr(), array.nbytes).array()
            self._copies[id(array)] = array, copy
        copy = self._copies[id(array)][1]
        return Address(copy.ctypes.data, copy.nbytes)

    def write_back(self) -> None:
        """Gives the arrays the contents of their copies."""
        core: Any = sys.modules[_MLX]
        for array, copy in self._copies.values():
            if array.nbytes:
                array[...] = core.array(copy).view(array.dtype).reshape(array.shape)
