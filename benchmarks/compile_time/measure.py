"""The measurements.

Times are CPU times of this process, which computes on one thread on both sides: other work on the
machine counts for neither. Of each pair of calls the second one counts, so that nobody pays for
the caches that the other one has emptied; the two sides take turns, and the median is reported.
Python's collector rests meanwhile on both sides.
"""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trimetal.transpiler import collector
from trimetal.transpiler.emit.kernel import emit
from trimetal.transpiler.ir.verify import verify
from trimetal.transpiler.parser import parse, parse_unverified
from trimetal.transpiler.pipeline import PASSES
from trimetal.transpiler.target import DEFAULT_TARGET, get_target

from .growth import module_of

if TYPE_CHECKING:
    from ..kernels import Kernel

ROOT = Path(__file__).resolve().parents[2]
_COLD_DUMP = "examples/softmax/kernel.f32-1024.ttgir"

# Milliseconds by the name of a step.
Times = dict[str, float]


@dataclass(frozen=True)
class Compilation:
    """What one kernel costs, in milliseconds: `ours` by step, Triton's stages, the CUDA dump."""

    kernel: str
    characters: int
    ours: Times
    triton: Times
    cuda_dump: float  # parsing and verifying Triton's dump for cuda:80

    @property
    def transpile(self) -> float:
        """The whole transpilation."""
        return sum(self.ours.values())

    @property
    def backend(self) -> float:
        """Triton's two stages."""
        return sum(self.triton.values())

    @property
    def ratio(self) -> float:
        """Transpilation over Triton's stages."""
        return self.transpile / self.backend

    def share(self, *steps: str) -> float:
        """Milliseconds of some steps; "passes" are all that is neither parsing nor emission."""
        if steps == ("passes",):
            return self.transpile - self.share("parse", "verify", "emit")
        return sum(self.ours[step] for step in steps)


@dataclass(frozen=True)
class Growth:
    """Milliseconds by the number of ops in a module."""

    ops: list[int]
    steps: list[Times]

    @property
    def totals(self) -> list[float]:
        """The whole transpilation of each size."""
        return [sum(times.values()) for times in self.steps]

    @property
    def exponent(self) -> float:
        """The p of the power law ops ** p that fits best."""
        return _slope(self.ops, self.totals)

    @property
    def last_exponent(self) -> float:
        """The same between the two largest sizes, where fixed costs count least."""
        return _slope(self.ops[-2:], self.totals[-2:])


def transpile(text: str) -> Times:
    """Transpile a text; the milliseconds of each step."""
    chip = get_target(DEFAULT_TARGET)
    clock = _Clock()
    with collector.paused():  # as trimetal.transpile does it
        module = parse_unverified(text)
        clock.note("parse")
        verify(module)
        clock.note("verify")
        for each in PASSES:
            module = each.run(module, chip)
            clock.note(each.name)
        emit(module, chip)
        clock.note("emit")
    return clock.times


class _Clock:
    def __init__(self) -> None:
        self.times: Times = {}
        self._last = time.process_time()

    def note(self, step: str) -> None:
        now = time.process_time()
        self.times[step] = (now - self._last) * 1e3
        self._last = time.process_time()


def compilations(kernels: Sequence[Kernel], rounds: int) -> Iterator[Compilation | None]:
    """Measure kernels beside Triton; None for each round that is done, then the results."""
    from trimetal.runtime.triton_plugin.frontend import ttgir_of

    from .triton_stages import cuda_ttgir

    texts = [
        ttgir_of(k.function, k.signature, k.constants, k.num_warps, DEFAULT_TARGET, {})
        for k in kernels
    ]
    dumps = [cuda_ttgir(kernel) for kernel in kernels]
    found = [defaultdict[str, list[float]](list) for _ in kernels]
    for _ in range(rounds):
        for kernel, text, dump, series in zip(kernels, texts, dumps, found, strict=True):
            theirs = _second(lambda kernel=kernel: _triton(kernel))
            ours = _second(lambda text=text: transpile(text))
            read = _second(lambda dump=dump: _parse(dump))
            for side, times in (("triton", theirs), ("ours", ours), ("dump", read)):
                for step, value in times.items():
                    series[f"{side}.{step}"].append(value)
        yield None
    for kernel, text, series in zip(kernels, texts, found, strict=True):
        medians = {name: statistics.median(values) for name, values in series.items()}
        yield Compilation(
            kernel.name,
            len(text),
            ours=_side(medians, "ours"),
            triton=_side(medians, "triton"),
            cuda_dump=medians["dump.parse"],
        )


def _second(call: Callable[[], Times]) -> Times:
    with collector.paused():  # as timeit does it
        call()
        return call()


def _side(medians: Times, side: str) -> Times:
    return {n.partition(".")[2]: v for n, v in medians.items() if n.startswith(f"{side}.")}


def _triton(kernel: Kernel) -> Times:
    from .triton_stages import stages

    llir, ptx = stages(kernel)
    clock = _Clock()
    llir()
    clock.note("llir")
    ptx()
    clock.note("ptx")
    return clock.times


def _parse(text: str) -> Times:
    clock = _Clock()
    parse(text)
    clock.note("parse")
    return clock.times


def cold(repeats: int) -> list[float]:
    """Wall-clock milliseconds of `trimetal transpile` of a softmax, each in a new process."""
    command = [sys.executable, "-m", "trimetal", "transpile", _COLD_DUMP]
    found: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        found.append((time.perf_counter() - start) * 1e3)
    return found


def growth(sizes: Sequence[int], repeats: int) -> Iterator[Growth | None]:
    """Measure modules of growing size; None for each that is done, then the result."""
    steps: list[Times] = []
    for size in sizes:
        text = module_of(size)
        runs = [transpile(text) for _ in range(repeats if size < 10_000 else 1)]
        steps.append({name: statistics.median(run[name] for run in runs) for name in runs[0]})
        yield None
    yield Growth(list(sizes), steps)


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(statistics.fmean(map(math.log, values)))


def _slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The slope of the straight line that fits the logarithms best."""
    return statistics.linear_regression(list(map(math.log, x)), list(map(math.log, y))).slope
