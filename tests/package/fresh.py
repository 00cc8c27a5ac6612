"""A Python without Trimetal and Triton: MLX's Metal device is in another process.

    python fresh.py ADDRESS MODULE      runs a module as `python -m` does

MLX is the only library here. `mx.fast.metal_kernel` sends the text that MLX would compile, and the
arrays, to a `MetalServer` (server.py), and gets back what the kernel wrote.
"""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

import ctypes
import importlib.util
import runpy
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import mlx.core as mx

sys.path.insert(0, str(Path(__file__).parent.parent / "metal"))
text_of: Callable[..., str] = importlib.import_module("mlx_text").text_of


class RemoteMetal:
    """Calls like `mx.fast.metal_kernel`, over a connection."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._make: Any = mx.fast.metal_kernel
        self._made: dict[int, Any] = {}

    def metal_kernel(self, *args: Any, **options: Any) -> Callable[..., list[Any]]:
        """A kernel that runs in the other process."""
        kernel = self._make(*args, **options)

        def call(*, inputs: Sequence[Any], grid: Any, threadgroup: Any, **rest: Any) -> list[Any]:

            def trace(*traced: Any) -> Any:
                shape = {"grid": grid, "threadgroup": threadgroup}
                return kernel(inputs=list(traced), verbose=True, **shape, **rest)

            text = text_of(trace, inputs)
            own = [id(array) in self._made for array in inputs]
            arrays = [a if o else mx.contiguous(a) for a, o in zip(inputs, own, strict=True)]
            mx.eval(arrays)
            shapes = [tuple(shape) for shape in rest["output_shapes"]]
            dtypes = [_name(dtype) for dtype in rest["output_dtypes"]]
            sent = [(bytes(_memory(a)), tuple(a.shape), _name(a.dtype)) for a in arrays]
            outputs = list(zip(shapes, dtypes, strict=True))
            self._connection.send((text, sent, own, outputs, grid, threadgroup))
            changed, results = self._connection.recv()
            for array, is_own, data in zip(arrays, own, changed, strict=True):
                if is_own:
                    memory = _memory(array)
                    memory[:] = data
            made = [array_of(*result) for result in results]
            self._made |= {id(array): array for array in made}
            return made

        return call


def array_of(data: bytes, shape: Sequence[int], dtype: str) -> Any:
    """An array of these bytes."""
    kind = getattr(mx, "bool_" if dtype == "bool" else dtype)
    array = mx.array(list(data), mx.uint8).view(kind).reshape(shape)
    mx.eval(array)
    return array


def _name(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2].removesuffix("_")


def _memory(array: Any) -> Any:
    if not array.size:
        return (ctypes.c_char * 0)()
    address = ctypes.addressof(ctypes.c_char.from_buffer(array))
    return memoryview((ctypes.c_char * array.nbytes).from_address(address)).cast("B")


def main(address: str, module: str) -> None:
    """Run the module on the remote device."""
    for name in ("trimetal", "triton", "numpy", "lark", "jinja2"):
        assert importlib.util.find_spec(name) is None, name
    with Client(address, "AF_UNIX") as connection:
        remote = RemoteMetal(connection)
        mx.fast.metal_kernel = remote.metal_kernel  # type: ignore[assignment]
        mx.metal.is_available = lambda: True
        runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
