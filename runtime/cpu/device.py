"""Programs of the CPU device."""

from __future__ import annotations

import ctypes
import functools
import os
import re
import threading
from pathlib import Path
from typing import Any

from trimetal.runtime.arguments import SLOT_BYTES
from trimetal.runtime.cache import content_key, loaded_file
from trimetal.runtime.profile import COUNTERS, Profile
from trimetal.runtime.source.binding import SOURCE_NAME
from trimetal.runtime.source.edits import EditedText
from trimetal.runtime.spans import span_of_line
from trimetal.transpiler.errors import CompileError, LaunchError, SourceText, Span
from trimetal.transpiler.shader import Shader

from .compiler import first_error
from .source import COUNTS, ENTRY, PROFILE_ENTRY, host_source
from .toolchain import Toolchain, toolchain

_MAX_THREADS = 1024
_THREADGROUP_MEMORY = 32 << 10
_PROFILE = ("-DTRIMETAL_PROFILE=1",)
# The counters of a profile are plain variables of the kernel's library, which all programs of one
# text share: one launch at a time, on one OS thread.
_counters_lock = threading.Lock()
_OVERFLOW = (
    "-DTRIMETAL_OVERFLOW=1",
    "-fsanitize=signed-integer-overflow",
    "-fno-sanitize-recover=signed-integer-overflow",
)


class CpuProgram:
    """A shader compiled for the CPU."""

    def __init__(
        self,
        shader: Shader,
        *,
        check_buffers: bool = False,
        check_overflow: bool = False,
        count: bool = False,
    ) -> None:
        if not 1 <= shader.threads_per_threadgroup <= _MAX_THREADS:
            raise CompileError(
                f"{shader.threads_per_threadgroup} threads in a threadgroup; 1 to "
                f"{_MAX_THREADS} are possible"
            )
        self._shader = shader
        tools = toolchain(_PROFILE if count else _OVERFLOW if check_overflow else ())
        self._runtime = _runtime(tools)
        library = _loaded(shader, tools, check_buffers, count)
        library.trimetal_bind(ctypes.c_void_p(self._runtime.trimetal_services()))
        # Keeps the library loaded as long as the program.
        self._library = library
        entry = getattr(library, PROFILE_ENTRY if count else ENTRY)
        self._entry = ctypes.cast(entry, ctypes.c_void_p)
        self._workers = 1 if count else workers()
        self._counting: CpuProgram | None = self if count else None

    def launch(self, groups: tuple[int, int, int], slots: bytes, schedule: int) -> None:
        """Runs the grid; an error of the kernel is a LaunchError that shows its line."""
        failed = self._runtime.trimetal_launch(
            self._entry,
            slots,
            len(slots) // SLOT_BYTES,
            *groups,
            self._shader.threads_per_threadgroup,
            _THREADGROUP_MEMORY,
            self._workers,
            schedule,
        )
        if failed:
            raise self._error(self._runtime.trimetal_message().decode(errors="replace"))

    def profile(self, groups: tuple[int, int, int], slots: bytes) -> Profile:
        """Runs the grid in a program that counts, which is compiled at the first profile."""
        with _counters_lock:
            if self._counting is None:
                self._counting = CpuProgram(self._shader, count=True)
            return self._counting.counted(groups, slots)

    def counted(self, groups: tuple[int, int, int], slots: bytes) -> Profile:
        """A launch and its counts, of a program that counts."""
        get = getattr(self._library, COUNTS)
        get.restype = ctypes.POINTER(ctypes.c_uint64 * COUNTERS)
        counters = get().contents
        ctypes.memset(counters, 0, ctypes.sizeof(counters))
        if 0 not in groups:
            self.launch(groups, slots, 0)
        return Profile.from_counters(list(counters))

    def _error(self, message: str) -> LaunchError:
        """Moves `line N:` out of the runtime's message into a place in the text."""
        line = re.search(r"line (\d+): ", message)
        if not line or line.group(1) == "0":
            message = message.replace("line 0: ", "")
            return LaunchError(f"{self._shader.name}: {message}")
        place = span_of_line(self._shader.source, int(line.group(1)), f"{self._shader.name}.metal")
        return LaunchError(message.replace(line.group(), "", 1), place)


def _loaded(shader: Shader, tools: Toolchain, check_buffers: bool, profile: bool) -> ctypes.CDLL:
    """The kernel's library, from the cache or compiled."""
    source, edited = host_source(shader, check_buffers=check_buffers, profile=profile)
    key = content_key(tools.key, source)

    def make(target: Path) -> None:
        messages = tools.compile(source, target)
        if messages:
            raise _compile_error(shader, edited, messages)

    return loaded_file("kernels", key, ".so", make, ctypes.CDLL)


def _compile_error(shader: Shader, edited: EditedText, messages: str) -> CompileError:
    error = first_error(messages, SOURCE_NAME)
    if error.line is None or error.column is None:
        return CompileError(error.text, note=messages)
    start = edited.original_position(error.line, error.column)
    span = Span(SourceText(shader.source, f"{shader.name}.metal"), start, start + 1)
    return CompileError(error.text, span)


@functools.lru_cache(maxsize=4)
def _runtime(tools: Toolchain) -> Any:
    """The runtime library, loaded once."""
    runtime = loaded_file("runtime", tools.key, ".so", tools.compile_runtime, ctypes.CDLL)
    runtime.trimetal_services.restype = ctypes.c_void_p
    runtime.trimetal_message.restype = ctypes.c_char_p
    number = ctypes.c_uint32
    runtime.trimetal_launch.argtypes = [ctypes.c_void_p, ctypes.c_char_p, *([number] * 8)]
    return runtime


@functools.lru_cache(maxsize=1)
def workers() -> int:
    """OS threads to spread a launch over: the cores that this process may use."""
    chosen = os.environ.get("TRIMETAL_CPU_WORKERS", "")
    if chosen.isdigit() and int(chosen) > 0:
        return int(chosen)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
