"""Arguments of a launch: what each may be, and its binary form.

Every argument becomes one slot of 16 bytes: a buffer's address and size, or a scalar's value. All
checks are made before anything runs, so a refused launch writes nothing.
"""

from __future__ import annotations

import ctypes
import math
import operator
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np

from trimetal.transpiler.errors import CompileError, LaunchError
from trimetal.transpiler.shader import Argument

SLOT_BYTES = 16

# MLIR's name of an element -> its bytes, and the names of the numpy dtypes that hold it. The types
# that numpy lacks come from ml_dtypes, or as unsigned integers of their width.
_INTEGERS = {
    "i1": (1, ("bool", "uint8", "int8")),
    "i8": (1, ("int8", "uint8", "bool")),
    "i16": (2, ("int16", "uint16")),
    "i32": (4, ("int32", "uint32")),
    "i64": (8, ("int64", "uint64")),
}
_FLOATS = {
    "f16": (2, ("float16",)),
    "bf16": (2, ("bfloat16", "uint16")),
    "f32": (4, ("float32",)),
    "f8E4M3FN": (1, ("float8_e4m3fn", "uint8")),
    "f8E4M3FNUZ": (1, ("float8_e4m3fnuz", "uint8")),
    "f8E4M3B11FNUZ": (1, ("float8_e4m3b11fnuz", "uint8")),
    "f8E5M2": (1, ("float8_e5m2", "uint8")),
    "f8E5M2FNUZ": (1, ("float8_e5m2fnuz", "uint8")),
}
_TYPES = {**_INTEGERS, **_FLOATS}

# Struct formats of unsigned integers by bytes.
_UNSIGNED = {1: "B", 2: "H", 4: "I", 8: "Q"}

# numpy's stubs say too little of an array whose type is found at run time.
AnyArray: TypeAlias = Any


def element_bytes(dtype: str) -> int:
    """Bytes of an element, by MLIR's name."""
    if dtype not in _TYPES:
        raise CompileError(f"no argument can be of type {dtype}")
    return _TYPES[dtype][0]


class Address(NamedTuple):
    """A buffer argument as raw memory of this process, which the caller vouches for.

    The memory must stay alive for the launch and, where the kernel writes, be writable. `nbytes` is
    what lies behind the address; only the options that look for errors read it.
    """

    address: int
    nbytes: int = 0

    def array(self) -> AnyArray:
        """The memory as bytes."""
        memory = (ctypes.c_ubyte * self.nbytes).from_address(self.address)
        return np.ctypeslib.as_array(memory)


@dataclass(frozen=True)
class Bound:
    """Checked arguments: the slots, and the memory that the kernel writes."""

    slots: bytes
    written: tuple[AnyArray | Address, ...]

    def written_arrays(self) -> list[AnyArray]:
        """The memory that the kernel writes, as arrays."""
        return [each.array() if isinstance(each, Address) else each for each in self.written]


class Binder:
    """Checks and packs the arguments of one shader."""

    def __init__(self, arguments: tuple[Argument, ...]) -> None:
        self._has_debug = any(a.kind == "debug" for a in arguments)
        self._arguments = arguments = tuple(a for a in arguments if a.kind != "debug")
        self._buffers = tuple(
            (_buffer_checker(a), a.written) if a.kind == "buffer" else None for a in arguments
        )
        self._scalars = tuple(_scalar_checker(a) if a.kind == "scalar" else None for a in arguments)
        formats = ["QQ" if a.kind == "buffer" else _scalar_format(a) for a in arguments]
        self._pack = struct.Struct("=" + "".join(formats) + "QQ" * self._has_debug).pack

    def bind(self, values: tuple[object, ...], debug: AnyArray = None) -> Bound:
        """Checks all values, then packs them; `debug` is the hidden buffer of kernels with one."""
        if len(values) != len(self._arguments):
            names = ", ".join(argument.name for argument in self._arguments)
            raise LaunchError(
                f"{len(values)} arguments given, {len(self._arguments)} expected: {names}"
            )
        packed: list[int | float] = []
        written: list[AnyArray | Address] = []
        for value, buffer, scalar in zip(values, self._buffers, self._scalars, strict=True):
            if buffer is not None:
                packed += buffer[0](value)
                if buffer[1]:
                    written.append(cast("AnyArray | Address", value))
            elif scalar is not None:
                packed.append(scalar(value))
        if self._has_debug:
            packed += [debug.__array_interface__["data"][0], debug.nbytes]
        return Bound(self._pack(*packed), tuple(written))


def _buffer_checker(argument: Argument) -> Callable[[object], tuple[int, int]]:
    """A function from a value to its address and bytes."""
    element_bytes(argument.dtype)
    name, written, divisibility = argument.name, argument.written, argument.divisibility
    names = _TYPES[argument.dtype][1]
    accepted: set[np.dtype[Any]] = set()

    def check(value: object) -> tuple[int, int]:
        if isinstance(value, Address):
            if value.address % divisibility:
                _refuse_alignment(argument, value.address)
            return value
        if not isinstance(value, np.ndarray):
            raise LaunchError(f"{name}: a numpy array is expected, not {type(value).__name__}")
        array = cast(AnyArray, value)
        dtype = array.dtype
        if dtype not in accepted:
            if dtype.name not in names or not dtype.isnative:
                raise LaunchError(
                    f"{name}: an array of {' or '.join(names)} is expected, found {dtype}"
                )
            accepted.add(dtype)
        flags = array.flags
        if not flags.c_contiguous:
            raise LaunchError(f"{name}: a C-contiguous array is expected, found a strided one")
        if written and not flags.writeable:
            raise LaunchError(f"{name}: the kernel writes to this array, but it is read-only")
        address: int = array.__array_interface__["data"][0]
        if address % divisibility and array.size:
            _refuse_alignment(argument, address)
        return address, array.nbytes

    return check


def _refuse_alignment(argument: Argument, address: int) -> None:
    raise LaunchError(
        f"{argument.name}: the kernel was compiled for an address divisible by "
        f"{argument.divisibility} bytes, found one divisible by {address & -address}"
    )


def _scalar_format(argument: Argument) -> str:
    size = element_bytes(argument.dtype)
    if argument.dtype == "f32":
        code = "f"
    elif argument.dtype == "f16":
        code = "e"
    else:
        code = _UNSIGNED[size]
    return f"{code}{SLOT_BYTES - size}x"


def _scalar_checker(argument: Argument) -> Callable[[object], int | float]:
    """A function from a value to what `struct` packs."""
    if argument.dtype in _INTEGERS:
        return _integer_checker(argument)
    if argument.dtype in ("f16", "f32", "bf16"):
        return _float_checker(argument)
    raise CompileError(f"{argument.name}: no scalar argument can be of type {argument.dtype}")


def _integer_checker(argument: Argument) -> Callable[[object], int]:
    name, divisibility = argument.name, argument.divisibility
    bits = 1 if argument.dtype == "i1" else 8 * element_bytes(argument.dtype)
    # Signed and unsigned values of the width: the bits are what the kernel sees.
    lowest, highest, mask = -(1 << (bits - 1)), (1 << bits) - 1, (1 << bits) - 1
    dtype = argument.dtype

    def check(value: object) -> int:
        try:
            number = operator.index(cast(Any, value))
        except TypeError:
            if not isinstance(value, np.bool_):
                found = type(value).__name__
                raise LaunchError(f"{name}: an integer is expected, not {found}") from None
            number = 1 if value else 0
        if not lowest <= number <= highest:
            raise LaunchError(f"{name}: {number} does not fit {dtype}")
        if number % divisibility:
            raise LaunchError(
                f"{name}: the kernel was compiled for a multiple of {divisibility}, found {number}"
            )
        return number & mask

    return check


def _float_checker(argument: Argument) -> Callable[[object], int | float]:
    name, dtype = argument.name, argument.dtype
    largest = {"f16": 65519.99, "f32": 3.4028235677973366e38, "bf16": 3.3961775292304e38}[dtype]

    def check(value: object) -> int | float:
        if isinstance(value, (str, bytes, bytearray)):
            raise LaunchError(f"{name}: a number is expected, not {type(value).__name__}")
        try:
            number = float(cast(Any, value))
        except (TypeError, ValueError, OverflowError):
            found = type(value).__name__
            raise LaunchError(f"{name}: a number is expected, not {found}") from None
        if math.isfinite(number) and not -largest < number < largest:
            raise LaunchError(f"{name}: {number} does not fit {dtype}")
        return _bfloat_bits(number) if dtype == "bf16" else number

    return check


def _bfloat_bits(number: float) -> int:
    """The bits of the bfloat nearest to a float (by way of binary32, as a kernel would)."""
    wide: int = struct.unpack("<I", struct.pack("<f", number))[0]
    if math.isnan(number):
        return (wide >> 16) | 0x40
    return (wide + 0x7FFF + ((wide >> 16) & 1)) >> 16
