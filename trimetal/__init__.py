"""Trimetal: Triton's TTGIR text in, readable Metal Shading Language out, executed anywhere.

    import trimetal

    shader = trimetal.transpile(text_or_path, target="m3")
    print(shader)
    kernel = trimetal.runtime.compile(shader)
    kernel((rows,), x, out, n)

Every name is loaded when it is first used: importing Trimetal costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import runtime
    from .runtime.check import check
    from .runtime.triton_plugin.frontend import transpile_jit
    from .transpiler import transpile
    from .transpiler.errors import (
        AssertionFailed,
        CacheError,
        CheckError,
        CompileError,
        LaunchError,
        OutOfResourcesError,
        ParseError,
        TrimetalError,
        UnsupportedError,
        VerifyError,
    )
    from .transpiler.ir.core import Module
    from .transpiler.parser import parse
    from .transpiler.shader import Argument, Shader
    from .transpiler.target import Target, get_target

__version__ = "0.1.0"

__all__ = [
    "Argument",
    "AssertionFailed",
    "CacheError",
    "CheckError",
    "CompileError",
    "LaunchError",
    "Module",
    "OutOfResourcesError",
    "ParseError",
    "Shader",
    "Target",
    "TrimetalError",
    "UnsupportedError",
    "VerifyError",
    "__version__",
    "check",
    "get_target",
    "parse",
    "runtime",
    "transpile",
    "transpile_jit",
]

_ERRORS = "trimetal.transpiler.errors"
_MODULE_OF_NAME = {
    "Argument": "trimetal.transpiler.shader",
    "AssertionFailed": _ERRORS,
    "CacheError": _ERRORS,
    "CheckError": _ERRORS,
    "CompileError": _ERRORS,
    "LaunchError": _ERRORS,
    "Module": "trimetal.transpiler.ir.core",
    "OutOfResourcesError": _ERRORS,
    "ParseError": _ERRORS,
    "Shader": "trimetal.transpiler.shader",
    "Target": "trimetal.transpiler.target",
    "TrimetalError": _ERRORS,
    "UnsupportedError": _ERRORS,
    "VerifyError": _ERRORS,
    "check": "trimetal.runtime.check",
    "get_target": "trimetal.transpiler.target",
    "parse": "trimetal.transpiler.parser",
    "transpile": "trimetal.transpiler",
    "transpile_jit": "trimetal.runtime.triton_plugin.frontend",
}


def __getattr__(name: str) -> object:
    if name == "runtime":
        return importlib.import_module("trimetal.runtime")
    if name not in _MODULE_OF_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF_NAME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
