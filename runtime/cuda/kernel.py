"""Kernels of the CUDA device.

Arrays in the GPU's memory are used in place, on PyTorch's current stream, and a launch returns
before its end, as is usual there. The host's arrays are copied to the GPU and, once the kernel has
ended, back.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import Any

from trimetal.runtime.arguments import (
    SLOT_BYTES,
    Address,
    check_alignment,
    check_count,
    check_host,
    pack_format,
    scalar_checker,
)
from trimetal.runtime.arrays import HostArray, host_array, is_mlx, is_torch
from trimetal.runtime.debugging import new_buffer, show
from trimetal.runtime.kernel import Grid, Kernel, groups_of
from trimetal.runtime.profile import Profile
from trimetal.runtime.source.binding import SOURCE_NAME
from trimetal.runtime.spans import span_of_line
from trimetal.transpiler.errors import CompileError, LaunchError
from trimetal.transpiler.shader import Argument, Shader

from .arrays import Copies, gpu_array
from .compiler import Accuracy, Refusal, compile_cubin
from .driver import Function, architecture, use_gpu, wait
from .source import ENTRY, cuda_source

_MAX_THREADS = 1024
# What CUDA allows in the second and third dimension of a grid.
_MAX_GROUPS = 65535


class CudaKernel(Kernel):
    """A shader compiled for the current GPU. Call it with a grid and the shader's arguments.

    With `accuracy="triton"` floats' `/`, `exp` and `exp2` are the approximations that Triton's own
    build for NVIDIA's GPUs has; "metal", the default, keeps what MSL promises.
    """

    def __init__(self, shader: Shader, *, accuracy: Accuracy = "metal") -> None:
        if not 1 <= shader.threads_per_threadgroup <= _MAX_THREADS:
            raise CompileError(
                f"{shader.threads_per_threadgroup} threads in a threadgroup; 1 to "
                f"{_MAX_THREADS} are possible"
            )
        self.shader = shader
        self._arguments = tuple(a for a in shader.arguments if a.kind != "debug")
        self._packers = [_packer(argument) for argument in self._arguments]
        use_gpu()
        self.function = Function(_cubin(shader, accuracy), ENTRY)

    def __call__(self, grid: Grid, *arguments: object, stream: Any = None) -> None:
        """Runs the kernel; arrays that it writes change in place.

        `stream` is the handle of a CUDA stream, or PyTorch's current one, or the default stream.
        """
        groups = groups_of(grid)
        if max(groups[1:]) > _MAX_GROUPS:
            raise LaunchError(f"grid {groups}: CUDA has at most {_MAX_GROUPS} in y and z")
        check_count(self._arguments, arguments)
        places = [_place(a, value) for a, value in zip(self._arguments, arguments, strict=True)]
        debug = new_buffer() if self.shader.debug else None
        if debug is not None:
            places.append(host_array("debug", debug))
        if 0 in groups:
            return
        if stream is None:
            stream = _torch_stream() if any(map(is_torch, arguments)) else 0
        copies = self._launch(groups, places, arguments, stream)
        if copies is not None:
            self._finish(copies, places)
        if debug is not None:
            show(debug, self.shader.debug)

    def profile(self, grid: Grid, *arguments: object) -> Profile:
        """The CPU device counts."""
        raise LaunchError("a profile is made on the CPU device")

    def _launch(
        self,
        groups: tuple[int, int, int],
        places: list[HostArray | Address | None],
        arguments: tuple[object, ...],
        stream: int,
    ) -> Copies | None:
        """Starts the grid; gives the copies of the host's arrays, if there are any."""
        use_gpu()
        hosts = [each for each in places if isinstance(each, HostArray)]
        copies = Copies(hosts) if hosts else None
        slots: list[bytes] = []
        for index, place in enumerate(places):
            if place is None:
                slots.append(self._packers[index](arguments[index]))
                continue
            address = place.address
            if isinstance(place, HostArray) and copies is not None:
                address = copies.address(place)
            slots.append(address.to_bytes(8, "little").ljust(SLOT_BYTES, b"\0"))
        threads = self.shader.threads_per_threadgroup
        self.function.launch(groups, threads, b"".join(slots), SLOT_BYTES, stream)
        return copies

    def _finish(self, copies: Copies, places: list[HostArray | Address | None]) -> None:
        """Waits, and brings back what the kernel wrote."""
        wait()
        for index, place in enumerate(places):
            is_debug = index == len(self._arguments)
            if isinstance(place, HostArray) and (is_debug or self._arguments[index].written):
                copies.bring_back(place)


def _place(argument: Argument, value: object) -> HostArray | Address | None:
    """Where a buffer is: an address of the GPU, or an array of the host; none of a scalar."""
    if argument.kind == "scalar":
        return None
    if is_mlx(value):
        raise LaunchError(f"{argument.name}: the CUDA device takes no arrays of MLX")
    place = value if isinstance(value, Address) else gpu_array(argument.name, value)
    if place is None:
        place = host_array(argument.name, value)
        check_host(argument, place)
    elif isinstance(place, HostArray):
        check_host(argument, place)
        place = Address(place.address, place.nbytes)
    check_alignment(argument, place.address)
    return place


def _packer(argument: Argument) -> Callable[[object], bytes]:
    """A function from a scalar to its slot."""
    if argument.kind != "scalar":
        return lambda value: b""
    check = scalar_checker(argument)
    packed = struct.Struct("<" + pack_format(argument))
    return lambda value: packed.pack(check(value)).ljust(SLOT_BYTES, b"\0")


def _torch_stream() -> int:
    torch: Any = sys.modules["torch"]
    return int(torch.cuda.current_stream().cuda_stream) if torch.cuda.is_initialized() else 0


def _cubin(shader: Shader, accuracy: Accuracy) -> bytes:
    """The kernel's machine code for the current GPU."""
    source, _ = cuda_source(shader)
    made = compile_cubin(source, SOURCE_NAME, architecture(), accuracy)
    if not isinstance(made, Refusal):
        return made
    if made.line is None:
        raise CompileError(made.text, note=made.log)
    raise CompileError(made.text, span_of_line(shader.source, made.line, f"{shader.name}.metal"))
