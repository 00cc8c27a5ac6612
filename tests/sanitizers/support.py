"""Kernels in programs of their own, which a sanitizer watches."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from trimetal.runtime.arguments import Binder
from trimetal.runtime.cpu.compiler import find_compiler
from trimetal.runtime.cpu.source import host_source
from trimetal.transpiler.shader import Shader

HERE = Path(__file__).parent
RUNTIME = HERE.parents[1] / "runtime"
WORKERS = 4

Array: TypeAlias = Any


@dataclass(frozen=True)
class Sanitizer:
    """Flags for the kernel, for the runtime, and for the program; how the kernel is edited."""

    kernel: tuple[str, ...]
    runtime: tuple[str, ...]
    check_buffers: bool
    options: tuple[tuple[str, str], ...] = ()


_ADDRESS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
_THREAD = ("-fsanitize=thread", "-g")
SANITIZERS = {
    # Buffers are plain pointers: what is out of range shows in the sanitizer alone.
    "address": Sanitizer(
        _ADDRESS, _ADDRESS, False, (("ASAN_OPTIONS", "detect_stack_use_after_return=0"),)
    ),
    # Races between the threads of a threadgroup: a barrier is missing (see races.hpp).
    "threads": Sanitizer(_THREAD, ("-DTRIMETAL_RACES=1", "-g"), False),
    # Races between OS threads: the scheduler's own, and those between programs.
    "programs": Sanitizer(_THREAD, (*_THREAD, "-DTRIMETAL_RACES=2"), False),
}


def flags() -> list[str]:
    """What the CPU device compiles with, and where its headers are."""
    directories = (RUNTIME / "headers", RUNTIME / "cpu" / "native")
    return [*find_compiler().flags(), *(f"-I{directory}" for directory in directories)]


def compiler(arguments: list[str]) -> None:
    """Call the compiler; its messages are the failure."""
    command = [*find_compiler().command, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-4000:]


def is_there(name: str, folder: Path) -> bool:
    """Whether this machine's compiler has the sanitizer."""
    source = folder / "empty.cpp"
    source.write_text("int main() { return 0; }\n", encoding="utf-8")
    command = [*find_compiler().command, *SANITIZERS[name].kernel, str(source)]
    made = subprocess.run([*command, "-o", str(folder / "empty")], capture_output=True, check=False)
    return made.returncode == 0


class Watched:
    """Stands for `runtime.compile`: runs kernels under a sanitizer, which must say nothing."""

    def __init__(self, name: str, folder: Path) -> None:
        self._sanitizer = SANITIZERS[name]
        self._folder = folder
        self.launches = 0
        for file, extra in (("driver", ()), ("runtime", self._sanitizer.runtime)):
            source = HERE / "driver.cpp" if file == "driver" else RUNTIME / "cpu/native/runtime.cpp"
            compiler([*flags(), *extra, "-c", str(source), "-o", str(folder / f"{file}.o")])

    def compile(
        self, shader: Shader, device: str | None = None, **_: object
    ) -> Callable[..., None]:
        """A callable like `runtime.compile`'s; the options for finding errors are not needed."""
        folder = self._folder
        source, _edited = host_source(shader, check_buffers=self._sanitizer.check_buffers)
        (folder / "kernel.cpp").write_text(source, encoding="utf-8")
        compiler(
            [
                *flags(),
                *self._sanitizer.kernel,
                *("-include", str(RUNTIME / "headers/precompiled.hpp")),
                str(folder / "kernel.cpp"),
                *(str(folder / "driver.o"), str(folder / "runtime.o")),
                *("-lpthread", "-lm"),
                *("-o", str(folder / "kernel")),
            ]
        )

        def launch(grid: Any, *arguments: Array) -> None:
            self._launch(shader, grid, arguments)

        return launch

    def _launch(self, shader: Shader, grid: Any, arguments: tuple[Array, ...]) -> None:
        slots = Binder(shader.arguments).bind(arguments).slots
        sizes: list[int] = [grid] if isinstance(grid, int) else list(grid)
        words = [*map(str, (*sizes, 1, 1)[:3]), str(shader.threads_per_threadgroup)]
        words += [str(WORKERS), "1"]
        written: list[tuple[Array, Path]] = []
        for number, argument in enumerate(shader.arguments):
            if argument.kind == "buffer":
                path = self._folder / f"buffer{number}"
                path.write_bytes(arguments[number].tobytes())
                words.append(str(path))
                if argument.written:
                    written.append((arguments[number], path))
            else:
                words.append("=" + slots[16 * number : 16 * number + 8].hex())
        result = subprocess.run(
            [str(self._folder / "kernel"), *words],
            capture_output=True,
            text=True,
            check=False,
            env=dict(self._sanitizer.options),
        )
        assert result.returncode == 0, f"{result.stderr[:6000]}\n{shader.source}"
        for array, path in written:
            array.reshape(-1).view(np.uint8)[...] = np.frombuffer(path.read_bytes(), np.uint8)
        self.launches += 1
