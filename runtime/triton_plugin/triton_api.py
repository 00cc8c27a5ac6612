"""The part of Triton that the plugin is built on, with the types that Triton does not declare.

Triton imports the plugin while it is itself half imported: what it has not loaded by then is
loaded where it is used (`late`).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:

    @dataclass(frozen=True)
    class GPUTarget:
        """What Triton compiles for."""

        backend: str
        arch: int | str
        warp_size: int

    class BaseBackend:
        """The compiler half of a backend."""

        target: GPUTarget

        def __init__(self, target: GPUTarget) -> None: ...

    class DriverBase:
        """The driver half of a backend."""

else:
    from triton.backends.compiler import BaseBackend, GPUTarget
    from triton.backends.driver import DriverBase

__all__ = [
    "BaseBackend",
    "DriverBase",
    "GPUTarget",
    "Metadata",
    "Source",
    "ir",
    "knobs",
    "late",
    "passes",
    "version",
]

_libtriton = importlib.import_module("triton._C.libtriton")
# MLIR's bindings: modules, contexts, pass managers, and the passes by dialect.
ir: Any = _libtriton.ir
passes: Any = _libtriton.passes
# Triton's settings.
knobs: Any = importlib.import_module("triton.knobs")

# What a kernel's stages note beside the code: it becomes `kernel.metadata`.
Metadata = dict[str, object]


class Source(Protocol):
    """What a kernel is compiled from: a jit function, or a file of IR (with numbers for names)."""

    # The type of each parameter: "*fp32", "i32", "constexpr", "tensordesc<...>", or a tuple.
    signature: dict[str | int, Any]


def version() -> tuple[int, int]:
    """Triton's version."""
    major, minor = str(late("").__version__).split(".")[:2]
    return int(major), int(minor)


def late(module: str) -> ModuleType:
    """A module of Triton's that is not loaded yet when Triton loads the plugin."""
    return importlib.import_module(f"triton.{module}".rstrip("."))
