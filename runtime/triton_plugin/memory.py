"""The memory behind what a kernel is called with.

Triton takes anything that has `data_ptr()` and `dtype` for a pointer. A kernel on the CPU stores
right into that memory, so that views and aliases see it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trimetal.runtime import Address
from trimetal.runtime.arguments import AnyArray
from trimetal.transpiler.errors import LaunchError

_NULL = Address(0)


def address_of(value: Any) -> Address:
    """The address of a pointer argument; its size is left open."""
    try:
        return Address(value.data_ptr())
    except AttributeError:
        return _plain_address(value)


def sized_address_of(value: Any) -> Address:
    """The address, with the bytes up to the end of the memory that the array is a part of."""
    base = getattr(value, "base", value)  # of a reinterpreted tensor
    if hasattr(base, "untyped_storage"):
        start: int = base.storage_offset() * base.element_size()
        return Address(value.data_ptr(), base.untyped_storage().nbytes() - start)
    if hasattr(base, "data_ptr"):
        return Address(value.data_ptr(), base.nbytes)
    return _plain_address(value)


def array_of(value: Any) -> Any:
    """The array for a device that takes no addresses: all that lies behind the first element."""
    if isinstance(value, Buffer):
        return value.array
    base = getattr(value, "base", value)  # of a reinterpreted tensor
    if hasattr(base, "untyped_storage"):
        start: int = base.storage_offset()
        elements: int = base.untyped_storage().nbytes() // base.element_size() - start
        return base.as_strided((elements,), (1,), start)
    if hasattr(value, "data_ptr"):
        return value
    raise LaunchError(f"an array is expected, not {type(value).__name__}")


def _plain_address(value: object) -> Address:
    """No pointer, or one as a number."""
    if value is None:
        return _NULL
    if isinstance(value, int):
        return Address(value)
    raise LaunchError(f"an array is expected, not {type(value).__name__}")


class Buffer:
    """A numpy array as an argument of a kernel, which NumPy's own arrays cannot be.

    The kernel works on the array's memory. Types that NumPy lacks come from ml_dtypes.
    """

    def __init__(self, array: AnyArray) -> None:
        self.array = array
        self.dtype = array.dtype
        self.shape = array.shape
        self.nbytes = array.nbytes

    def data_ptr(self) -> int:
        """The address of the first element."""
        address: int = self.array.__array_interface__["data"][0]
        return address

    def stride(self, dimension: int | None = None) -> int | tuple[int, ...]:
        """The strides in elements."""
        strides = tuple(stride // self.array.itemsize for stride in self.array.strides)
        return strides if dimension is None else strides[dimension]

    def zero_(self) -> None:
        """Sets all elements to 0, as an autotuner does between runs."""
        self.array[...] = 0

    def clone(self) -> Buffer:
        """A copy, as an autotuner keeps one."""
        return Buffer(np.array(self.array))

    def copy_(self, other: Buffer) -> None:
        """Takes over another buffer's elements."""
        self.array[...] = other.array
