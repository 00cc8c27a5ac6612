"""Ahead of time: Python packages that launch a kernel with MLX or PyTorch, and nothing else.

`launcher.py` and `sample_test.py` are copied into every package as they are.
"""

from __future__ import annotations

from .build import Source, build

__all__ = ["Source", "build"]
