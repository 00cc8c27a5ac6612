"""Runs TTGIR texts through the whole product: transpile, strict check, CPU device."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import trimetal
from tests.device import compiled

Array: TypeAlias = NDArray[Any]

HEADER = (
    'module attributes {{"ttg.num-warps" = {warps} : i32, '
    '"ttg.threads-per-warp" = {lanes} : i32}} {{'
)


def run(
    text: str, grid: tuple[int, ...], *arguments: object, target: str = "m3"
) -> trimetal.Shader:
    """Transpile, check and run; under two schedules, with every guard of the CPU device on."""
    shader = trimetal.transpile(text, target=target, verify=True)
    findings = trimetal.check(shader.source)
    assert not findings, "\n".join(map(str, findings)) + "\n" + shader.source
    kernel = compiled(shader)
    kernel(grid, *arguments)
    return shader


def poison(shape: tuple[int, ...] | int, dtype: str) -> Array:
    """An array whose every byte is 0xAB: what a kernel does not write shows."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.ndarray(shape, np.dtype(dtype), bytearray(b"\xab" * size))


def module(body: str, warps: int = 4, lanes: int = 32) -> str:
    """A module around functions."""
    return f"{HEADER.format(warps=warps, lanes=lanes)}\n{body}\n}}\n"


def blocked(
    size: list[int], threads: list[int], warps: list[int], order: list[int] | None = None
) -> str:
    """The text of a blocked layout."""
    order = order or list(range(len(size)))[::-1]
    return (
        f"#ttg.blocked<{{sizePerThread = {size}, threadsPerWarp = {threads}, "
        f"warpsPerCTA = {warps}, order = {order}}}>"
    )


def tile(shape: tuple[int, int], layout: str, prefix: str) -> str:
    """Ops that give `%{prefix}_offsets`: the row-major number of each element, in a layout."""
    rows, cols = shape
    row = f"tensor<{rows}xi32, #ttg.slice<{{dim = 1, parent = {layout}}}>>"
    col = f"tensor<{cols}xi32, #ttg.slice<{{dim = 0, parent = {layout}}}>>"
    full = f"tensor<{rows}x{cols}xi32, {layout}>"
    p = f"%{prefix}"
    return f"""
    {p}_r = tt.make_range {{end = {rows} : i32, start = 0 : i32}} : {row}
    {p}_c = tt.make_range {{end = {cols} : i32, start = 0 : i32}} : {col}
    {p}_r2 = tt.expand_dims {p}_r {{axis = 1 : i32}} : {row} -> tensor<{rows}x1xi32, {layout}>
    {p}_c2 = tt.expand_dims {p}_c {{axis = 0 : i32}} : {col} -> tensor<1x{cols}xi32, {layout}>
    {p}_w = arith.constant dense<{cols}> : tensor<{rows}x1xi32, {layout}>
    {p}_m = arith.muli {p}_r2, {p}_w : tensor<{rows}x1xi32, {layout}>
    {p}_rb = tt.broadcast {p}_m : tensor<{rows}x1xi32, {layout}> -> {full}
    {p}_cb = tt.broadcast {p}_c2 : tensor<1x{cols}xi32, {layout}> -> {full}
    {p}_offsets = arith.addi {p}_rb, {p}_cb : {full}"""


def pointers(argument: str, offsets: str, shape: tuple[int, ...], dtype: str, layout: str) -> str:
    """Ops that give `{offsets}_p`: a tensor of pointers at offsets from an argument."""
    dims = "x".join(map(str, shape))
    ptr = f"tensor<{dims}x!tt.ptr<{dtype}>, {layout}>"
    return f"""
    {offsets}_s = tt.splat {argument} : !tt.ptr<{dtype}> -> {ptr}
    {offsets}_p = tt.addptr {offsets}_s, {offsets} : {ptr}, tensor<{dims}xi32, {layout}>"""
