"""What the tests of memory ops share: types as text, numpy's dtypes, numbers."""

from __future__ import annotations

from typing import Any, TypeAlias

import ml_dtypes
import numpy as np

from tests.lower.support import blocked, module, pointers, poison, run, tile

__all__ = [
    "LINE",
    "NUMPY",
    "WIDE",
    "Array",
    "blocked",
    "line_of",
    "module",
    "numbers",
    "pointers",
    "poison",
    "run",
    "tensor",
    "tile",
    "zeros",
]

# numpy's stubs say too little of an array whose type is found at run time.
Array: TypeAlias = Any

NUMPY: dict[str, Any] = {
    "i8": np.dtype("int8"),
    "i16": np.dtype("int16"),
    "i32": np.dtype("int32"),
    "i64": np.dtype("int64"),
    "f16": np.dtype("float16"),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype("float32"),
}
LINE = blocked([1], [32], [4])
WIDE = blocked([4], [32], [4])


def tensor(shape: int | tuple[int, ...], element: str, layout: str) -> str:
    """The text of a tensor type."""
    sizes = (shape,) if isinstance(shape, int) else shape
    return f"tensor<{'x'.join(map(str, sizes))}x{element}, {layout}>"


def line_of(name: str, argument: str, size: int, dtype: str, layout: str) -> str:
    """Ops that give `%{name}_p`: pointers to the first `size` elements behind an argument."""
    i32 = tensor(size, "i32", layout)
    ptr = tensor(size, f"!tt.ptr<{dtype}>", layout)
    return f"""
    %{name}_range = tt.make_range {{end = {size} : i32, start = 0 : i32}} : {i32}
    %{name}_s = tt.splat {argument} : !tt.ptr<{dtype}> -> {ptr}
    %{name}_p = tt.addptr %{name}_s, %{name}_range : {ptr}, {i32}"""


def numbers(dtype: str, size: int, seed: int) -> Array:
    """Numbers that every sum of two keeps exactly."""
    random = np.random.default_rng(seed)
    return random.integers(-60, 60, size).astype(NUMPY[dtype])


def zeros(shape: int | tuple[int, ...], dtype: str) -> Array:
    """An array of zeros."""
    return np.zeros(shape, NUMPY[dtype])
