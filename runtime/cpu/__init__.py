"""The CPU device: compiles MSL with the machine's own C++ compiler and runs it."""

from __future__ import annotations

from .device import CpuProgram

__all__ = ["CpuProgram"]
