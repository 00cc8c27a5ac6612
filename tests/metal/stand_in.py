"""MLX's Metal device on a machine that has none: its very text, on the CPU device.

`with stand_in() as device:` lets `mx.fast.metal_kernel` work without an Apple GPU. MLX itself makes
the text (it prints what it would compile when a function is exported); the text goes through the
strict check, and runs on Trimetal's CPU device with every access checked against its array. What
MLX does around the text is done as MLX does it: inputs are made contiguous and bound in order, each
at an address that has the alignment of one element only; outputs are aligned, and come without
contents, which is 0xA5 in each byte here. A kernel may write to an input that is another kernel's
output (its memory is aligned, and whoever made it says that nobody else reads it), and to no other.

A stand-in runs a kernel when it is called, and not when its result is needed: it cannot work
inside `mx.compile`.
"""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from unittest import mock

import mlx.core as mx
import numpy as np

from trimetal.runtime import Address, compile
from trimetal.runtime.check import require_valid
from trimetal.runtime.source.structure import Parameter, parse_unit
from trimetal.transpiler.shader import Argument, Shader

from .mlx_text import text_of

Array: TypeAlias = Any

# What MLX puts before each text, as far as the texts of a kernel of ours need it.
PREAMBLE = """#include <metal_stdlib>
using namespace metal;
typedef half float16_t;
typedef bfloat bfloat16_t;
"""

_ACTIVE: list[StandIn] = []

# MLX's names of types -> MLIR's
_TYPES = {
    "bool": "i1",
    **{f"{sign}int{bits}_t": f"i{bits}" for bits in (8, 16, 32, 64) for sign in ("", "u")},
    "float16_t": "f16",
    "bfloat16_t": "bf16",
    "float": "f32",
}


@dataclass
class StandIn:
    """Calls like `mx.fast.metal_kernel`. `texts` are the texts that ran, the latest last."""

    make: Callable[..., Any]
    texts: list[str] = field(default_factory=list[str])
    # What kernels made, by identity.
    made: dict[int, Array] = field(default_factory=dict[int, Array])

    def metal_kernel(self, *args: Any, **options: Any) -> Callable[..., list[Array]]:
        """A kernel that runs here; takes what MLX's function takes.

        Kernels may be kept for longer than a stand-in: the one that is active at a call notes it.
        """
        kernel = self.make(*args, **options)

        def call(
            *,
            inputs: Sequence[Any],
            output_shapes: Sequence[Sequence[int]],
            output_dtypes: Sequence[Any],
            grid: tuple[int, int, int],
            threadgroup: tuple[int, int, int],
            stream: Any = None,
        ) -> list[Array]:
            arrays = [each if isinstance(each, mx.array) else mx.array(each) for each in inputs]
            text = text_of(
                lambda *traced: kernel(
                    inputs=list(traced),
                    output_shapes=output_shapes,
                    output_dtypes=output_dtypes,
                    grid=grid,
                    threadgroup=threadgroup,
                    stream=stream,
                    verbose=True,
                ),
                arrays,
            )
            device = _ACTIVE[-1]
            device.texts.append(text)
            own = [id(array) in device.made for array in arrays]
            arrays = [
                array if is_own else mx.contiguous(array)
                for array, is_own in zip(arrays, own, strict=True)
            ]
            outputs = [
                poison(tuple(shape), dtype)
                for shape, dtype in zip(output_shapes, output_dtypes, strict=True)
            ]
            run(text, arrays, outputs, own, grid, threadgroup)
            device.made |= {id(output): output for output in outputs}
            return outputs

        return call


@contextlib.contextmanager
def stand_in() -> Generator[StandIn]:
    """MLX with a Metal device that is none."""
    device = StandIn(mx.fast.metal_kernel)
    with (
        mock.patch.object(mx.fast, "metal_kernel", device.metal_kernel),
        mock.patch.object(mx.metal, "is_available", lambda: True),
    ):
        _ACTIVE.append(device)
        try:
            yield device
        finally:
            _ACTIVE.remove(device)


def poison(shape: tuple[int, ...], dtype: Any) -> Array:
    """An output without contents."""
    count = int(np.prod(shape, dtype=np.int64)) * dtype.size
    return mx.array(np.full(count, 0xA5, np.uint8)).view(dtype).reshape(shape)


def run(
    text: str,
    inputs: Sequence[Array],
    outputs: Sequence[Array],
    own: Sequence[bool],
    grid: tuple[int, int, int],
    threadgroup: tuple[int, int, int],
) -> None:
    """Runs a text as MLX would: the grid counts threads, and a threadgroup is at most the grid."""
    whole = PREAMBLE + text
    require_valid(whole)
    threads, *others = (min(a, b) for a, b in zip(threadgroup, grid, strict=True))
    assert others == [1, 1] and grid[0] % threads == 0, "the CPU device has no partial threadgroups"
    (kernel,) = parse_unit(whole).kernels()
    parameters = [each for each in kernel.parameters if each.attribute == "buffer"]
    assert [int(each.attribute_argument or -1) for each in parameters] == [*range(len(parameters))]
    arguments = tuple(_argument(index, each) for index, each in enumerate(parameters))
    shader = Shader(whole, kernel.name, arguments, threads, 0, "m3")
    mx.eval([*inputs, *outputs])
    writeable = [*own, *(True for _ in outputs)]
    values: list[Any] = []
    memories: list[Memory] = []
    for array, argument, aligned in zip([*inputs, *outputs], arguments, writeable, strict=True):
        if argument.kind == "scalar":
            values.append(array.item())
        else:
            memories.append(Memory(array, aligned))
            values.append(memories[-1].address())
    compile(shader, "cpu", check_buffers=True)((grid[0] // threads, grid[1], grid[2]), *values)
    for memory in memories:
        memory.write_back()


class Memory:
    """A copy of an array's memory at an address with a certain alignment, for one launch."""

    def __init__(self, array: Array, aligned: bool) -> None:
        self._array, self._is_own = array, aligned
        room = np.full(array.nbytes + 64, 0xA5, np.uint8)
        start = -room.ctypes.data % 32 + (0 if aligned else array.itemsize)
        self._bytes = room[start : start + array.nbytes]
        ctypes.memmove(self._bytes.ctypes.data, self._source(), array.nbytes)
        self._before = self._bytes.tobytes()

    def address(self) -> Address:
        """Where the copy is."""
        return Address(self._bytes.ctypes.data, self._bytes.nbytes)

    def write_back(self) -> None:
        """Puts what a kernel wrote into the array's own memory, where all who share it see it."""
        if self._bytes.tobytes() == self._before:
            return
        assert self._is_own, "a kernel wrote to an input that others may share"
        ctypes.memmove(self._source(), self._bytes.ctypes.data, self._array.nbytes)

    def _source(self) -> int:
        return ctypes.addressof(ctypes.c_char.from_buffer(self._array)) if self._array.size else 0


def _argument(index: int, parameter: Parameter) -> Argument:
    kind = "scalar" if parameter.is_reference else "buffer"
    dtype = _TYPES[parameter.value_type]
    return Argument(parameter.name, kind, dtype, index, written=kind == "buffer")
