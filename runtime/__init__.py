"""Runs transpiled shaders: `compile(shader)` gives a callable kernel."""

from __future__ import annotations

from .arguments import Address
from .kernel import Kernel, compile, devices

__all__ = ["Address", "Kernel", "compile", "devices"]
