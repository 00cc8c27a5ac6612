"""Results and times of one work, by our shader and by Triton's own CUDA build."""
# torch and Triton have no types that a strict checker understands.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

import trimetal
from trimetal.runtime.cuda.compiler import Accuracy
from trimetal.runtime.cuda.kernel import CudaKernel

from .cases import Work

# Cycles that the GPU waits while launches are queued, so that it never waits for Python later.
_HEAD_START = 8_000_000
_QUEUED = 10


@dataclass
class Outcome:
    """One line of the table. Times are medians, in microseconds."""

    name: str
    memory_bound: bool
    error: float
    triton_error: float
    right: bool
    ours: float = 0.0
    triton: float = 0.0
    bandwidth: float = 0.0  # of ours, share of the measured copy
    registers: int = 0
    threadgroup_bytes: int = 0
    triton_registers: int = 0
    refused: str = ""

    @property
    def ratio(self) -> float:
        """Our speed as a share of Triton's."""
        return self.triton / self.ours if self.ours else 0.0

    def as_json(self) -> dict[str, object]:
        """For the JSON file."""
        return {**asdict(self), "ratio": self.ratio}


def interleaved(calls: list[Callable[[], object]], repeats: int) -> list[float]:
    """The median time of each call in microseconds; they take turns on a GPU that never idles."""
    for call in calls:
        call()
    times: list[list[float]] = [[] for _ in calls]
    while len(times[0]) < repeats:
        torch.cuda.synchronize()
        torch.cuda._sleep(_HEAD_START)
        queued: list[tuple[int, Any, Any]] = []
        for turn in range(_QUEUED):
            for index in range(len(calls)):
                which = (index + turn) % len(calls)  # none is always the first
                start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                start.record()
                calls[which]()
                end.record()
                queued.append((which, start, end))
        torch.cuda.synchronize()
        for which, start, end in queued:
            times[which].append(start.elapsed_time(end) * 1e3)
    return [statistics.median(each) for each in times]


def copy_bandwidth(bytes_moved: int, repeats: int) -> float:
    """Bytes a second of a copy within the GPU's memory, reads and writes counted."""
    source = torch.empty(bytes_moved // 2, dtype=torch.uint8, device="cuda").random_()
    target = torch.empty_like(source)
    (microseconds,) = interleaved([lambda: target.copy_(source)], repeats)
    return bytes_moved / microseconds * 1e6


def shader_of(work: Work) -> trimetal.Shader:
    """Our shader, by Triton's front end and passes."""
    return trimetal.transpile_jit(
        work.function, work.signature(), work.constants, num_warps=work.warps
    )


def measure(work: Work, bandwidth: float, repeats: int, accuracy: Accuracy) -> Outcome:
    """Compile both ways, compare the results with what is right, and the times."""
    shader = shader_of(work)
    kernel = CudaKernel(shader, accuracy=accuracy)
    arguments = list(work.arguments.values())

    def ours() -> None:
        kernel(work.grid, *arguments)

    def triton() -> Any:
        return work.function[work.grid](*arguments, **work.constants, num_warps=work.warps)

    right = work.right()
    theirs, compiled = _outputs(work, triton)
    right = right or [each.double() for each in theirs]
    found, _ = _outputs(work, ours)
    error, triton_error = (_error(each, right) for each in (found, theirs))
    outcome = Outcome(work.name, work.memory_bound, error, triton_error, error <= work.tolerance)
    outcome.registers = kernel.function.attribute("NUM_REGS")
    outcome.threadgroup_bytes = shader.threadgroup_memory
    outcome.triton_registers = getattr(compiled, "n_regs", 0)
    outcome.ours, outcome.triton = interleaved([ours, triton], repeats)
    outcome.bandwidth = work.moved / outcome.ours * 1e6 / bandwidth
    return outcome


def _outputs(work: Work, run: Callable[[], Any]) -> tuple[list[torch.Tensor], Any]:
    """What a run leaves in poisoned outputs, and what it returns."""
    for name in work.outputs:
        work.arguments[name].fill_(0 if name in work.accumulated else -12345)
    returned = run()
    torch.cuda.synchronize()
    return [work.arguments[name].clone() for name in work.outputs], returned


def _error(found: list[torch.Tensor], right: list[torch.Tensor]) -> float:
    """The largest error relative to the largest of 1 and the right value; NaN is infinite."""
    worst = 0.0
    for each, exact in zip(found, right, strict=True):
        difference = (each.double() - exact).abs() / exact.abs().clamp(min=1)
        worst = max(worst, float(difference.nan_to_num(float("inf")).max()))
    return worst
