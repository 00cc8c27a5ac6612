"""Barriers that the kernel asks for."""

from __future__ import annotations

from ..dialects import gpu, metal, ttg
from ..ir.core import Op
from .context import Context
from .roots import lowers_scalar


@lowers_scalar(gpu.Barrier, ttg.Barrier)
def barrier(context: Context, op: Op) -> None:
    """All threads of the program wait, and see what the others wrote to any memory."""
    flags = metal.word_attribute("threadgroup|device")
    context.builder.insert(metal.Barrier((), (), {"flags": flags}))
