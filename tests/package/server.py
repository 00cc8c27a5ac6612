"""The other end of fresh.py: runs MLX's texts on the stand-in of a Metal device."""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

import threading
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

import mlx.core as mx

from ..metal.stand_in import poison, run


class MetalServer:
    """Answers one process. `texts` are the texts that ran."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "metal.socket")
        self.texts: list[str] = []
        self._listener = Listener(self.address, "AF_UNIX")
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        with self._listener, self._listener.accept() as connection:
            while True:
                try:
                    request = connection.recv()
                except EOFError:
                    return
                connection.send(self._run(*request))

    def _run(
        self, text: str, sent: Any, own: list[bool], wanted: Any, grid: Any, threadgroup: Any
    ) -> tuple[list[bytes], list[tuple[bytes, Any, str]]]:
        inputs = [_array(*each) for each in sent]
        outputs = [poison(shape, _dtype(dtype)) for shape, dtype in wanted]
        run(text, inputs, outputs, own, grid, threadgroup)
        self.texts.append(text)
        results = [(_bytes(o), *w) for o, w in zip(outputs, wanted, strict=True)]
        return [_bytes(each) for each in inputs], results


def _dtype(name: str) -> Any:
    return getattr(mx, "bool_" if name == "bool" else name)


def _array(data: bytes, shape: Any, dtype: str) -> Any:
    return mx.array(list(data), mx.uint8).view(_dtype(dtype)).reshape(shape)


def _bytes(array: Any) -> bytes:
    flat: Any = mx.contiguous(array.reshape(-1)).view(mx.uint8)
    return bytes(memoryview(flat))
