"""The C++ compiler of this machine: finding it, its flags, and its messages."""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trimetal.runtime.cache import refuse_full_disk
from trimetal.transpiler.errors import LaunchError

Family = Literal["gcc", "clang", "zig"]

COMMON_FLAGS = (
    "-std=c++17",
    "-O1",
    "-fPIC",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-math-errno",
    # What MSL rounds, this rounds: no fused multiply-add behind the text's back.
    "-ffp-contract=off",
    # The highest version that the header knows: a kernel asks for less by itself.
    "-D__METAL_VERSION__=320",
    "-fsigned-char",
    # MSL reads float arrays through float4 pointers.
    "-fno-strict-aliasing",
    "-fno-threadsafe-statics",
    "-fvisibility=hidden",
    "-w",
)
# What x86-64-v3 asks for, as far as it matters here; without it half and fma go through libraries.
_V3_FEATURES = frozenset({"avx2", "bmi2", "f16c", "fma", "movbe"})


@dataclass(frozen=True)
class Compiler:
    """A compiler: how to call it, and what tells it from every other."""

    command: tuple[str, ...]
    family: Family
    identity: str

    def flags(self) -> tuple[str, ...]:
        """The flags for everything that is compiled."""
        flags = COMMON_FLAGS
        if self.family == "gcc" or _is_x86():
            # One rounding for each operation of half. Clang knows the flag where it needs it.
            flags += ("-fexcess-precision=16",)
        if sys.platform == "linux":
            # Large thread arrays hit the guard page below the stack instead of jumping over it.
            flags += ("-fstack-clash-protection",)
        if _has_v3():
            flags += ("-march=x86_64_v3" if self.family == "zig" else "-march=x86-64-v3",)
        if self.family == "zig":
            flags += ("-fno-sanitize=undefined",)
        return flags

    def link_flags(self) -> tuple[str, ...]:
        """The flags that make a shared library which needs no C++ library."""
        flags = ("-shared", "-lm", "-lpthread")
        return flags if self.family == "gcc" else ("-nostdlib++", *flags)

    def run(self, arguments: list[str], target: Path) -> str | None:
        """Runs the compiler to make `target`; returns its messages if it fails.

        Raises the OSError of a full disk where that is why it fails.
        """
        result = subprocess.run(
            [*self.command, *arguments, "-o", str(target)],
            cwd=target.parent,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
        if result.returncode == 0:
            return None
        refuse_full_disk(target.parent, result.stderr)
        return result.stderr or "the compiler failed"


@functools.lru_cache(maxsize=4)
def _describe(command: tuple[str, ...]) -> Compiler:
    try:
        result = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise LaunchError(f"the C++ compiler {shlex.join(command)} cannot run: {error}") from None
    version = result.stdout + result.stderr
    if "ziglang" in command or Path(command[0]).stem == "zig":
        family: Family = "zig"
    else:
        family = "clang" if "clang" in version else "gcc"
    return Compiler(command, family, f"{shlex.join(command)}\n{version}\n{_target()}")


def find_compiler() -> Compiler:
    """TRIMETAL_CXX if set, else c++, clang++ or g++, else the ziglang wheel's."""
    chosen = os.environ.get("TRIMETAL_CXX")
    if chosen:
        return _describe(tuple(shlex.split(chosen)))
    for name in ("c++", "clang++", "g++"):
        path = shutil.which(name)
        if path:
            return _describe((path,))
    if importlib.util.find_spec("ziglang"):
        return _describe((sys.executable, "-m", "ziglang", "c++"))
    raise LaunchError(
        "the CPU device needs a C++ compiler: install g++ or clang++, or run "
        '`pip install "trimetal[cpu]"` for the ziglang package'
    )


def _target() -> str:
    return f"{sys.platform} {platform.machine()} {'v3' if _has_v3() else ''}"


def _is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")


@functools.lru_cache(maxsize=1)
def _has_v3() -> bool:
    """Whether this is an x86 processor with AVX2 and the rest of level v3."""
    if not _is_x86() or sys.platform != "linux":
        return False
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    found = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return found is not None and set(found.group(1).split()) >= _V3_FEATURES


@dataclass(frozen=True)
class Message:
    """An error of the compiler, placed in the kernel's text if any line of it names that."""

    text: str
    line: int | None
    column: int | None


def first_error(output: str, source_name: str) -> Message:
    """The first error in a compiler's output.

    An error inside our headers belongs to the kernel's line that led there: GCC names it before
    the error ("required from here"), clang in a note after it.
    """
    place: tuple[int, int] | None = None
    message = ""
    for line in output.splitlines():
        at = re.match(rf"(?:.*[ /])?{re.escape(source_name)}:(\d+):(?:(\d+):)?", line)
        if at and (place is None or not message):
            place = int(at.group(1)), int(at.group(2) or 1)
        error = re.search(r"(?:fatal )?error: (.*)", line)
        if error:
            if message:
                break
            message = error.group(1)
        elif message and place:
            break
    if not message:
        message = output.strip().splitlines()[-1] if output.strip() else "no message"
    return Message(message, *(place or (None, None)))
