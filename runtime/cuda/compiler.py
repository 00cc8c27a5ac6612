"""NVRTC: CUDA C++ to a GPU's machine code, with our headers."""

from __future__ import annotations

import functools
import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from trimetal.runtime.cache import cached_file, content_key
from trimetal.runtime.headers import header_files
from trimetal.transpiler.errors import LaunchError

_OPTIONS = (
    "-std=c++17",
    # Our headers say nothing of CUDA's execution spaces.
    "-default-device",
    # What MSL rounds, this rounds: no fused multiply-add behind the text's back.
    "-fmad=false",
    "-w",
    # The highest version that the header knows: a kernel asks for less by itself.
    "-D__METAL_VERSION__=320",
)
_FOLDER = "trimetal/"

Accuracy: TypeAlias = Literal["metal", "triton"]
# The options for each: "metal" is exact where MSL's `precise::` functions and operators are or may
# be, "triton" takes the approximations that Triton's own build takes (see cuda/builtins.hpp).
_ACCURACY: dict[Accuracy, tuple[str, ...]] = {
    "metal": ("-prec-div=true",),
    "triton": ("-prec-div=false", "-DTRIMETAL_TRITON_ACCURACY=1"),
}


@dataclass(frozen=True)
class Refusal:
    """The first error that the compiler found, with its line (from 1) if it is the kernel's."""

    text: str
    line: int | None
    log: str


@functools.lru_cache(maxsize=1)
def _nvrtc() -> Any:
    """The bindings of NVRTC, which have no types."""
    return importlib.import_module("cuda.bindings.nvrtc")


@functools.lru_cache(maxsize=1)
def _headers() -> tuple[tuple[str, str], ...]:
    """Our headers, named as they include each other."""
    return tuple(
        (name.removeprefix(_FOLDER), text)
        for name, text in header_files()
        if name.startswith(_FOLDER)
    )


def compile_cubin(source: str, name: str, architecture: str, accuracy: Accuracy) -> bytes | Refusal:
    """The machine code of a source, from the cache or compiled."""
    options = (*_OPTIONS, *_ACCURACY[accuracy], f"-arch={architecture}")
    version = repr(_call("nvrtcVersion"))
    texts = [part for header in _headers() for part in header]
    key = content_key(version, " ".join(options), *texts, source)
    refusals: list[Refusal] = []

    def make(target: Path) -> None:
        made = _compile(source, name, options)
        if isinstance(made, Refusal):
            refusals.append(made)
            raise _RefusedError
        target.write_bytes(made)

    try:
        return cached_file("cuda", key, ".cubin", make).read_bytes()
    except _RefusedError:
        return refusals[0]


class _RefusedError(Exception):
    """Nothing was made."""


def _compile(source: str, name: str, options: tuple[str, ...]) -> bytes | Refusal:
    nvrtc = _nvrtc()
    texts = [text.encode() for _, text in _headers()]
    names = [header.encode() for header, _ in _headers()]
    program = _call("nvrtcCreateProgram", source.encode(), name.encode(), len(names), texts, names)
    try:
        flags = [option.encode() for option in options]
        (status,) = nvrtc.nvrtcCompileProgram(program, len(flags), flags)
        if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            log = _read(program, "nvrtcGetProgramLog").decode(errors="replace").rstrip("\0\n ")
            return _refusal(log, name)
        return _read(program, "nvrtcGetCUBIN")
    finally:
        _call("nvrtcDestroyProgram", program)


def _call(name: str, *arguments: object) -> Any:
    nvrtc = _nvrtc()
    try:
        status, *results = getattr(nvrtc, name)(*arguments)
    except RuntimeError as error:  # no library to load
        raise LaunchError(f"NVIDIA's compiler NVRTC: {error}") from None
    if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
        raise LaunchError(f"{name}: {status}")
    return results[0] if len(results) == 1 else tuple(results)


def _read(program: object, function: str) -> bytes:
    data = b" " * int(_call(f"{function}Size", program))
    _call(function, program, data)
    return data


def _refusal(log: str, name: str) -> Refusal:
    """An error in a header belongs to the kernel's line that the log names next."""
    message = re.search(r"(?:error|catastrophic error): (.*)", log)
    line = re.search(rf"{re.escape(name)}\((\d+)\): error: (.*)", log)
    if line is None:
        line = re.search(rf"at line (\d+) of {re.escape(name)}", log)
    text = message.group(1) if message else log or "the compiler failed"
    return Refusal(text, int(line.group(1)) if line else None, log)
