"""Runs transpiled shaders: `compile(shader)` gives a callable kernel."""

from __future__ import annotations

from .kernel import Kernel, compile, devices

__all__ = ["Kernel", "compile", "devices"]
