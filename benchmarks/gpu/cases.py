"""What is measured: kernels with their arguments, the bytes they must move, and what is right."""
# torch and Triton have no types that a strict checker understands.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks import kernels as shared

from . import kernels

_TYPES = {
    torch.float32: "fp32",
    torch.float16: "fp16",
    torch.bfloat16: "bf16",
    torch.int32: "i32",
    torch.int64: "i64",
}


@dataclass
class Work:
    """One kernel on one set of arguments.

    `outputs` are the tensors among `arguments` that the kernel writes, `expected` gives their right
    contents in float64 from the inputs, within `tolerance` (relative and absolute).
    `memory_bound` work is compared by its time; of other work only the results are looked at.
    """

    name: str
    function: Any
    grid: tuple[int, ...]
    arguments: dict[str, Any]
    constants: Mapping[str, int]
    outputs: Sequence[str]
    expected: Callable[..., Sequence[torch.Tensor]]
    warps: int = 4
    tolerance: float = 2e-5
    memory_bound: bool = True
    # Before every launch these are zero: the kernel adds to them.
    accumulated: Sequence[str] = ()
    moved: int = field(default=0)

    def __post_init__(self) -> None:
        """Every tensor moves once, if nothing else is said."""
        tensors = [each for each in self.arguments.values() if isinstance(each, torch.Tensor)]
        self.moved = self.moved or sum(each.nbytes for each in tensors)

    def signature(self) -> dict[str, str]:
        """Triton's types of the arguments; ":16" as Triton finds it out at a launch."""
        return {name: _type_of(value) for name, value in self.arguments.items()}

    def right(self) -> list[torch.Tensor]:
        """The right outputs, in float64."""
        inputs = [value for name, value in self.arguments.items() if name not in self.outputs]
        return [each.double() for each in self.expected(*inputs)]


def _type_of(value: object) -> str:
    if isinstance(value, torch.Tensor):
        return f"*{_TYPES[value.dtype]}:16"
    if isinstance(value, float):
        return "fp32"
    assert isinstance(value, int)
    return "i32:16" if value % 16 == 0 else "i32"


def _blocks(count: int, block: int) -> int:
    return -(-count // block)


class Maker:
    """Makes work on a device: `scale` divides the sizes of all arrays."""

    def __init__(self, device: str, scale: int, seed: int = 0) -> None:
        self.device = device
        self.scale = scale
        self.generator = torch.Generator(device).manual_seed(seed)

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Random numbers."""
        made = torch.randn(*shape, device=self.device, generator=self.generator)
        return made.to(dtype)

    def integers(self, high: int, *shape: int, dtype: torch.dtype = torch.int32) -> torch.Tensor:
        """Random integers from 0 to high - 1."""
        return torch.randint(
            high, shape, device=self.device, generator=self.generator, dtype=torch.int64
        ).to(dtype)

    def poison(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Memory that no kernel computes by chance."""
        return torch.full(shape, -12345, device=self.device).to(dtype)

    def elementwise(self) -> list[Work]:
        """One pass over arrays of one shape."""
        n = 2**26 // self.scale
        made: list[Work] = []
        for dtype in (torch.float32, torch.float16):
            x, y = self.normal(n, dtype=dtype), self.normal(n, dtype=dtype)
            arguments = {"x_ptr": x, "y_ptr": y, "out_ptr": self.poison(n, dtype=dtype)}
            made.append(
                Work(
                    f"vector add {_TYPES[dtype]}",
                    shared.vector_add,
                    (_blocks(n, 1024),),
                    {**arguments, "n_elements": n},
                    {"BLOCK": 1024},
                    ("out_ptr",),
                    lambda x, y, n: [(x + y)],
                    tolerance=0,
                )
            )
        for source, target in (
            (torch.float32, torch.float16),
            (torch.bfloat16, torch.float32),
        ):
            made.append(
                Work(
                    f"copy {_TYPES[source]} to {_TYPES[target]}",
                    kernels.cast_copy,
                    (_blocks(n, 2048),),
                    {
                        "x_ptr": self.normal(n, dtype=source),
                        "out_ptr": self.poison(n, dtype=target),
                        "n_elements": n,
                    },
                    {"BLOCK": 2048},
                    ("out_ptr",),
                    lambda x, n, target=target: [x.to(target)],
                    tolerance=0,
                )
            )
        return [*made, self.swiglu(n), self.dropout(n)]

    def swiglu(self, n: int) -> Work:
        """The gated unit of language models."""
        return Work(
            "SwiGLU bf16",
            kernels.swiglu,
            (_blocks(n, 1024),),
            {
                "gate_ptr": self.normal(n, dtype=torch.bfloat16),
                "up_ptr": self.normal(n, dtype=torch.bfloat16),
                "out_ptr": self.poison(n, dtype=torch.bfloat16),
                "n_elements": n,
            },
            {"BLOCK": 1024},
            ("out_ptr",),
            lambda gate, up, n: [gate.double() * gate.double().sigmoid() * up.double()],
            tolerance=4e-3,
        )

    def dropout(self, n: int) -> Work:
        """Random numbers beside the memory; what is right is Triton's own result."""
        return Work(
            "dropout fp32",
            kernels.dropout,
            (_blocks(n, 1024),),
            {
                "x_ptr": self.normal(n),
                "out_ptr": self.poison(n),
                "n_elements": n,
                "p": 0.3,
                "seed": 1234577,
            },
            {"BLOCK": 1024},
            ("out_ptr",),
            lambda *_: [],
        )

    def rows(self) -> list[Work]:
        """One row a program."""
        made: list[Work] = []
        for columns, dtype, warps in (
            (256, torch.float32, 4),
            (1024, torch.float32, 4),
            (1000, torch.float32, 4),
            (4096, torch.float16, 8),
            (8192, torch.float32, 8),
        ):
            rows = max(2**26 // self.scale // columns, 1)
            block = 1 << (columns - 1).bit_length()
            made.append(
                Work(
                    f"softmax {columns} {_TYPES[dtype]}",
                    kernels.softmax,
                    (rows,),
                    {
                        "x_ptr": self.normal(rows, columns, dtype=dtype),
                        "out_ptr": self.poison(rows, columns, dtype=dtype),
                        "stride": columns,
                        "n_cols": columns,
                    },
                    {"BLOCK": block},
                    ("out_ptr",),
                    lambda x, *_: [torch.softmax(x.double(), -1)],
                    warps,
                    1e-3 if dtype == torch.float16 else 1e-5,
                )
            )
        return [*made, *self.norms(), self.cross_entropy(), *self.reductions()]

    def norms(self) -> list[Work]:
        """Layer norm in both directions, and RMS norm."""
        columns, dtype = 4096, torch.float16
        rows = max(2**26 // self.scale // columns, 1)
        x, dy = (self.normal(rows, columns, dtype=dtype) for _ in range(2))
        weight, bias = (self.normal(columns, dtype=dtype) for _ in range(2))
        mean = x.double().mean(1).float()
        rstd = (1 / (x.double().var(1, correction=0) + 1e-5).sqrt()).float()
        forward = Work(
            "layer norm fp16",
            shared.layer_norm,
            (rows,),
            {
                "x_ptr": x,
                "out_ptr": self.poison(rows, columns, dtype=dtype),
                "weight_ptr": weight,
                "bias_ptr": bias,
                "mean_ptr": self.poison(rows),
                "rstd_ptr": self.poison(rows),
                "stride": columns,
                "n_cols": columns,
                "eps": 1e-5,
            },
            {"BLOCK": 1024},
            ("out_ptr", "mean_ptr", "rstd_ptr"),
            _layer_norm,
            tolerance=4e-3,
        )
        backward = Work(
            "layer norm backward fp16",
            kernels.layer_norm_backward,
            (rows,),
            {
                "dy_ptr": dy,
                "x_ptr": x,
                "weight_ptr": weight,
                "mean_ptr": mean,
                "rstd_ptr": rstd,
                "dx_ptr": self.poison(rows, columns, dtype=dtype),
                "stride": columns,
                "n_cols": columns,
            },
            {"BLOCK": columns},
            ("dx_ptr",),
            _layer_norm_backward,
            8,
            4e-3,
        )
        rms = Work(
            "RMS norm bf16",
            kernels.rms_norm,
            (rows,),
            {
                "x_ptr": self.normal(rows, columns, dtype=torch.bfloat16),
                "weight_ptr": self.normal(columns, dtype=torch.bfloat16),
                "out_ptr": self.poison(rows, columns, dtype=torch.bfloat16),
                "stride": columns,
                "n_cols": columns,
                "eps": 1e-6,
            },
            {"BLOCK": columns},
            ("out_ptr",),
            _rms_norm,
            8,
            1e-2,
        )
        return [forward, backward, rms, self.rotary()]

    def rotary(self) -> Work:
        """All heads of a token a program."""
        heads, half = 32, 64
        tokens = max(2**14 // self.scale, 1)
        angles = torch.rand(tokens, half, device=self.device, generator=self.generator) * 6.28
        return Work(
            "rotary embedding fp16",
            kernels.rotary,
            (tokens,),
            {
                "x_ptr": self.normal(tokens, heads, 2 * half, dtype=torch.float16),
                "cos_ptr": angles.cos(),
                "sin_ptr": angles.sin(),
                "out_ptr": self.poison(tokens, heads, 2 * half, dtype=torch.float16),
                "heads": heads,
            },
            {"HALF": half, "HEADS": heads},
            ("out_ptr",),
            _rotary,
            tolerance=2e-3,
        )

    def cross_entropy(self) -> Work:
        """Rows as long as a vocabulary."""
        columns = 32768
        rows = max(2**26 // self.scale // columns, 1)
        return Work(
            "cross-entropy bf16",
            kernels.cross_entropy,
            (rows,),
            {
                "x_ptr": self.normal(rows, columns, dtype=torch.bfloat16),
                "target_ptr": self.integers(columns, rows),
                "loss_ptr": self.poison(rows),
                "stride": columns,
                "n_cols": columns,
            },
            {"BLOCK": 2048},
            ("loss_ptr",),
            lambda x, target, *_: [
                torch.nn.functional.cross_entropy(x.double(), target.long(), reduction="none")
            ],
        )

    def reductions(self) -> list[Work]:
        """Sums of rows and columns, running sums, a histogram."""
        rows, columns = max(2**13 // self.scale, 64), 8192
        x = self.normal(rows, columns)
        row_sum = Work(
            "row sum fp32",
            kernels.row_sum,
            (rows,),
            {"x_ptr": x, "out_ptr": self.poison(rows), "stride": columns, "n_cols": columns},
            {"BLOCK": 1024},
            ("out_ptr",),
            lambda x, *_: [x.double().sum(1)],
            tolerance=1e-4,
        )
        parts, height = _blocks(rows, 64), 64
        column_sum = Work(
            "column sum fp32",
            kernels.column_sum,
            (columns // 128, parts),
            {"x_ptr": x, "out_ptr": self.poison(parts, columns), "rows": rows, "columns": columns},
            {"ROWS": height, "BLOCK_M": 16, "BLOCK_N": 128},
            ("out_ptr",),
            lambda x, *_: [x.double().reshape(parts, height, columns).sum(1)],
            tolerance=1e-4,
        )
        running = Work(
            "cumulative sum fp32",
            kernels.cumulative_sum,
            (rows * 4,),
            {
                "x_ptr": x.reshape(rows * 4, columns // 4),
                "out_ptr": self.poison(rows * 4, columns // 4),
                "stride": columns // 4,
                "n_cols": columns // 4,
            },
            {"BLOCK": columns // 4},
            ("out_ptr",),
            lambda x, *_: [x.double().cumsum(1)],
            tolerance=1e-3,
        )
        n = 2**26 // self.scale
        counts = Work(
            "histogram i32",
            kernels.histogram,
            (_blocks(n, 2048),),
            {
                "x_ptr": self.integers(256, n),
                "out_ptr": torch.zeros(256, dtype=torch.int32, device=self.device),
                "n_elements": n,
            },
            {"BLOCK": 2048, "BINS": 256},
            ("out_ptr",),
            lambda x, *_: [torch.bincount(x, minlength=256)],
            accumulated=("out_ptr",),
            tolerance=0,
        )
        return [row_sum, column_sum, running, counts, *self.transposes()]

    def transposes(self) -> list[Work]:
        """Square tiles."""
        rows, columns = 2**13, max(2**13 // self.scale, 64)
        return [
            Work(
                f"transpose {_TYPES[dtype]}",
                kernels.transpose,
                (_blocks(rows, 64), _blocks(columns, 64)),
                {
                    "x_ptr": self.normal(rows, columns, dtype=dtype),
                    "out_ptr": self.poison(columns, rows, dtype=dtype),
                    "rows": rows,
                    "columns": columns,
                },
                {"BLOCK": 64},
                ("out_ptr",),
                lambda x, *_: [x.T],
                tolerance=0,
            )
            for dtype in (torch.float32, torch.float16)
        ]

    def matrices(self) -> list[Work]:
        """Products of matrices, whose results alone are looked at."""
        size = 1024 if self.scale < 64 else 128
        a, b = (self.normal(size, size, dtype=torch.float16) for _ in range(2))
        matmul = Work(
            "matmul fp16",
            shared.matmul,
            (_blocks(size, 64) ** 2,),
            {
                "a_ptr": a,
                "b_ptr": b,
                "c_ptr": self.poison(size, size, dtype=torch.float16),
                **dict.fromkeys(("m", "n", "k", "stride_am", "stride_bk", "stride_cm"), size),
            },
            {"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 32, "GROUP_M": 8},
            ("c_ptr",),
            lambda a, b, *_: [a.double() @ b.double()],
            tolerance=4e-3,
            memory_bound=False,
        )
        heads, length, depth = 4, max(size, 128), 64
        q, k, v = (self.normal(heads, length, depth, dtype=torch.float16) for _ in range(3))
        attention = Work(
            "flash attention fp16",
            shared.flash_attention,
            (length // 64, heads),
            {
                "q_ptr": q,
                "k_ptr": k,
                "v_ptr": v,
                "scale": 0.125,
                "sums_ptr": self.poison(heads, length),
                "out_ptr": self.poison(heads, length, depth, dtype=torch.float16),
                "length": length,
            },
            {"HEAD_DIM": 64, "BLOCK_M": 64, "BLOCK_N": 64},
            ("sums_ptr", "out_ptr"),
            _attention,
            tolerance=5e-3,
            memory_bound=False,
        )
        return [matmul, attention]

    def all(self) -> list[Callable[[], list[Work]]]:
        """Groups of work, each made when it is needed: all at once would fill a GPU."""
        vectors = [self.elementwise, self.rows]
        return [*vectors, self.matrices]


def _layer_norm(x: Any, weight: Any, bias: Any, stride: int, n: int, eps: float) -> list[Any]:
    wide = x.double()
    mean = wide.mean(1, keepdim=True)
    rstd = 1 / (wide.var(1, correction=0, keepdim=True) + eps).sqrt()
    out = (wide - mean) * rstd * weight.double() + bias.double()
    return [out, mean[:, 0], rstd[:, 0]]


def _layer_norm_backward(
    dy: Any, x: Any, weight: Any, mean: Any, rstd: Any, *_: object
) -> list[Any]:
    normal = (x.double() - mean.double()[:, None]) * rstd.double()[:, None]
    weighted = dy.double() * weight.double()
    along = (normal * weighted).mean(1, keepdim=True)
    dx = weighted - normal * along - weighted.mean(1, keepdim=True)
    return [dx * rstd.double()[:, None]]


def _rms_norm(x: Any, weight: Any, stride: int, n: int, eps: float) -> list[Any]:
    wide = x.double()
    return [wide * (wide.pow(2).mean(1, keepdim=True) + eps).rsqrt() * weight.double()]


def _rotary(x: Any, cos: Any, sin: Any, heads: int) -> list[Any]:
    first, second = x.double().chunk(2, -1)
    cos, sin = cos.double()[:, None], sin.double()[:, None]
    return [torch.cat([first * cos - second * sin, second * cos + first * sin], -1)]


def _attention(q: Any, k: Any, v: Any, scale: float, length: int) -> list[Any]:
    scores = q.double() @ k.double().mT * scale
    seen = torch.ones(length, length, device=q.device).tril().bool()
    scores = scores.masked_fill(~seen, -float("inf"))
    sums = scores.logsumexp(-1) * 1.4426950408889634
    return [sums, torch.softmax(scores, -1) @ v.double()]
