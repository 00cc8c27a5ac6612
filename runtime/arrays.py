"""Arrays of other libraries as memory of this process: one way in for all of them.

NumPy's arrays, PyTorch's tensors on the CPU, MLX's arrays, and all that speaks DLPack or the buffer
protocol become a `HostArray`; nothing is copied, except where an array is a value (MLX).
"""

from __future__ import annotations

import ctypes
import dis
import importlib
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from trimetal.transpiler.errors import LaunchError
from trimetal.transpiler.shader import Argument

# Of the memory that a kernel writes to.
_ALIGNMENT = 64
_WIDEST_ACCESS = 16
_MLX = "mlx.core"


@dataclass(frozen=True)
class HostArray:
    """Memory of an array: its address and bytes, and what a kernel must know of it.

    `dtype` is a name as NumPy and ml_dtypes have it ("bfloat16"), `library` the one to name in a
    message. `owner` keeps the memory alive.
    """

    library: str
    dtype: str
    shape: tuple[int, ...]
    address: int
    nbytes: int
    contiguous: bool
    writeable: bool
    owner: object


@dataclass(frozen=True)
class Empty:
    """An argument that the kernel fills: an array without contents, which the call makes.

    For `Kernel.results`, which returns it: `kernel.results(grid, x, Empty((rows, 64), "float32"))`.
    `dtype` is a name as NumPy has it, or "bfloat16".
    """

    shape: tuple[int, ...]
    dtype: str = "float32"


def is_mlx(value: object) -> bool:
    """Whether a value is an array of MLX."""
    return type(value).__module__ == _MLX and type(value).__name__ == "array"


def is_torch(value: object) -> bool:
    """Whether a value is a tensor of PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def device_of(value: object) -> str:
    """Where a value's memory is: "cpu", "mlx" (memory that MLX's devices share), "mps", "cuda"."""
    if is_mlx(value):
        return "mlx"
    if is_torch(value):
        tensor: Any = value
        return str(tensor.device.type)
    return "cpu"


def host_array(name: str, value: object) -> HostArray:
    """The memory of an argument; a LaunchError where it is none, or not of the CPU.

    MLX's arrays are not for this: their memory may be shared with other arrays (see `MlxCopies`).
    """
    if isinstance(value, np.ndarray):
        return _numpy(value)
    if is_torch(value):
        return _torch(name, value)
    if hasattr(value, "__dlpack__"):
        return _dlpack(name, value)
    try:
        view = memoryview(value)  # type: ignore[arg-type]
    except TypeError:
        found = type(value).__name__
        raise LaunchError(f"{name}: an array is expected, not {found}") from None
    return _numpy(np.asarray(view), type(value).__name__)


def _numpy(array: Any, library: str = "numpy") -> HostArray:
    dtype = array.dtype
    return HostArray(
        library,
        dtype.name if dtype.isnative else str(dtype),
        array.shape,
        array.__array_interface__["data"][0],
        array.nbytes,
        array.flags.c_contiguous,
        array.flags.writeable,
        array,
    )


def _torch(name: str, value: object) -> HostArray:
    tensor: Any = value
    if tensor.device.type != "cpu":
        raise LaunchError(f"{name}: a tensor on the CPU is expected, found one on {tensor.device}")
    return HostArray(
        "torch",
        str(tensor.dtype).removeprefix("torch."),
        tuple(tensor.shape),
        tensor.data_ptr(),
        tensor.numel() * tensor.element_size(),
        tensor.is_contiguous(),
        True,
        tensor,
    )


class _DLTensor(ctypes.Structure):
    """DLPack's tensor (dlpack.h, the same in all its versions)."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _VersionedTensor(ctypes.Structure):
    """DLManagedTensorVersioned, of DLPack 1.0."""

    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _DLTensor),
    )


_DLPACK_CPU = 1
_DLPACK_READ_ONLY = 1
# DLPack's type codes.
_DLPACK_TYPES = {0: "int", 1: "uint", 2: "float", 4: "bfloat", 5: "complex", 6: "bool"}


def _dlpack(name: str, value: Any) -> HostArray:
    """Looks at the tensor in a DLPack capsule; the capsule's owner frees it, as nobody takes it."""
    try:
        capsule = value.__dlpack__(max_version=(1, 0))
    except TypeError:  # a library that knows DLPack before 1.0
        capsule = value.__dlpack__()
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    is_valid = ctypes.pythonapi.PyCapsule_IsValid
    is_valid.argtypes = [ctypes.py_object, ctypes.c_char_p]
    writeable = True
    if is_valid(capsule, b"dltensor_versioned"):
        versioned = _VersionedTensor.from_address(pointer(capsule, b"dltensor_versioned"))
        tensor, writeable = versioned.tensor, not versioned.flags & _DLPACK_READ_ONLY
    else:
        tensor = _DLTensor.from_address(pointer(capsule, b"dltensor"))
    if tensor.device_type != _DLPACK_CPU:
        raise LaunchError(
            f"{name}: memory of the CPU is expected, found DLPack's device {tensor.device_type}"
        )
    shape = tuple(tensor.shape[: tensor.ndim])
    strides = tuple(tensor.strides[: tensor.ndim]) if tensor.strides else _row_major(shape)
    kind = _DLPACK_TYPES.get(tensor.code, f"type {tensor.code} of DLPack with bits ")
    count = int(np.prod(shape, dtype=np.int64))
    return HostArray(
        type(value).__name__,
        kind if kind == "bool" else f"{kind}{tensor.bits}",
        shape,
        (tensor.data or 0) + tensor.byte_offset,
        count * tensor.bits * tensor.lanes // 8,
        _is_row_major(shape, strides) and tensor.lanes == 1,
        writeable,
        (value, capsule),
    )


def _row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides = [1]
    for size in reversed(shape[1:]):
        strides.append(strides[-1] * size)
    return tuple(reversed(strides))[: len(shape)] if shape else ()


def _is_row_major(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether the elements lie one after the other; a dimension of 1 may have any stride."""
    wanted = zip(shape, strides, _row_major(shape), strict=True)
    return all(size == 1 or stride == expected for size, stride, expected in wanted)


class MlxCopies:
    """MLX's arrays as memory, for one launch on the CPU.

    Such an array is a value: other arrays, and work that is not done yet, may share its memory. A
    kernel that writes gets a copy of the memory, and the array that was passed then has the copy's
    contents, as after `array[...] = contents`. One array has one copy, however often it is passed.
    """

    def __init__(self) -> None:
        self._copies: dict[int, tuple[Any, np.ndarray[Any, np.dtype[np.uint8]]]] = {}
        # Copies that are read only, kept for the launch.
        self._kept: list[object] = []

    def read(self, array: Any) -> HostArray:
        """The memory of an array that is not written, or of its copy if it has one.

        On the CPU, MLX aligns arrays to 8 bytes; one that the widest access does not fit is copied.
        """
        if id(array) in self._copies:
            return self.written(array)
        address = mlx_address(array)
        if address % _WIDEST_ACCESS == 0:
            return _mlx(array, address, array)
        copy = _aligned_copy(array)
        self._kept.append(copy)
        return _mlx(array, copy.ctypes.data, copy)

    def written(self, array: Any) -> HostArray:
        """The memory of an array's copy."""
        if id(array) not in self._copies:
            self._copies[id(array)] = array, _aligned_copy(array)
        copy = self._copies[id(array)][1]
        return _mlx(array, copy.ctypes.data, copy)

    def write_back(self) -> None:
        """Gives the arrays the contents of their copies."""
        core: Any = sys.modules[_MLX] if self._copies else None
        for array, copy in self._copies.values():
            if array.nbytes:
                array[...] = core.array(copy).view(array.dtype).reshape(array.shape)


def _aligned_copy(array: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    memory = np.empty(array.nbytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    copy = memory[start : start + array.nbytes]
    if array.nbytes:
        ctypes.memmove(copy.ctypes.data, mlx_address(array), array.nbytes)
    return copy


def _mlx(array: Any, address: int, owner: object) -> HostArray:
    dtype = mlx_dtype(array)
    return HostArray("mlx", dtype, tuple(array.shape), address, array.nbytes, True, True, owner)


def mlx_dtype(array: Any) -> str:
    """The name of an array's type: "float32"."""
    return str(array.dtype).rpartition(".")[2].removesuffix("_")


def mlx_address(array: Any) -> int:
    """The address of an array's first element, computed and in row-major order.

    The array keeps its value; its memory is another afterwards if it was not in that order.
    """
    core: Any = sys.modules[_MLX]
    core.eval(array)
    if not memoryview(array).c_contiguous:
        array[...] = core.contiguous(array)
        core.eval(array)
    return ctypes.addressof(ctypes.c_char.from_buffer(array)) if array.size else 0


def fresh_arguments(arguments: Sequence[Argument], values: Sequence[object]) -> tuple[object, ...]:
    """The values of a launch, with a new array for each that the kernel writes.

    An array that is passed twice has one copy. An `Empty` becomes an array of the library that the
    others are of.
    """
    copies: dict[int, object] = {}
    for argument, value in zip(arguments, values, strict=False):
        if argument.written and id(value) not in copies:
            is_empty = isinstance(value, Empty)
            copies[id(value)] = _made(value, values) if is_empty else _copy(argument.name, value)
    return tuple(copies.get(id(value), value) for value in values)


def _made(empty: Empty, values: Sequence[object]) -> object:
    """An array without contents."""
    if any(is_mlx(value) for value in values):
        core: Any = sys.modules[_MLX]
        dtype = "bool_" if empty.dtype == "bool" else empty.dtype
        return core.zeros(empty.shape, getattr(core, dtype))
    if any(is_torch(value) for value in values):
        torch: Any = sys.modules["torch"]
        return torch.empty(empty.shape, dtype=getattr(torch, empty.dtype))
    return np.empty(empty.shape, numpy_dtype(empty.dtype))


def _copy(name: str, value: Any) -> object:
    """An array with the contents of another."""
    if is_mlx(value):
        return sys.modules[_MLX].array(value)
    if is_torch(value):
        return value.detach().clone()
    if type(value) is np.ndarray:
        return np.array(cast(Any, value), order="C")
    host = host_array(name, value)
    memory = (ctypes.c_ubyte * host.nbytes).from_address(host.address)
    bits: Any = np.ctypeslib.as_array(memory)
    copy = bits.copy()
    return copy.view(numpy_dtype(host.dtype)).reshape(host.shape)


def numpy_dtype(name: str) -> np.dtype[Any]:
    """NumPy's type of a name; those that NumPy lacks are from ml_dtypes."""
    try:
        return np.dtype(name)
    except TypeError:
        pass
    try:
        return np.dtype(getattr(importlib.import_module("ml_dtypes"), name))
    except (ImportError, AttributeError):
        raise LaunchError(f"NumPy has no {name}", note="pip install ml_dtypes") from None


def is_temporary(arguments: tuple[object, ...], index: int, depth: int) -> bool:
    """Whether nobody but the call of a kernel holds this argument of it: `kernel(grid, x[1:])`.

    `arguments` are what `__call__` got; its caller is `depth` frames above this one. What a kernel
    stores in such an array of MLX would be lost. Counts references, so a caller that keeps the
    arguments in another place hides a temporary; `kernel(grid, *arguments)` is not looked at, and
    nothing is in a Python whose calls count other references.
    """
    if sys.getrefcount(arguments[index]) > _OF_A_TEMPORARY or _OF_A_TEMPORARY == _OF_A_VARIABLE:
        return False
    frame = inspect.currentframe()
    for _ in range(depth):
        frame = frame.f_back if frame else None
    return frame is not None and frame.f_code.co_code[frame.f_lasti] != _UNPACKING_CALL


_UNPACKING_CALL = dis.opmap["CALL_FUNCTION_EX"]


class _Probe:
    """Called as a kernel is."""

    def __call__(self, grid: object, *arguments: object, stream: object = None) -> int:
        return sys.getrefcount(arguments[0])


def _references_of_a_variable() -> int:
    variable = object()
    return _Probe()(1, variable)


_OF_A_TEMPORARY = _Probe()(1, object())
_OF_A_VARIABLE = _references_of_a_variable()
