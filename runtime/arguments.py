"""Arguments of a launch: what each may be, and its binary form.

Every argument becomes one slot of 16 bytes: a buffer's address and size, or a scalar's value. All
checks are made before anything runs, so a refused launch writes nothing. The checks of arrays and
numbers are the same on every device; arrays.py knows the libraries that arrays come from.
"""

from __future__ import annotations

import ctypes
import math
import operator
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np

from trimetal.transpiler.errors import CompileError, LaunchError
from trimetal.transpiler.shader import Argument

from .arrays import HostArray, MlxCopies, host_array, is_mlx, is_temporary, mlx_dtype

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
_PACKED_FLOATS = {"f32": "f", "f16": "e"}

# numpy's stubs say too little of an array whose type is found at run time.
AnyArray: TypeAlias = Any


def element_bytes(dtype: str) -> int:
    """Bytes of an element, by MLIR's name."""
    if dtype not in _TYPES:
        raise CompileError(f"no argument can be of type {dtype}")
    return _TYPES[dtype][0]


def accepted_dtypes(dtype: str) -> tuple[str, ...]:
    """The names of the array types that hold an element, by MLIR's name; the best one first."""
    element_bytes(dtype)
    return _TYPES[dtype][1]


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


# The types of values that need no look at their library.
_DIRECT = frozenset({np.ndarray, Address, int, float, bool})


@dataclass(frozen=True)
class Bound:
    """Checked arguments: the slots, and the memory that the kernel writes."""

    slots: bytes
    written: tuple[AnyArray | Address, ...]
    copies: MlxCopies | None = None

    def written_arrays(self) -> list[AnyArray]:
        """The memory that the kernel writes, as arrays."""
        return [each.array() if isinstance(each, Address) else each for each in self.written]

    def finish(self) -> None:
        """Hands what the kernel wrote to the arrays that are values."""
        if self.copies is not None:
            self.copies.write_back()


class Binder:
    """Checks and packs the arguments of one shader."""

    def __init__(self, arguments: tuple[Argument, ...]) -> None:
        self._has_debug = any(a.kind == "debug" for a in arguments)
        self._arguments = arguments = tuple(a for a in arguments if a.kind != "debug")
        self._buffers = tuple(
            (_buffer_checker(a), a.written) if a.kind == "buffer" else None for a in arguments
        )
        self._scalars = tuple(scalar_checker(a) if a.kind == "scalar" else None for a in arguments)
        formats = ["QQ" if a.kind == "buffer" else _slot_format(a) for a in arguments]
        self._pack = struct.Struct("=" + "".join(formats) + "QQ" * self._has_debug).pack

    def bind(self, values: tuple[object, ...], debug: AnyArray = None) -> Bound:
        """Checks all values, then packs them; `debug` is the hidden buffer of kernels with one."""
        check_count(self._arguments, values)
        copies = None
        if any(type(value) not in _DIRECT and is_mlx(value) for value in values):
            copies = MlxCopies()
            values = self._with_copies(values, copies)
        packed: list[int | float] = []
        written: list[AnyArray | Address] = []
        for value, buffer, scalar in zip(values, self._buffers, self._scalars, strict=True):
            if buffer is not None:
                found = buffer[0](value)
                packed += found
                if buffer[1]:
                    direct = isinstance(value, np.ndarray | Address)
                    written.append(cast(AnyArray, value) if direct else Address(*found))
            elif scalar is not None:
                packed.append(scalar(value))
        if self._has_debug:
            packed += [debug.__array_interface__["data"][0], debug.nbytes]
        return Bound(self._pack(*packed), tuple(written), copies)

    def _with_copies(self, values: tuple[object, ...], copies: MlxCopies) -> tuple[object, ...]:
        """The values with MLX's arrays as memory: a copy of what the kernel writes."""
        found = list(values)
        buffers = [
            (index, argument)
            for index, argument in enumerate(self._arguments)
            if argument.kind == "buffer" and is_mlx(values[index])
        ]
        for index, argument in buffers:
            check_mlx(argument, values[index])
        # An array that is also read is read where it is written.
        for index, argument in sorted(buffers, key=lambda each: not each[1].written):
            take = copies.written if argument.written else copies.read
            found[index] = take(values[index])
        return tuple(found)


def check_count(arguments: Sequence[Argument], values: Sequence[object]) -> None:
    """Refuses too few and too many values."""
    if len(values) != len(arguments):
        names = ", ".join(argument.name for argument in arguments)
        raise LaunchError(f"{len(values)} arguments given, {len(arguments)} expected: {names}")


def check_dtype(argument: Argument, dtype: str) -> None:
    """Refuses an array with elements of a type that the kernel does not take."""
    names = _TYPES[argument.dtype][1]
    if dtype not in names:
        raise LaunchError(
            f"{argument.name}: an array of {' or '.join(names)} is expected, found {dtype}"
        )


def check_size(argument: Argument, size: int) -> None:
    """Refuses an array without elements, which has no memory."""
    if not size:
        raise LaunchError(
            f"{argument.name}: an array with elements is expected, found an empty one"
        )


def check_mlx(argument: Argument, array: AnyArray) -> None:
    """Refuses an array of MLX that does not fit; looks at nothing that is not computed yet."""
    check_dtype(argument, mlx_dtype(array))
    check_size(argument, array.size)


def check_are_kept(arguments: Sequence[Argument], values: tuple[object, ...]) -> None:
    """Refuses temporary arrays of MLX that the kernel writes: their new values would be lost.

    `values` are what the `__call__` that calls this got; no variable here may hold one of them.
    """
    for index in range(min(len(arguments), len(values))):
        if (
            arguments[index].written
            and type(values[index]) not in _DIRECT
            and is_mlx(values[index])
            and is_temporary(values, index, 3)
        ):
            name = arguments[index].name
            raise LaunchError(
                f"{name}: the kernel writes to this array, which nobody else holds",
                note="arrays of MLX are values: give the array a name, or call results(...)",
            )


def check_host(argument: Argument, array: HostArray) -> None:
    """Refuses memory that does not fit an argument."""
    check_dtype(argument, array.dtype)
    check_size(argument, array.nbytes)
    check_layout(argument, array.contiguous, array.writeable)


def check_layout(argument: Argument, contiguous: bool, writeable: bool) -> None:
    """Refuses gaps between elements, and memory that may not be written."""
    name = argument.name
    if not contiguous:
        raise LaunchError(f"{name}: a C-contiguous array is expected, found a strided one")
    if argument.written and not writeable:
        raise LaunchError(f"{name}: the kernel writes to this array, but it is read-only")


def _buffer_checker(argument: Argument) -> Callable[[object], tuple[int, int]]:
    """A function from a value to its address and bytes."""
    element_bytes(argument.dtype)
    name, written, divisibility = argument.name, argument.written, argument.divisibility
    accepted: set[np.dtype[Any]] = set()

    def check(value: object) -> tuple[int, int]:
        if isinstance(value, Address):
            address, nbytes = value
        elif isinstance(value, np.ndarray):
            array = cast(AnyArray, value)
            dtype, flags = array.dtype, array.flags
            if dtype not in accepted:
                check_dtype(argument, dtype.name if dtype.isnative else str(dtype))
                accepted.add(dtype)
            if not flags.c_contiguous or (written and not flags.writeable):
                check_layout(argument, flags.c_contiguous, flags.writeable)
            check_size(argument, array.size)
            address, nbytes = array.__array_interface__["data"][0], array.nbytes
        else:
            host = value if isinstance(value, HostArray) else host_array(name, value)
            check_host(argument, host)
            address, nbytes = host.address, host.nbytes
        if address % divisibility:
            check_alignment(argument, address)
        return address, nbytes

    return check


def check_alignment(argument: Argument, address: int) -> None:
    """Refuses an address that is not what the kernel was compiled for."""
    if address % argument.divisibility:
        raise LaunchError(
            f"{argument.name}: the kernel was compiled for an address divisible by "
            f"{argument.divisibility} bytes, found one divisible by {address & -address}"
        )


def pack_format(argument: Argument) -> str:
    """Struct's letter for what `scalar_checker` gives."""
    return _PACKED_FLOATS.get(argument.dtype) or _UNSIGNED[element_bytes(argument.dtype)]


def signed(argument: Argument, bits: int) -> int:
    """The signed number with these bits; of an i1, 0 or 1."""
    width = 8 * element_bytes(argument.dtype)
    return bits - (1 << width) if argument.dtype != "i1" and bits >> (width - 1) else bits


def pack_members(members: Iterable[tuple[Argument, int | float]], least: int = 8) -> bytes:
    """Checked scalars as the struct that they share: whole words, `least` bytes at least."""
    memory = bytearray(least)
    for argument, value in members:
        size = element_bytes(argument.dtype)
        memory.extend(bytes(max(0, -(-(argument.offset + size) // 8) * 8 - len(memory))))
        struct.pack_into(f"<{pack_format(argument)}", memory, argument.offset, value)
    return bytes(memory)


def _slot_format(argument: Argument) -> str:
    return f"{pack_format(argument)}{SLOT_BYTES - element_bytes(argument.dtype)}x"


def scalar_checker(argument: Argument) -> Callable[[object], int | float]:
    """A function from a value to what `struct` packs: a float, or the bits of all other types."""
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
