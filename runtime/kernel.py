"""`compile` and the kernels that it gives."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from typing import Any, Protocol, cast

from trimetal.runtime.profile import Profile
from trimetal.transpiler.errors import LaunchError
from trimetal.transpiler.shader import Shader

from .arguments import AnyArray, Binder, Bound, check_are_kept
from .arrays import fresh_arguments
from .debugging import clear, new_buffer, show

_MAX_GROUPS = 2**31 - 1

Grid = int | Sequence[int]


class Program(Protocol):
    """A shader made ready by a device."""

    def launch(self, groups: tuple[int, int, int], slots: bytes, schedule: int) -> None:
        """Runs the grid to its end."""
        ...

    def profile(self, groups: tuple[int, int, int], slots: bytes) -> Profile:
        """Runs the grid to its end and counts; a LaunchError where the device cannot."""
        ...


def devices() -> tuple[str, ...]:
    """The devices that can run shaders here, the default one first."""
    from .cuda import driver
    from .metal.library import has_metal

    cuda = ("cuda",) if driver.is_available() else ()
    return ("metal", "cpu", *cuda) if has_metal() else ("cpu", *cuda)


def compile(
    shader: Shader,
    device: str | None = None,
    *,
    schedules: int | None = None,
    schedule: int | None = None,
    check_buffers: bool | None = None,
    check_overflow: bool = False,
) -> Kernel:
    """Compiles a shader for a device: `kernel = compile(shader); kernel((rows,), x, out, n)`.

    Device "metal" is an Apple GPU, through MLX (or PyTorch, for tensors on "mps"); it is the
    default where there is one. Device "cuda" is an NVIDIA GPU. The options are for finding errors,
    on the CPU device. `schedules` runs every launch in that many orders of its threads, which must
    give the same bytes (TRIMETAL_SCHEDULES sets the default, 1); `schedule` is the first of them: 0
    forwards, 1 backwards, others at random (TRIMETAL_SCHEDULE, 0). `check_buffers` checks every
    access to a buffer against the array's end (TRIMETAL_CHECK_BUFFERS=1). `check_overflow` refuses
    signed integer overflow.
    """
    device = device or devices()[0]
    if device == "metal":
        from .metal import library
        from .metal.kernel import MetalKernel

        library.require_metal()
        kernel: Any = MetalKernel(shader)
        return kernel
    from .cuda import driver

    if device == "cuda" and driver.is_available():
        return _for_cuda(shader, schedules, check_buffers, check_overflow)
    if device not in devices():
        if device == "cuda":
            driver.require()
        raise LaunchError(f"unknown device {device!r}; the devices are metal, cpu, cuda")
    if schedules is None:
        schedules = _environment_number("TRIMETAL_SCHEDULES", 1)
    if schedule is None:
        schedule = _environment_number("TRIMETAL_SCHEDULE", 0)
    if check_buffers is None:
        check_buffers = _environment_number("TRIMETAL_CHECK_BUFFERS", 0) != 0
    if schedules < 1:
        raise LaunchError(f"schedules must be at least 1, not {schedules}")
    if schedule < 0:
        raise LaunchError(f"schedule must not be negative: {schedule}")
    from .cpu import CpuProgram

    program = CpuProgram(shader, check_buffers=check_buffers, check_overflow=check_overflow)
    return Kernel(shader, program, schedules, schedule)


def _for_cuda(
    shader: Shader, schedules: int | None, check_buffers: bool | None, check_overflow: bool
) -> Kernel:
    from .cuda.kernel import CudaKernel

    if check_buffers or check_overflow or (schedules or 1) != 1:
        raise LaunchError("schedules, check_buffers and check_overflow are the CPU device's")
    kernel: Any = CudaKernel(shader)
    return kernel


class Kernel:
    """A compiled shader. Call it with a grid of programs and the shader's arguments."""

    def __init__(
        self, shader: Shader, program: Program, schedules: int = 1, schedule: int = 0
    ) -> None:
        self.shader = shader
        self._program = program
        self._binder = Binder(shader.arguments)
        self._arguments = tuple(a for a in shader.arguments if a.kind != "debug")
        self._schedules = schedules
        self._schedule = schedule

    def __call__(self, grid: Grid, *arguments: object, stream: Any = None) -> None:
        """Runs the kernel; arrays that it writes change in place.

        `stream` is a stream of MLX, for device "metal"; the CPU has none.
        """
        groups = groups_of(grid)
        debug = new_buffer() if self.shader.debug else None
        check_are_kept(self._arguments, arguments)
        bound = self._binder.bind(arguments, debug)
        try:
            self._run(groups, bound, debug)
            bound.finish()
        finally:  # an assertion that failed says more than the fault that followed
            if debug is not None:
                show(debug, self.shader.debug)

    def results(self, grid: Grid, *arguments: object, stream: Any = None) -> tuple[Any, ...]:
        """What the kernel writes, as new arrays, in the order of the written arguments.

        The arguments keep their values. An `Empty` makes an array whose contents before the launch
        do not matter; on device "metal" it costs no copy.
        """
        given = fresh_arguments(self.shader.arguments, arguments)
        self(grid, *given)
        pairs = zip(self.shader.arguments, given, strict=False)
        return tuple(value for argument, value in pairs if argument.written)

    def profile(self, grid: Grid, *arguments: object) -> Profile:
        """Runs the kernel as a call does, and counts what it does meanwhile (see `Profile`).

        The CPU device counts, in a program of its own that is compiled at the first profile: calls
        cost what they did. It knows scalars and vectors in memory, no structs.
        """
        groups = groups_of(grid)
        debug = new_buffer() if self.shader.debug else None
        bound = self._binder.bind(arguments, debug)
        try:
            profile = self._program.profile(groups, bound.slots)
            bound.finish()
            return profile
        finally:
            if debug is not None:
                show(debug, self.shader.debug)

    def _run(self, groups: tuple[int, int, int], bound: Bound, debug: AnyArray) -> None:
        if self._schedules == 1:
            self._program.launch(groups, bound.slots, self._schedule)
        else:
            self._compare_schedules(groups, bound, debug)

    def _compare_schedules(
        self, groups: tuple[int, int, int], bound: Bound, debug: AnyArray
    ) -> None:
        """Launches in several orders, each from the same state; the first one's result stays."""
        slots, written = bound.slots, bound.written_arrays()
        before = [array.copy() for array in written]
        self._program.launch(groups, slots, self._schedule)
        first = [array.copy() for array in written]
        told = None if debug is None else debug.copy()
        for schedule in range(self._schedule + 1, self._schedule + self._schedules):
            for array, kept in zip(written, before, strict=True):
                array[...] = kept
            if debug is not None:
                clear(debug)
            self._program.launch(groups, slots, schedule)
            for array, kept in zip(written, first, strict=True):
                if array.tobytes() != kept.tobytes():
                    self._report_difference(array, kept, schedule)
        for array, kept in zip(written, first, strict=True):
            array[...] = kept
        if debug is not None:
            debug[...] = told

    def _report_difference(self, array: AnyArray, kept: AnyArray, schedule: int) -> None:
        width = array.dtype.itemsize
        ours, theirs = array.tobytes(), kept.tobytes()
        index = next(i for i in range(len(ours)) if ours[i] != theirs[i]) // width
        raise LaunchError(
            f"{self.shader.name}: the result depends on the order in which threads run (element "
            f"{index} of an output: {kept.reshape(-1)[index]} in order {self._schedule}, "
            f"{array.reshape(-1)[index]} in order {schedule}); is a barrier missing?"
        )


def groups_of(grid: Grid) -> tuple[int, int, int]:
    """The grid as three numbers of threadgroups."""
    try:
        if isinstance(grid, Sequence):
            sizes = [operator.index(cast(Any, size)) for size in grid]
        else:
            sizes = [operator.index(cast(Any, grid))]
    except TypeError:
        raise LaunchError(f"a grid is one to three integers, not {grid!r}") from None
    if not 1 <= len(sizes) <= 3:
        raise LaunchError(f"a grid has one to three dimensions, not {len(sizes)}")
    for size in sizes:
        if not 1 <= size <= _MAX_GROUPS:
            raise LaunchError(f"grid {tuple(sizes)}: a size must be from 1 to 2**31 - 1")
    x, y, z = (*sizes, 1, 1)[:3]
    if x * y * z >= 2**62:
        raise LaunchError(f"grid {tuple(sizes)}: too many threadgroups")
    return x, y, z


def _environment_number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise LaunchError(f"{name}={text!r}: an integer is expected") from None
