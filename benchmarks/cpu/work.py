"""What is measured: kernels that the benchmarks share, on arrays of a fixed size."""
# torch and Triton have no types that a strict checker understands.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.kernels import KERNELS, Kernel


@dataclass(frozen=True)
class Work:
    """A kernel, its arguments in order, and PyTorch's own way to the same result.

    `outputs` are what the kernel writes; `eager` gives the same, within `tolerance` (relative, and
    absolute below 1).
    """

    name: str
    kernel: Kernel
    grid: tuple[int, ...]
    arguments: tuple[Any, ...]
    outputs: tuple[torch.Tensor, ...]
    eager: Callable[[], torch.Tensor]
    tolerance: float


def all_work(quick: bool) -> list[Work]:
    """The five kernels; smaller arrays if it is to be quick."""
    kernels = {kernel.name.split()[0]: kernel for kernel in KERNELS}
    half = 2 if quick else 1
    torch.manual_seed(0)
    makers = {
        "vector": _vector_add,
        "softmax": _softmax,
        "layer": _layer_norm,
        "matmul": _matmul,
        "flash": _attention,
    }
    return [make(kernels[name], half) for name, make in makers.items()]


def _vector_add(kernel: Kernel, part: int) -> Work:
    n = 2**20 // part
    x, y, out = torch.randn(n), torch.randn(n), torch.empty(n)
    arguments = (x, y, out, n)
    grid = (n // kernel.constants["BLOCK"],)
    return Work(f"vector add {n}", kernel, grid, arguments, (out,), lambda: x + y, 0)


def _softmax(kernel: Kernel, part: int) -> Work:
    rows, columns = 1024 // part, 1024
    x, out = torch.randn(rows, columns), torch.empty(rows, columns)
    arguments = (out, x, columns, columns, columns)
    name = f"softmax {rows}x{columns}"
    return Work(name, kernel, (rows,), arguments, (out,), lambda: torch.softmax(x, -1), 1e-6)


def _layer_norm(kernel: Kernel, part: int) -> Work:
    rows, columns = 1024 // part, 1024
    x, out = (torch.randn(rows, columns).half() for _ in range(2))
    weight, bias = torch.randn(columns).half(), torch.randn(columns).half()
    mean, rstd = torch.empty(rows), torch.empty(rows)
    arguments = (x, out, weight, bias, mean, rstd, columns, columns, 1e-5)
    return Work(
        f"layer norm {rows}x{columns} fp16",
        kernel,
        (rows,),
        arguments,
        (out,),
        lambda: torch.nn.functional.layer_norm(x, (columns,), weight, bias, 1e-5),
        1e-2,
    )


def _matmul(kernel: Kernel, part: int) -> Work:
    n = 512 // part
    a, b, c = (torch.randn(n, n).half() for _ in range(3))
    tiles = -(-n // kernel.constants["BLOCK_M"]) * -(-n // kernel.constants["BLOCK_N"])
    return Work(
        f"matmul {n}x{n}x{n} fp16",
        kernel,
        (tiles,),
        (a, b, c, n, n, n, n, n, n),
        (c,),
        lambda: a @ b,
        2e-2,
    )


def _attention(kernel: Kernel, part: int) -> Work:
    heads, length, depth = 2, 512 // part, 64
    q, k, v, out = (torch.randn(heads, length, depth).half() for _ in range(4))
    sums, scale = torch.empty(heads, length), 0.125
    attend = torch.nn.functional.scaled_dot_product_attention
    return Work(
        f"flash attention {heads}x{length}x{depth} fp16",
        kernel,
        (length // kernel.constants["BLOCK_M"], heads),
        (q, k, v, scale, sums, out, length),
        (out,),
        lambda: attend(q, k, v, is_causal=True, scale=scale),
        1e-2,
    )
