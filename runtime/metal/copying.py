"""Copies of MLX's arrays that MLX itself does not make.

MLX knows no output that has contents before a kernel runs, and it orders work by declared outputs
alone. So an array that a kernel writes in part is copied twice: into memory that nobody else sees,
where the kernel writes, and from there, once the kernel has run, into an array that MLX knows.

Both are kernels of ours. `mx.compile` would merge two copies of one array that MLX made into one,
and a kernel that writes to it would then write to both.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from trimetal.transpiler.emit.template import template
from trimetal.transpiler.errors import LaunchError

from .library import core

_THREADS = 256
_BLOCK = 4 * _THREADS
# MLX passes smaller inputs in constant memory, where no kernel can write.
_SMALL = 8
_WORDS = {1: "uchar", 2: "ushort", 4: "uint", 8: "ulong"}
_LIMIT = 2**31


def private_copy(array: Any, stream: Any = None) -> Any:
    """Memory with the contents of an array that is an input of one kernel only, and may be written.

    It is flat, and has 16 bytes or eight elements at least: wide accesses stay within it.
    """
    count = max(_SMALL, -(-array.nbytes // 16) * 16 // array.itemsize)
    return _copied(array, array.size, (count,), None, stream)


def copy_after(private: Any, has_run: Any, shape: tuple[int, ...], stream: Any = None) -> Any:
    """The contents that private memory has once the kernel that makes `has_run` has run."""
    size = 1
    for length in shape:
        size *= length
    return _copied(private, size, shape, has_run, stream)


def widened(array: Any, stream: Any = None) -> Any:
    """An array to read, with eight elements at least: MLX passes it in device memory."""
    if array.size >= _SMALL:
        return array
    flat = core().reshape(array, (-1,), stream=stream)
    return core().pad(flat, (0, _SMALL - array.size), stream=stream)


def _copied(array: Any, count: int, shape: tuple[int, ...], after: Any, stream: Any) -> Any:
    groups = -(-count // _BLOCK)
    if groups * _THREADS >= _LIMIT:
        raise LaunchError(f"an array of {count} elements is too large for MLX to copy")
    is_small = array.size < _SMALL
    kernel = copy_kernel(array.itemsize, is_small, after is not None)
    flat = core().reshape(array, (-1,), stream=stream)
    inputs = [flat, core().array(count, core().int64)]
    (copy,) = kernel(
        inputs=inputs if after is None else [*inputs, after],
        output_shapes=[shape],
        output_dtypes=[array.dtype],
        grid=(groups * _THREADS, 1, 1),
        threadgroup=(_THREADS, 1, 1),
        stream=stream,
    )
    return copy


@lru_cache
def copy_kernel(itemsize: int, is_small: bool, waits: bool) -> Any:
    """A kernel that copies words of a size; if it waits, it has another input, to run after it."""
    space = "constant" if is_small else "device"
    source = template("mlx/copy.metal.jinja").render(
        space=space, word=_WORDS[itemsize], block=_BLOCK, threads=_THREADS
    )
    names = ["array", "count", "after"] if waits else ["array", "count"]
    name = f"trimetal_copy_{space}_{_WORDS[itemsize]}"
    return core().fast.metal_kernel(
        name=name, input_names=names, output_names=["copy"], source=source
    )
