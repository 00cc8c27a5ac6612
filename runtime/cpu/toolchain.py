"""What one compiler needs in the cache: our headers, precompiled, and the runtime library."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path

from trimetal.runtime.cache import PRECOMPILED, cached_file, cached_tree, content_key
from trimetal.runtime.headers import cpp_files, header_files
from trimetal.transpiler.errors import LaunchError

from .compiler import Compiler, find_compiler

_HEADER = "precompiled.hpp"


@functools.lru_cache(maxsize=1)
def _source_files() -> tuple[tuple[str, str], ...]:
    """The headers and the runtime's own files."""
    return (*header_files(), *cpp_files(Path(__file__).parent / "native"))


@dataclass(frozen=True)
class Toolchain:
    """A compiler with the flags for kernels. `key` says all that decides what it makes."""

    compiler: Compiler
    flags: tuple[str, ...]
    key: str

    def compile(self, source: str, target: Path) -> str | None:
        """Compiles one kernel's C++ text to a shared library; returns messages if that fails."""
        with tempfile.TemporaryDirectory(prefix="trimetal-") as scratch:
            path = Path(scratch) / "kernel.cpp"
            path.write_text(source, encoding="utf-8")
            arguments = [*self.flags, *self._header_flags(), str(path)]
            link_flags = self.compiler.link_flags()
            if self._one_step():
                return self.compiler.run([*arguments, *link_flags], target)
            made = path.with_suffix(".o")
            failed = self.compiler.run([*arguments, "-c"], made)
            return failed or self.compiler.run([str(made), *link_flags], target)

    def _one_step(self) -> bool:
        """Whether compiling and linking go together: a sanitizer's flag would link its library."""
        return not any(flag.startswith("-fsanitize") for flag in self.flags)

    def compile_runtime(self, target: Path) -> None:
        """Compiles the library that schedules threads."""
        directory = self._sources()
        flags = ["-O2" if flag == "-O1" else flag for flag in self.compiler.flags()]
        arguments = [*flags, f"-I{directory}", str(directory / "runtime.cpp")]
        failed = self.compiler.run([*arguments, *self.compiler.link_flags()], target)
        if failed:
            raise LaunchError(f"the CPU device's runtime library does not compile:\n{failed}")

    def _sources(self) -> Path:
        """The directory of our headers."""
        return cached_tree(self.key, _source_files())

    def _header_flags(self) -> list[str]:
        """The flags that include our header, precompiled where that works."""
        ending = ".gch" if self.compiler.family == "gcc" else ".pch"
        try:
            header = cached_file(PRECOMPILED, self.key, ending, self._precompile)
        except _NotPrecompiledError:
            directory = self._sources()
            return [f"-I{directory}", "-include", str(directory / _HEADER)]
        if self.compiler.family != "gcc":
            # Clang looks at the headers themselves as well.
            self._sources()
            return ["-include-pch", str(header)]
        # GCC takes x.gch where it is told to include x, which need not exist.
        return ["-include", str(header.with_suffix(""))]

    def _precompile(self, target: Path) -> None:
        header = self._sources() / _HEADER
        if self.compiler.run([*self.flags, "-x", "c++-header", str(header)], target):
            raise _NotPrecompiledError


class _NotPrecompiledError(Exception):
    """The compiler makes no precompiled header."""


def toolchain(extra_flags: tuple[str, ...] = ()) -> Toolchain:
    """The toolchain of this machine's compiler with these flags added for kernels."""
    return _toolchain(find_compiler(), extra_flags)


@functools.lru_cache(maxsize=16)
def _toolchain(compiler: Compiler, extra_flags: tuple[str, ...]) -> Toolchain:
    flags = (*compiler.flags(), *extra_flags)
    parts = [part for file in _source_files() for part in file]
    return Toolchain(compiler, flags, content_key(compiler.identity, " ".join(flags), *parts))
