"""Launches through PyTorch: the shader's own text, on tensors of the device "mps", in place.

`torch.mps.compile_shader` binds tensors without copying them. It has never run on a Mac for this
project: tests use a stand-in with the interface that PyTorch documents.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trimetal.runtime.arguments import (
    check_alignment,
    check_dtype,
    check_layout,
    check_size,
    pack_members,
    signed,
)
from trimetal.runtime.arrays import Empty, is_torch
from trimetal.runtime.debugging import new_buffer, show
from trimetal.transpiler.errors import CompileError, LaunchError
from trimetal.transpiler.shader import Argument, Shader

Scalar = Callable[[object], int | float] | None

_CASTS = {
    "i1": "uint8",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "f16": "fp16",
    "bf16": "bf16",
}


class MpsProgram:
    """A shader for PyTorch, compiled at the first launch."""

    def __init__(self, shader: Shader) -> None:
        self._shader = shader
        self._function: Any = None

    def launch(
        self, groups: tuple[int, int, int], values: Sequence[Any], scalars: Sequence[Scalar]
    ) -> None:
        """Runs the kernel on the tensors; nothing runs where one argument does not fit."""
        shader = self._shader
        given = [
            _tensor(argument, value) if scalar is None else scalar(value)
            for argument, value, scalar in zip(shader.arguments, values, scalars, strict=False)
        ]
        torch: Any = importlib.import_module("torch")
        records: Any = None
        if shader.debug:
            words: Any = new_buffer()
            records = torch.from_numpy(words.view(np.int32)).to("mps")
            given.append(records)
        bound, casts = _slots(shader, given)
        threads = shader.threads_per_threadgroup
        self._compiled(torch)(
            *bound,
            threads=[groups[0] * threads, groups[1], groups[2]],
            group_size=[threads, 1, 1],
            arg_casts=casts or None,
        )
        if records is not None:
            show(records.cpu().numpy().view(np.uint32), shader.debug)

    def results(
        self, groups: tuple[int, int, int], values: Sequence[Any], scalars: Sequence[Scalar]
    ) -> tuple[Any, ...]:
        """What the kernel writes, as new tensors."""
        torch: Any = importlib.import_module("torch")
        clones: dict[int, Any] = {}
        arguments = [a for a in self._shader.arguments if a.kind != "debug"]
        for argument, value in zip(arguments, values, strict=True):
            if argument.written and isinstance(value, Empty):
                dtype = getattr(torch, value.dtype)
                clones[id(value)] = torch.empty(value.shape, dtype=dtype, device="mps")
            elif argument.written:
                clones[id(value)] = _tensor(argument, value).clone()
        given = [clones.get(id(value), value) for value in values]
        self.launch(groups, given, scalars)
        pairs = zip(arguments, given, strict=True)
        return tuple(value for argument, value in pairs if argument.written)

    def _compiled(self, torch: Any) -> Any:
        if self._function is None:
            text = f"#pragma METAL fp contract(off)\n{self._shader.source}"
            try:
                library = torch.mps.compile_shader(text)
            except SyntaxError as error:
                raise CompileError(f"Metal's compiler refused the shader: {error}") from error
            self._function = getattr(library, self._shader.name)
        return self._function


def _tensor(argument: Argument, value: Any) -> Any:
    """The tensor itself, checked."""
    if not is_torch(value) or value.device.type != "mps":
        found = f"one on {value.device}" if is_torch(value) else type(value).__name__
        raise LaunchError(f"{argument.name}: a tensor on mps is expected, found {found}")
    check_dtype(argument, str(value.dtype).removeprefix("torch."))
    check_size(argument, value.numel())
    check_layout(argument, value.is_contiguous(), True)
    # Buffers are page-aligned; a view begins further on.
    check_alignment(argument, value.storage_offset() * value.element_size())
    return value


def _slots(shader: Shader, values: Sequence[Any]) -> tuple[list[Any], dict[int, str]]:
    """What is bound to each slot, and how PyTorch shall pass the numbers among them."""
    by_slot: dict[int, list[tuple[Argument, Any]]] = {}
    for argument, value in zip(shader.arguments, values, strict=True):
        by_slot.setdefault(argument.index, []).append((argument, value))
    bound: list[Any] = []
    casts: dict[int, str] = {}
    for index in range(len(by_slot)):
        (argument, value), *others = by_slot[index]
        if others:
            bound.append(_words(by_slot[index]))
            casts[index] = "int32"
        else:
            bound.append(_number(argument, value) if argument.kind == "scalar" else value)
            if argument.kind == "scalar" and argument.dtype in _CASTS:
                casts[index] = _CASTS[argument.dtype]
    return bound, casts


def _number(argument: Argument, bits: int | float) -> int | float:
    """A number as Python has it, of the bits of an integer or a bfloat."""
    if argument.dtype in ("f32", "f16"):
        return bits
    if argument.dtype == "bf16":
        return struct.unpack("<f", struct.pack("<I", int(bits) << 16))[0]
    return signed(argument, int(bits))


def _words(members: Sequence[tuple[Argument, Any]]) -> list[int]:
    """The members of a struct as 32-bit words."""
    memory = pack_members(members)
    return list(struct.unpack(f"<{len(memory) // 4}i", memory))
