"""What one compiler needs in the cache: our headers, precompiled, and the runtime library."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path

from trimetal.runtime.cache import cache_directory, cached_file, cached_tree, content_key
from trimetal.runtime.headers import cpp_files, header_files
from trimetal.transpiler.errors import LaunchError

from .compiler import Compiler, find_compiler

_HEADER = "precompiled.hpp"


@functools.lru_cache(maxsize=1)
def _sources() -> tuple[tuple[str, str], ...]:
    """The headers and the runtime's own files."""
    return (*header_files(), *cpp_files(Path(__file__).parent / "native"))


@dataclass(frozen=True)
class Toolchain:
    """A compiler with its directory in the cache. The directory's name says all that is in it."""

    compiler: Compiler
    flags: tuple[str, ...]
    directory: Path

    def header_flags(self) -> list[str]:
        """The flags that include our header, precompiled where that works."""
        header = self.directory / _HEADER
        if self._precompiled() and self.compiler.family != "gcc":
            return ["-include-pch", str(self._precompiled_path())]
        # GCC looks for the .gch next to the header by itself.
        return [f"-I{self.directory}", "-include", str(header)]

    def runtime_library(self) -> Path:
        """The library that schedules threads, compiled on first use."""
        library = self.directory / "runtime.so"
        return cached_file(library, self._compile_runtime)

    def compile(self, source: str, target: Path) -> str | None:
        """Compiles one kernel's C++ text to a shared library; returns messages if that fails."""
        with tempfile.TemporaryDirectory(prefix="trimetal-") as scratch:
            path = Path(scratch) / "kernel.cpp"
            path.write_text(source, encoding="utf-8")
            arguments = [*self.flags, *self.header_flags(), str(path)]
            if self._one_step():
                arguments += ["-o", str(target), *self.compiler.link_flags()]
                return self.compiler.run(arguments, Path(scratch))
            made = path.with_suffix(".o")
            failed = self.compiler.run([*arguments, "-c", "-o", str(made)], Path(scratch))
            arguments = [str(made), "-o", str(target), *self.compiler.link_flags()]
            return failed or self.compiler.run(arguments, Path(scratch))

    def _one_step(self) -> bool:
        """Whether compiling and linking go together: a sanitizer's flag would link its library."""
        return not any(flag.startswith("-fsanitize") for flag in self.flags)

    def _compile_runtime(self, target: Path) -> None:
        flags = ["-O2" if flag == "-O1" else flag for flag in self.compiler.flags()]
        source = self.directory / "runtime.cpp"
        arguments = [*flags, f"-I{self.directory}", str(source), "-o", str(target)]
        failed = self.compiler.run([*arguments, *self.compiler.link_flags()], self.directory)
        if failed:
            raise LaunchError(f"the CPU device's runtime library does not compile:\n{failed}")

    def _precompiled_path(self) -> Path:
        suffix = ".gch" if self.compiler.family == "gcc" else ".pch"
        return self.directory / (_HEADER + suffix)

    def _precompiled(self) -> bool:
        """Makes the precompiled header if it is missing; kernels compile without one too."""
        with contextlib.suppress(_NotPrecompiledError):
            cached_file(self._precompiled_path(), self._precompile)
            return True
        return False

    def _precompile(self, target: Path) -> None:
        header = self.directory / _HEADER
        arguments = [*self.flags, "-x", "c++-header", str(header), "-o", str(target)]
        if self.compiler.run(arguments, self.directory):
            raise _NotPrecompiledError


class _NotPrecompiledError(Exception):
    """The compiler makes no precompiled header."""


def toolchain(extra_flags: tuple[str, ...] = ()) -> Toolchain:
    """The toolchain of this machine's compiler with these flags added for kernels."""
    return _toolchain(find_compiler(), extra_flags, cache_directory())


@functools.lru_cache(maxsize=16)
def _toolchain(compiler: Compiler, extra_flags: tuple[str, ...], cache: Path) -> Toolchain:
    flags = (*compiler.flags(), *extra_flags)
    files = _sources()
    parts = [part for file in files for part in file]
    key = content_key(compiler.identity, " ".join(flags), *parts)
    directory = cached_tree(cache / f"cpp-{key}", files)
    made = Toolchain(compiler, flags, directory)
    if compiler.family == "gcc":
        made.header_flags()
    return made
