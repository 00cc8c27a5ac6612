"""A transpiled kernel: MSL text and all that a launcher must know about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .debug import DebugSite

ArgumentKind = Literal["buffer", "scalar", "debug"]


@dataclass(frozen=True)
class Argument:
    """One kernel argument, in the order of the Triton kernel's signature.

    `dtype` is MLIR's name of the element (buffer) or of the value (scalar): i1, i8, ..., f32, bf16,
    f8E5M2. `index` is its [[buffer(n)]] slot; where there are more arguments than slots, the
    scalars share one, as members of a struct, each at its `offset` in bytes. `divisibility` is what
    the compiler assumed: of a buffer's address in bytes, of an integer's value; 1 is no assumption.
    `written` says whether the kernel stores through it (or updates it atomically), `read` whether
    it may load from it (or does). `stores` is text of coverage.py: which elements it stores to.

    A Triton argument that is a tensor descriptor is several arguments here, all with its name in
    `descriptor`: the base (a buffer), a size (i32) for each dimension, a stride (i64, in elements)
    for each, and an i1 that says whether what is out of bounds reads as NaN (else as zero).

    Kernels with prints or assertions have a last argument of kind "debug": a buffer that nobody
    passes, but the launcher makes, and reads after the launch (see debug.py).
    """

    name: str
    kind: ArgumentKind
    dtype: str
    index: int
    divisibility: int = 1
    written: bool = False
    descriptor: str = ""
    offset: int = 0
    read: bool = True
    stores: str = ""


@dataclass(frozen=True)
class Shader:
    """MSL text of one kernel. `str(shader)` is the text.

    A launch runs a grid of programs, one threadgroup each, of `threads_per_threadgroup` threads in
    one dimension. `threadgroup_memory` is the static use in bytes.
    """

    source: str
    name: str
    arguments: tuple[Argument, ...]
    threads_per_threadgroup: int
    threadgroup_memory: int
    target: str
    # Facts about the text for `--report`: name -> value, in a fixed order (see report.py).
    report: Mapping[str, object] = field(default_factory=dict[str, object], compare=False)
    # The prints and assertions, in the order of their numbers (from 1).
    debug: tuple[DebugSite, ...] = ()

    def __str__(self) -> str:
        return self.source
