"""The front end: clang, reading MSL as C++ for OpenCL, with the address spaces that has.

It comes from the libclang package, in this process. Our header is precompiled once into the cache,
and a kernel takes a few milliseconds.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import re
from pathlib import Path
from typing import Any

from trimetal.runtime.cache import PRECOMPILED, cached_file, cached_tree, content_key
from trimetal.runtime.headers import header_files
from trimetal.runtime.source.rewrite import for_check
from trimetal.runtime.source.structure import Unit, threadgroup_variables
from trimetal.runtime.source.tokens import Token
from trimetal.transpiler.errors import LaunchError, SourceText, Span

from .finding import Finding

_FILE = "kernel.metal"
_ARGUMENTS = (
    "-x", "clcpp", "-cl-std=clc++2021", "-cl-no-stdinc",
    "-Xclang", "-cl-ext=+cl_khr_fp16,+__opencl_c_fp16",
    "-fsyntax-only", "-fno-elide-type",
    "-Wall", "-Wextra", "-Wno-unused", "-Wno-unused-parameter", "-Wno-sign-compare",
    "-Werror=double-promotion", "-Werror=implicit-function-declaration", "-Werror=return-type",
    "-Werror=uninitialized", "-Werror=conditional-uninitialized",
    "-Werror=sometimes-uninitialized", "-Werror=shift-count-overflow", "-Werror=array-bounds",
    "-Werror=c++98-c++11-c++14-compat", "-Werror=vla", "-Werror=gnu", "-Werror=vexing-parse",
    "-Werror=literal-range", "-Werror=constant-conversion",
)  # fmt: skip
_SPACES = {
    "__global": "device",
    "__local": "threadgroup",
    "__private": "thread",
    "__constant": "constant",
    "__generic": "thread",
}


class FrontEnd:
    """One text, read by clang."""

    def __init__(self, unit: Unit, name: str, version: int) -> None:
        self.name = name
        self._source = SourceText(unit.text, name)
        self._shared = {
            token.text for kernel in unit.kernels() for token in threadgroup_variables(unit, kernel)
        }
        self._edited = for_check(unit)
        header = _precompiled(version)
        self._parsed = _index().parse(
            _FILE,
            args=[*_ARGUMENTS, "-include-pch", str(header)],
            unsaved_files=[(_FILE, self._edited.text)],
        )

    def findings(self) -> list[Finding]:
        """The errors that clang reports."""
        lowest = clang_bindings().Diagnostic.Error
        errors = [d for d in self._parsed.diagnostics if d.severity >= lowest]
        return [self._finding(d) for d in errors if not self._is_shared(d)]

    def variable_layout(self, name: Token) -> tuple[int, int]:
        """Size and alignment of the variable whose declared name the token is."""
        clang = clang_bindings()
        line, column = self._edited.position(name.start)
        file = clang.File.from_name(self._parsed, _FILE)
        location = clang.SourceLocation.from_position(self._parsed, file, line, column)
        cursor = clang.Cursor.from_location(self._parsed, location)
        if cursor.kind != clang.CursorKind.VAR_DECL:
            return 0, 1
        return max(cursor.type.get_size(), 0), max(cursor.type.get_align(), 1)

    def _is_shared(self, diagnostic: Any) -> bool:
        """Whether it takes a threadgroup variable, which other threads may have set, as unset."""
        if not str(diagnostic.option).endswith("uninitialized"):
            return False
        variable = re.match(r"variable '(\w+)'", diagnostic.spelling)
        return variable is not None and variable.group(1) in self._shared

    def _finding(self, diagnostic: Any) -> Finding:
        location = diagnostic.location
        # An error inside our header belongs to the line that led there.
        if not _in_kernel(location):
            location = _origin(diagnostic) or location
        place = (location.line, location.column) if _in_kernel(location) else (1, 1)
        option = str(diagnostic.option or "").removeprefix("-W")
        rule = "c++14" if option.endswith("-compat") else option or "compiler"
        return Finding(rule, _in_metal(diagnostic.spelling), self._span(*place))

    def _span(self, line: int, column: int) -> Span:
        """The word at a place of the edited text, in the original."""
        start = self._edited.original_position(line, column)
        word = re.compile(r"\w+|.", re.DOTALL).match(self._source.text, start)
        return Span(self._source, start, word.end() if word else start + 1)


def _origin(diagnostic: Any) -> Any | None:
    """Where the kernel asked for the template that an error lies in."""
    for note in diagnostic.children:
        if _in_kernel(note.location) and "in file included" not in note.spelling:
            return note.location
    return None


def _in_kernel(location: Any) -> bool:
    return location.file is not None and location.file.name == _FILE


def _in_metal(message: str) -> str:
    """A message of clang in the words of Metal."""
    for opencl, metal in _SPACES.items():
        message = message.replace(opencl, metal)
    message = re.sub(r"static assertion failed.*?: ", "", message)
    message = re.sub(r"(?:metal::)?vec<(\w+), (\d)>", r"\1\2", message)
    message = re.sub(r" \(aka '[^']*'\)", "", message)
    # `thread` is where any variable lives: it says something behind a pointer only.
    message = re.sub(r"\*thread'|'thread (\w+)'", lambda m: f"'{m[1]}'" if m[1] else "*'", message)
    return re.sub(r"\b(?:trimetal|metal)::", "", message)


@functools.lru_cache(maxsize=1)
def clang_bindings() -> Any:
    """libclang's Python bindings."""
    try:
        return importlib.import_module("clang.cindex")
    except ImportError:
        raise LaunchError(
            'the strict check needs the libclang package: pip install "trimetal[check]"'
        ) from None


@functools.lru_cache(maxsize=1)
def _index() -> Any:
    clang = clang_bindings()
    try:
        # Freed while libclang is still there to free it.
        atexit.register(_index.cache_clear)
        return clang.Index.create()
    except clang.LibclangError as error:
        raise LaunchError(
            f'libclang does not load: {error}; try pip install "trimetal[check]"'
        ) from None


def _precompiled(version: int) -> Path:
    """Our header for one version of the language, precompiled; it is read again at every use."""
    index, key = _index(), _header_key(version)
    header = cached_tree(key, header_files()) / "precompiled.hpp"

    def make(target: Path) -> None:
        clang = clang_bindings()
        options = clang.TranslationUnit.PARSE_INCOMPLETE
        arguments = [*_ARGUMENTS, f"-D__METAL_VERSION__={version}"]
        unit = index.parse(str(header), args=arguments, options=options)
        errors = [str(d) for d in unit.diagnostics if d.severity >= clang.Diagnostic.Error]
        if errors:
            raise LaunchError(f"this libclang cannot read the MSL header: {errors[0]}")
        unit.save(str(target))

    return cached_file(PRECOMPILED, key, ".pch", make)


@functools.lru_cache(maxsize=8)
def _header_key(version: int) -> str:
    parts = [part for file in header_files() for part in file]
    return content_key(f"{library_version()} {version}", *_ARGUMENTS, *parts)


def library_version() -> str:
    """The version of the library, which its Python bindings do not tell by themselves."""
    clang = clang_bindings()
    function = clang.conf.lib.clang_getClangVersion
    function.restype = getattr(clang, "_CXString")  # noqa: B009 - it has no public name
    return str(clang.conf.lib.clang_getCString(function()))
