"""Kernels of the device "metal": which library launches, and what becomes of other arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from trimetal.runtime.arguments import (
    Address,
    check_are_kept,
    check_count,
    check_dtype,
    check_host,
    check_mlx,
    check_size,
    scalar_checker,
)
from trimetal.runtime.arrays import Empty, HostArray, device_of, host_array, is_mlx
from trimetal.runtime.debugging import new_buffer, show
from trimetal.runtime.kernel import Grid, Kernel, groups_of
from trimetal.runtime.profile import Profile
from trimetal.transpiler.errors import LaunchError
from trimetal.transpiler.shader import Argument, Shader

from .library import core
from .mlx_program import MlxProgram, mlx_type
from .mps_program import MpsProgram


@dataclass
class _Launch:
    """Checked arguments for MLX: an array, an `Empty` or a number each.

    `host` are the arguments that came as memory of the CPU, by index.
    """

    values: list[Any]
    host: dict[int, HostArray] = field(default_factory=dict[int, HostArray])


class MetalKernel(Kernel):
    """A shader for an Apple GPU. PyTorch launches where a tensor on "mps" is passed, else MLX."""

    def __init__(self, shader: Shader) -> None:
        self.shader = shader
        self._arguments = tuple(a for a in shader.arguments if a.kind != "debug")
        self._written = [i for i, a in enumerate(self._arguments) if a.written]
        self._scalars = [scalar_checker(a) if a.kind == "scalar" else None for a in self._arguments]
        self._mlx = MlxProgram(shader)
        self._mps = MpsProgram(shader)

    def profile(self, grid: Grid, *arguments: object) -> Profile:
        """A GPU counts nothing: a LaunchError."""
        raise LaunchError("only the CPU device counts what a kernel does")

    def __call__(self, grid: Grid, *arguments: object, stream: Any = None) -> None:
        """Runs the kernel; arrays that it writes change in place.

        Arrays of MLX are lazy: they have their new value, which is computed when it is needed.
        Other arrays of this process are copied to the GPU and back.
        """
        groups = groups_of(grid)
        check_count(self._arguments, arguments)
        check_are_kept(self._arguments, arguments)
        if any(device_of(value) == "mps" for value in arguments):
            self._mps.launch(groups, arguments, self._scalars)
            return
        for index in self._written:
            if isinstance(arguments[index], Empty):
                name = self._arguments[index].name
                raise LaunchError(f"{name}: an array is expected; Empty is for results(...)")
        launch = self._prepared(arguments)
        found = self._launched(groups, launch, stream)
        for index in self._written:
            if index in launch.host:
                _write_back(found[index], launch.host[index])
            else:
                launch.values[index][...] = found[index]

    def results(self, grid: Grid, *arguments: object, stream: Any = None) -> tuple[Any, ...]:
        """What the kernel writes, as new arrays of MLX, in the order of the written arguments."""
        groups = groups_of(grid)
        check_count(self._arguments, arguments)
        if any(device_of(value) == "mps" for value in arguments):
            return self._mps.results(groups, arguments, self._scalars)
        found = self._launched(groups, self._prepared(arguments), stream)
        return tuple(found[index] for index in self._written)

    def _prepared(self, arguments: tuple[object, ...]) -> _Launch:
        """Checks all arguments; brings memory of the CPU to MLX."""
        launch = _Launch([])
        arrays: dict[int, Any] = {}
        pairs = zip(self._arguments, arguments, self._scalars, strict=True)
        for index, (argument, value, scalar) in enumerate(pairs):
            if scalar is not None:
                launch.values.append(scalar(value))
            elif is_mlx(value):
                check_mlx(argument, value)
                launch.values.append(value)
            elif isinstance(value, Empty):
                _check_empty(argument, value)
                launch.values.append(value)
            else:
                host = _host(argument, value)
                launch.host[index] = host
                launch.values.append(arrays.setdefault(id(value), host))
        self._check_overlaps(arguments, launch.host)
        moved = {id(host): _to_mlx(host) for host in arrays.values()}
        launch.values = [moved.get(id(value), value) for value in launch.values]
        return launch

    def _check_overlaps(self, arguments: Sequence[object], host: dict[int, HostArray]) -> None:
        """Refuses what copies would tear apart: two arrays over the same memory."""
        for first, second in combinations(host, 2):
            if arguments[first] is arguments[second]:
                continue
            a, b = host[first], host[second]
            written = self._arguments[first].written or self._arguments[second].written
            apart = a.address + a.nbytes <= b.address or b.address + b.nbytes <= a.address
            if written and not apart:
                names = f"{self._arguments[first].name} and {self._arguments[second].name}"
                raise LaunchError(
                    f"{names} share memory, and are copied to the GPU: pass one array for both"
                )

    def _launched(
        self, groups: tuple[int, int, int], launch: _Launch, stream: Any
    ) -> dict[int, Any]:
        if not self.shader.debug:
            return self._mlx.results(groups, launch.values, stream)
        records = core().array(new_buffer())
        found = self._mlx.results(groups, [*launch.values, records], stream)
        try:
            told = np.array(found[len(self._arguments)])
        except (RuntimeError, ValueError) as error:
            raise LaunchError(
                f"{self.shader.name}: prints and assertions are read at once, which a function "
                "that MLX transforms does not allow"
            ) from error
        show(told, self.shader.debug)
        return found


def _host(argument: Argument, value: object) -> HostArray:
    if isinstance(value, Address):
        raise LaunchError(f"{argument.name}: an array is expected, not an address")
    host = host_array(argument.name, value)
    check_host(argument, host)
    return host


def _check_empty(argument: Argument, value: Empty) -> None:
    check_dtype(argument, value.dtype)
    check_size(argument, int(np.prod(value.shape, dtype=np.int64)))
    if not argument.written:
        raise LaunchError(
            f"{argument.name}: the kernel only reads this array, and Empty has nothing"
        )


def _to_mlx(host: HostArray) -> Any:
    """An array of MLX with the contents of memory."""
    dtype = host.dtype if not host.dtype.startswith("float8") else "uint8"
    memory = (ctypes.c_ubyte * host.nbytes).from_address(host.address)
    flat = core().array(np.ctypeslib.as_array(memory))
    return flat.view(mlx_type(dtype)).reshape(host.shape)


def _write_back(array: Any, host: HostArray) -> None:
    """Copies an array's contents, computed now, into memory."""
    flat = core().contiguous(array.reshape(-1)).view(core().uint8)
    contents = bytes(memoryview(flat))
    ctypes.memmove(host.address, contents, host.nbytes)
