"""Kernels around one op: tensors of any rank and layout are loaded, worked on, and stored."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimetal.transpiler.ir.encodings import BlockedEncoding
from trimetal.transpiler.lower.distribution import basis_of, code_of

from ..lower.support import Array, module

Basis = tuple[int, ...]

NUMPY = {
    "i1": "int8",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "f16": "float16",
    "f32": "float32",
}


@dataclass(frozen=True)
class Layout:
    """A linear layout on a shape, by its bases."""

    shape: tuple[int, ...]
    registers: tuple[Basis, ...]
    lanes: tuple[Basis, ...]
    warps: tuple[Basis, ...]

    def __str__(self) -> str:
        register, lane, warp = (
            [list(basis) for basis in bases] for bases in (self.registers, self.lanes, self.warps)
        )
        return f"#ttg.linear<{{register = {register}, lane = {lane}, warp = {warp}, block = []}}>"

    def mapped(self, shape: tuple[int, ...]) -> Layout:
        """The same distribution of the elements, row-major, of another shape."""

        def move(bases: Sequence[Basis]) -> tuple[Basis, ...]:
            return tuple(basis_of(code_of(basis, self.shape), shape) for basis in bases)

        return Layout(shape, move(self.registers), move(self.lanes), move(self.warps))

    @property
    def flat(self) -> Layout:
        """The layout of the elements in a row."""
        return self.mapped((int(np.prod(self.shape)),))


def linear_layout(
    shape: tuple[int, ...], source: random.Random, warps: int = 4, lanes: int = 32
) -> Layout:
    """Every bit of the coordinates somewhere, the rest copies."""
    codes = [1 << bit for bit in range(int(np.prod(shape)).bit_length() - 1)]
    source.shuffle(codes)
    thread_bits = (warps * lanes).bit_length() - 1
    most = min(thread_bits, len(codes))
    on_threads = source.choice((most, most, source.randint(0, most)))
    threads = codes[:on_threads] + [0] * (thread_bits - on_threads)
    source.shuffle(threads)
    bases = [basis_of(code, shape) for code in threads]
    split = lanes.bit_length() - 1
    registers = tuple(basis_of(code, shape) for code in codes[on_threads:])
    return Layout(shape, registers, tuple(bases[:split]), tuple(bases[split:]))


def mixed_layout(shape: tuple[int, ...], source: random.Random, warps: int = 4) -> Layout:
    """A linear layout whose bases toggle several dimensions at once."""
    plain = linear_layout(shape, source, warps)
    bases = [*plain.registers, *plain.lanes, *plain.warps]
    held = [index for index, basis in enumerate(bases) if any(basis)]
    for _ in range(3 if len(held) > 1 else 0):
        a, b = source.sample(held, 2)
        bases[a] = tuple(x ^ y for x, y in zip(bases[a], bases[b], strict=True))
    first, second = len(plain.registers), len(plain.registers) + len(plain.lanes)
    return Layout(shape, tuple(bases[:first]), tuple(bases[first:second]), tuple(bases[second:]))


def blocked_layout(
    shape: tuple[int, ...],
    size: Sequence[int],
    threads: Sequence[int],
    warps: Sequence[int],
    order: Sequence[int] | None = None,
) -> Layout:
    """What a blocked layout of Triton's is on a shape."""
    order = tuple(order or range(len(shape))[::-1])
    encoding = BlockedEncoding(tuple(size), tuple(threads), tuple(warps), order)
    bases = encoding.to_linear(shape)
    registers = tuple(basis for basis in bases.register if any(basis))
    return Layout(shape, registers, tuple(bases.lane), tuple(bases.warp))


def tensor(layout: Layout, dtype: str) -> str:
    """The type of a tensor."""
    return f"tensor<{'x'.join(map(str, layout.shape))}x{dtype}, {layout}>"


def access(name: str, argument: str, layout: Layout, dtype: str) -> str:
    """Ops that give `%{name}_p`: pointers to the elements, row-major from an argument on."""
    flat = layout.flat
    pointers = tensor(flat, f"!tt.ptr<{dtype}>")
    p = f"%{name}"
    size = flat.shape[0]
    return f"""
    {p}_at = tt.make_range {{end = {size} : i32, start = 0 : i32}} : {tensor(flat, "i32")}
    {p}_s = tt.splat {argument} : !tt.ptr<{dtype}> -> {pointers}
    {p}_f = tt.addptr {p}_s, {p}_at : {pointers}, {tensor(flat, "i32")}
    {p}_p = tt.reshape {p}_f : {pointers} -> {tensor(layout, f"!tt.ptr<{dtype}>")}"""


def kernel(
    inputs: Sequence[tuple[Layout, str]],
    body: str,
    outputs: Sequence[tuple[str, Layout, str]],
    warps: int = 4,
    lanes: int = 32,
    functions: str = "",
) -> str:
    """`%x0`, `%x1`, ... are loaded (i1: bytes that are not 0); the named values are stored."""
    memory = [f"%in{i}: !tt.ptr<{_stored(d)}>" for i, (_, d) in enumerate(inputs)]
    memory += [f"%out{i}: !tt.ptr<{_stored(d)}>" for i, (_, _, d) in enumerate(outputs)]
    lines: list[str] = []
    for i, (layout, dtype) in enumerate(inputs):
        lines.append(access(f"x{i}", f"%in{i}", layout, _stored(dtype)))
        loaded = f"%x{i}_b" if dtype == "i1" else f"%x{i}"
        lines.append(f"{loaded} = tt.load %x{i}_p : {tensor(layout, f'!tt.ptr<{_stored(dtype)}>')}")
        if dtype == "i1":
            zero, type_ = f"%x{i}_z", tensor(layout, "i8")
            lines.append(f"{zero} = arith.constant dense<0> : {type_}")
            lines.append(f"%x{i} = arith.cmpi ne, {loaded}, {zero} : {type_}")
    lines.append(body)
    for i, (name, layout, dtype) in enumerate(outputs):
        lines.append(access(f"y{i}", f"%out{i}", layout, _stored(dtype)))
        value = name
        if dtype == "i1":
            value = f"%y{i}_b"
            types = f"{tensor(layout, 'i1')} to {tensor(layout, 'i8')}"
            lines.append(f"{value} = arith.extui {name} : {types}")
        pointers = tensor(layout, f"!tt.ptr<{_stored(dtype)}>")
        lines.append(f"tt.store %y{i}_p, {value} : {pointers}")
    text = "\n    ".join(lines)
    return module(
        f"""
  tt.func public @kernel({", ".join(memory)}) {{
    {text}
    tt.return
  }}
{functions}""",
        warps,
        lanes,
    )


def _stored(dtype: str) -> str:
    return "i8" if dtype == "i1" else dtype


def numbers(shape: tuple[int, ...], dtype: str, low: int = -50, high: int = 50) -> Array:
    """Fresh random numbers (small, so that sums are exact in every type that is tested)."""
    if dtype == "i1":
        low, high = 0, 2
    return np.random.default_rng().integers(low, high, shape).astype(NUMPY[dtype])
