"""What this machine has, and for what is missing the one command that mends it."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import trimetal
from trimetal.runtime.cache import cache_directory, content_key
from trimetal.runtime.metal.library import target
from trimetal.transpiler.errors import TrimetalError
from trimetal.transpiler.target import Target

# "missing" can be mended, "absent" is no fault of this machine.
State = Literal["there", "missing", "absent"]


@dataclass(frozen=True)
class Fact:
    """One thing and what is known of it; `remedy` is a command or an advice."""

    name: str
    value: str
    state: State = "there"
    remedy: str = ""


def facts() -> list[Fact]:
    """All facts, in the order in which they are shown; whatever fails is a fact too."""
    return [fact for look in _LOOKS for fact in _safely(look)]


def _safely(look: Callable[[], Iterator[Fact]]) -> list[Fact]:
    try:
        return list(look())
    except Exception as error:  # a broken package may raise anything
        name = look.__name__.strip("_").replace("_", " ")
        return [Fact(name, f"{type(error).__name__}: {error}", "missing")]


def is_apple_gpu_machine() -> bool:
    """Whether this is a Mac with an Apple chip."""
    return sys.platform == "darwin" and _processor().startswith("Apple")


def _machine() -> Iterator[Fact]:
    system = f"macOS {platform.mac_ver()[0]}" if sys.platform == "darwin" else platform.platform()
    yield Fact("system", f"{system}, {platform.machine()}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Fact("processor", f"{_processor()}, {cores} cores")
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Fact("memory", f"{size / (1 << 30):.0f} GiB")


def _processor() -> str:
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
        if found:
            return found.group(1)
    return platform.processor() or platform.machine()


def _python() -> Iterator[Fact]:
    text = f"{platform.python_version()} ({platform.python_implementation()})"
    if is_apple_gpu_machine() and platform.machine() != "arm64":
        yield Fact("Python", f"{text}, under Rosetta", "missing", "brew install python")
    else:
        yield Fact("Python", text)
    yield Fact("Trimetal", trimetal.__version__)


def _mlx() -> Iterator[Fact]:
    if not importlib.util.find_spec("mlx"):
        yield Fact("MLX", "not installed", "missing", 'pip install "trimetal[metal]"')
        return
    core: Any = importlib.import_module("mlx.core")
    yield Fact("MLX", importlib.metadata.version("mlx"))
    if core.metal.is_available():
        yield from _apple_gpu(core.device_info())
    elif is_apple_gpu_machine():
        advice = "use a session on the Mac itself, with macOS 14 or later"
        yield Fact("Metal", "MLX finds no Metal device", "missing", advice)
    else:
        yield Fact("Metal", "no Apple GPU in this machine", "absent")


def _apple_gpu(information: Mapping[str, Any]) -> Iterator[Fact]:
    architecture = str(information.get("architecture", "unknown"))
    yield Fact("Metal", f"{information.get('device_name', 'a device')}, {architecture}")
    limit = int(information.get("max_recommended_working_set_size", 0))
    yield Fact("memory for the GPU", f"{limit / (1 << 30):.0f} GiB")
    try:
        yield from _target_facts(target())
    except TrimetalError as error:
        yield Fact("target", error.message, "missing", "use --target with the nearest chip")


def _target_facts(chip: Target) -> Iterator[Fact]:
    yield Fact("target", f"{chip.name} (family Apple{chip.family})")
    matrices = "8x8 matrices of the SIMD-groups"
    unit = "a matrix unit besides (needs MSL 4.0)" if chip.matrix_unit == "tensor" else ""
    yield Fact("dots", f"{matrices}, {unit}" if unit else matrices)
    bfloat = "computed natively" if chip.native_bfloat else "converted to float and back"
    yield Fact("bfloat", bfloat)
    atomics = "min and max" if chip.atomics64 == "min_max" else "none"
    yield Fact("64-bit atomics", atomics)
    caching = "yes: large register tiles are cheap" if chip.dynamic_caching else "no"
    yield Fact("dynamic caching", caching)


def _torch() -> Iterator[Fact]:
    if not importlib.util.find_spec("torch"):
        yield Fact("PyTorch", "not installed", "absent")
        return
    torch: Any = importlib.import_module("torch")
    if torch.backends.mps.is_available():
        where = ", with MPS"
    else:
        where = ", with CUDA" if torch.cuda.is_available() else ", CPU only"
    yield Fact("PyTorch", f"{torch.__version__}{where}")


def _triton() -> Iterator[Fact]:
    if importlib.util.find_spec("triton"):
        version = importlib.metadata.version("triton")
        is_known = importlib.util.find_spec("triton.knobs") is not None
        if is_known:
            yield Fact("Triton", version)
        else:
            yield Fact("Triton", f"{version}, too old", "missing", 'pip install "triton>=3.4"')
    elif sys.platform == "linux":
        yield Fact("Triton", "not installed", "missing", 'pip install "trimetal[triton]"')
    else:
        yield Fact("Triton", "has no wheels for this system: `trimetal build` elsewhere", "absent")


def _compiler() -> Iterator[Fact]:
    from trimetal.runtime.cpu.compiler import find_compiler

    try:
        compiler = find_compiler()
    except TrimetalError:
        yield Fact("C++ compiler", "none", "missing", 'pip install "trimetal[cpu]"')
        return
    version = next((line for line in compiler.identity.splitlines()[1:] if line.strip()), "")
    command = " ".join(Path(part).name if "/" in part else part for part in compiler.command)
    yield Fact("C++ compiler", f"{command}: {version}")


def _libclang() -> Iterator[Fact]:
    from trimetal.runtime.check.front import library_version

    try:
        yield Fact("libclang", library_version())
    except TrimetalError as error:
        yield Fact("libclang", error.message, "missing", 'pip install "trimetal[check]"')


def _packages() -> Iterator[Fact]:
    for name in ("numpy", "lark", "jinja2"):
        yield Fact(name, importlib.metadata.version(name))
    if importlib.util.find_spec("ml_dtypes"):
        yield Fact("ml_dtypes", importlib.metadata.version("ml_dtypes"))
    else:
        advice = 'pip install "trimetal[cpu]"'
        yield Fact("ml_dtypes", "not installed: NumPy has no bfloat16", "missing", advice)


def _cuda() -> Iterator[Fact]:
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        yield Fact("CUDA", "no NVIDIA driver", "absent")
        return
    count, version = ctypes.c_int(), ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        yield Fact("CUDA", "a driver without a device", "absent")
        return
    name = ctypes.create_string_buffer(256)
    driver.cuDeviceGetName(name, len(name), 0)
    driver.cuDriverGetVersion(ctypes.byref(version))
    major, minor = divmod(version.value // 10, 100)
    more = f" and {count.value - 1} more" if count.value > 1 else ""
    yield Fact("CUDA", f"{name.value.decode()}{more}, driver for CUDA {major}.{minor}")


def _cache() -> Iterator[Fact]:
    from trimetal.runtime.cache import cached_file
    from trimetal.runtime.eviction import kept_files

    shown = str(cache_directory()).replace(str(Path.home()), "~", 1)
    try:
        cached_file("doctor", content_key(trimetal.__version__), ".txt", Path.touch)
    except TrimetalError as error:
        yield Fact("cache", error.message, "missing", "TRIMETAL_CACHE_DIR names another folder")
        return
    size = sum(file.bytes for file in kept_files())
    yield Fact("cache", f"{shown}, {size / (1 << 20):.1f} MiB")


def _devices() -> Iterator[Fact]:
    from trimetal import runtime

    yield Fact("devices that run shaders", ", ".join(runtime.devices()))


_LOOKS = (
    _machine, _python, _mlx, _torch, _triton, _compiler, _libclang, _packages, _cuda, _cache,
    _devices,
)  # fmt: skip
