"""Shaders from MSL texts, for the tests of the CPU device."""

# numpy's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from trimetal.transpiler.shader import Argument, Shader

KERNELS = Path(__file__).parent / "kernels"

Array: TypeAlias = Any


def arguments(text: str) -> tuple[Argument, ...]:
    """Arguments from "x: f32, out: f32!, n=i32": a buffer, a written buffer, a scalar.

    `/16` after a type is an assumption on divisibility.
    """
    found: list[Argument] = []
    for index, part in enumerate(text.split(",")):
        scalar = "=" in part
        name, dtype = part.strip().split("=" if scalar else ": ")
        written = dtype.endswith("!")
        dtype, _, divisibility = dtype.rstrip("!").partition("/")
        found.append(
            Argument(
                name,
                "scalar" if scalar else "buffer",
                dtype,
                index,
                int(divisibility or 1),
                written,
            )
        )
    return tuple(found)


def stored(name: str, signature: str, threads: int) -> Shader:
    """The kernel of kernels/`name`.metal."""
    text = (KERNELS / f"{name}.metal").read_text(encoding="utf-8")
    return Shader(text, name, arguments(signature), threads, 0, "m3")


def inline(body: str, *, threads: int = 64, head: str = "", extra: str = "") -> Shader:
    """A kernel `test` of out (f32), numbers (i32) and n (i32) with the given body.

    It has threadgroup arrays `shared` of 64 floats and `grid` of 4 x 8, and knows its
    `thread_index`, `lane` and `program`. The body begins on line 12 (after `head`'s lines).
    """
    text = f"""#include <metal_stdlib>
using namespace metal;
{head}
kernel void test(device float* out [[buffer(0)]],
                 device int* numbers [[buffer(1)]],
                 constant int& n [[buffer(2)]],
                 uint3 program [[threadgroup_position_in_grid]],
                 uint thread_index [[thread_index_in_threadgroup]],
                 uint lane [[thread_index_in_simdgroup]]) {{
    threadgroup float shared[64];
    threadgroup float grid[4][8];
{body}
}}
{extra}"""
    return Shader(text, "test", arguments("out: f32!, numbers: i32!, n=i32"), threads, 384, "m3")


def poison(shape: int | tuple[int, ...], dtype: object = np.float32) -> Array:
    """An array that no kernel computes by chance."""
    array = np.empty(shape, np.dtype(dtype))  # type: ignore[arg-type]
    array.view(np.uint8)[...] = 0xA5
    return array


def fresh() -> np.random.Generator:
    """Random numbers that differ from run to run."""
    return np.random.default_rng()
