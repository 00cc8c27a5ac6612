"""The text that MLX would compile, on a machine without Metal. Needs MLX alone."""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx


def text_of(function: Callable[..., Any], inputs: Sequence[Any]) -> str:
    """The text that MLX prints while it records a call."""
    # Printed by C++, past sys.stdout.
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as folder:
        printed = Path(folder) / "printed"
        kept = os.dup(1)
        handle = os.open(printed, os.O_CREAT | os.O_WRONLY)
        try:
            os.dup2(handle, 1)
            mx.export_function(str(Path(folder) / "function.mlxfn"), function, *inputs)
        finally:
            os.dup2(kept, 1)
            os.close(handle)
            os.close(kept)
        text = printed.read_text("ascii")
    _, start, rest = text.partition("```\n")
    assert start, text
    return rest.rpartition("\n```")[0]
