"""MLIR's gpu: the barrier of older dumps."""

from __future__ import annotations

from ..ir.core import Op


class Barrier(Op):
    """Waits for all threads of the program; memory operations before it are visible after it."""

    name = "gpu.barrier"
    results_defined = 0
    regions_held = 0
    format = "attr-dict"
