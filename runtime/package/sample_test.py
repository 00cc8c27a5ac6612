"""Runs the kernel on this machine's GPU, and compares with what it gave when it was built.

The samples were computed by Trimetal's CPU device. Run it with pytest, or as a module with
`python -m`. Integers must be the same; floats may differ by what the functions of two devices do.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import json
import math
import struct
import unittest
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .launcher import Kernel

FOLDER = Path(__file__).parent
# Relative to the largest element.
TOLERANCES = {"float32": 2.0**-17, "float16": 2.0**-8, "bfloat16": 2.0**-5}


class Mlx:
    """Arrays of MLX from bytes, and back."""

    def __init__(self, core: Any) -> None:
        self._core = core

    def put(self, data: bytes, dtype: str) -> Any:
        """An array of a type, with one dimension."""
        core = self._core
        return core.array(list(data), core.uint8).view(
            getattr(core, "bool_" if dtype == "bool" else dtype)
        )

    def get(self, array: Any) -> bytes:
        """The contents of an array."""
        return bytes(memoryview(self._core.contiguous(array.view(self._core.uint8))))


class Mps:
    """Tensors of PyTorch on "mps" from bytes, and back."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def put(self, data: bytes, dtype: str) -> Any:
        """A tensor of a type, with one dimension."""
        flat = self._torch.frombuffer(bytearray(data), dtype=self._torch.uint8)
        return flat.view(getattr(self._torch, dtype)).to("mps")

    def get(self, tensor: Any) -> bytes:
        """The contents of a tensor."""
        return bytes(tensor.cpu().view(self._torch.uint8).tolist())


def library() -> Mlx | Mps:
    """What launches kernels here."""
    if importlib.util.find_spec("mlx") is not None:
        core: Any = importlib.import_module("mlx.core")
        if core.metal.is_available():
            return Mlx(core)
    if importlib.util.find_spec("torch") is not None:
        torch: Any = importlib.import_module("torch")
        if torch.backends.mps.is_available():
            return Mps(torch)
    raise unittest.SkipTest("neither MLX nor PyTorch finds an Apple GPU here")


def test_the_kernel_gives_what_it_gave_when_it_was_built() -> None:
    """Every sample, on this machine's GPU."""
    samples = json.loads((FOLDER / "samples.json").read_text("utf-8"))
    if not samples:
        raise unittest.SkipTest("no sample was made when the package was built")
    kernel, arrays = Kernel(FOLDER), library()
    for sample in samples:
        values = {
            name: arrays.put(_bytes(each["data"]), each["dtype"])
            for name, each in sample["arrays"].items()
        }
        kernel.launch(sample["grid"], {**sample["numbers"], **values}, None)
        for name, each in sample["arrays"].items():
            found, wanted = arrays.get(values[name]), _bytes(each["expected"])
            problem = difference(found, wanted, each["dtype"])
            assert not problem, f"{sample['shader']}: {name}: {problem}"


def difference(found: bytes, wanted: bytes, dtype: str) -> str:
    """What is wrong with an array's contents, or ""."""
    if dtype not in TOLERANCES:
        return "" if found == wanted else "the integers differ"
    ours, theirs = _floats(found, dtype), _floats(wanted, dtype)
    largest = max((abs(each) for each in theirs if math.isfinite(each)), default=0.0)
    for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        is_same = a == b or (math.isnan(a) and math.isnan(b))
        if not is_same and not abs(a - b) <= TOLERANCES[dtype] * largest:
            return f"element {index} is {a}, and {b} is expected"
    return ""


def _floats(data: bytes, dtype: str) -> Sequence[float]:
    if dtype == "bfloat16":  # the upper halves of single precision
        data = b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2))
    size, code = (2, "e") if dtype == "float16" else (4, "f")
    return struct.unpack(f"<{len(data) // size}{code}", data)


def _bytes(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def _main() -> None:
    try:
        test_the_kernel_gives_what_it_gave_when_it_was_built()
    except unittest.SkipTest as reason:
        print(f"not tested: {reason}")
    else:
        print("right")


if __name__ == "__main__":
    _main()
