"""Runs transpiled shaders: `compile(shader)` gives a callable kernel.

Every name is loaded when it is first used: Triton imports the plugin in here on every start.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .arguments import Address
    from .arrays import Empty
    from .kernel import Kernel, compile, devices
    from .metal.library import target
    from .profile import Profile, Traffic
    from .shaders import cached_shader

__all__ = [
    "Address",
    "Empty",
    "Kernel",
    "Profile",
    "Traffic",
    "cached_shader",
    "compile",
    "devices",
    "target",
]

_MODULE_OF_NAME = {
    "Address": "arguments",
    "Empty": "arrays",
    "Kernel": "kernel",
    "Profile": "profile",
    "Traffic": "profile",
    "cached_shader": "shaders",
    "compile": "kernel",
    "devices": "kernel",
    "target": "metal.library",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULE_OF_NAME[name]}")
    value: object = getattr(module, name)
    globals()[name] = value
    return value
