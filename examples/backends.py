"""One kernel on everything that can run it here: python -m examples.backends [--quick]

Trimetal's devices (the CPU; an Apple or NVIDIA GPU where there is one), Triton's interpreter (which
needs Triton and PyTorch), and the same computation by NumPy and by MLX. Each is called once, and
then timed; the error is the largest one against NumPy in float64, relative to the largest element.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import trimetal

from .tables import show

HERE = Path(__file__).resolve().parent
REPEATS = 3

Array: TypeAlias = NDArray[Any]
Running: TypeAlias = tuple[Array, Callable[[], Any]]  # the first result, and a call to time


class UnavailableError(Exception):
    """Why a backend is not here."""


@dataclass(frozen=True)
class Case:
    """A kernel and its launch, for a size: the usual one, and a quick one.

    It takes so many `inputs`, of the same shape as the result, which stands at `place` among the
    arguments; `numbers` follow. `compute(library, *inputs)` is the same by NumPy or one like it.
    """

    name: str
    dump: str
    constants: dict[str, int]
    sizes: tuple[int, int]
    inputs: int
    shape: Callable[[int], tuple[int, ...]]
    place: int
    grid: Callable[[int], tuple[int, ...]]
    numbers: Callable[[int], list[int]]
    compute: Callable[..., Any]

    def arguments(self, inputs: list[Any], out: Any, size: int) -> list[Any]:
        """The kernel's arguments in order."""
        return [*inputs[: self.place], out, *inputs[self.place :], *self.numbers(size)]


def _sum(_: Any, x: Any, y: Any) -> Any:
    return x + y


def _softmax(library: Any, x: Any) -> Any:
    weights = library.exp(x - library.max(x, axis=1, keepdims=True))
    return weights / library.sum(weights, axis=1, keepdims=True)


def _product(_: Any, a: Any, b: Any) -> Any:
    return a @ b


Run: TypeAlias = Callable[[Case, list[Array], int], Running]

CASES = (
    Case(
        name="vector_add",
        dump="vector_add/kernel.f32",
        constants={"BLOCK": 1024},
        sizes=(1 << 20, 4096),
        inputs=2,
        shape=lambda n: (n,),
        place=2,
        grid=lambda n: (-(-n // 1024),),
        numbers=lambda n: [n],
        compute=_sum,
    ),
    Case(
        name="softmax",
        dump="softmax/kernel.f32-1024",
        constants={"BLOCK": 1024},
        sizes=(1024, 8),
        inputs=1,
        shape=lambda n: (n, 1024),
        place=0,
        grid=lambda n: (n,),
        numbers=lambda n: [1024, 1024, 1024],
        compute=_softmax,
    ),
    Case(
        name="matmul",
        dump="matmul/kernel.f32-64x64x16",
        constants={"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 16, "GROUP": 8},
        sizes=(512, 64),
        inputs=2,
        shape=lambda n: (n, n),
        place=2,
        grid=lambda n: ((n // 64) ** 2,),
        numbers=lambda n: [n] * 6,
        compute=_product,
    ),
)


def device(name: str, case: Case, inputs: list[Array], size: int) -> Running:
    """A device of Trimetal: the result, and a call to time."""
    if name not in trimetal.runtime.devices():
        raise UnavailableError("not here")
    kernel = trimetal.runtime.compile(trimetal.transpile(HERE / f"{case.dump}.ttgir"), name)
    out = np.full(case.shape(size), np.nan, np.float32)
    arguments = case.arguments(inputs, out, size)
    kernel(case.grid(size), *arguments)
    return out, lambda: kernel(case.grid(size), *arguments)


def numpy(case: Case, inputs: list[Array], size: int) -> Running:
    """The computation by NumPy."""
    return case.compute(np, *inputs), lambda: case.compute(np, *inputs)


def mlx(case: Case, inputs: list[Array], size: int) -> Running:
    """The computation by MLX, on its own default device."""
    if importlib.util.find_spec("mlx") is None:
        raise UnavailableError("MLX is not installed")
    core: Any = importlib.import_module("mlx.core")
    arrays = [core.array(each) for each in inputs]

    def call() -> Any:
        result = case.compute(core, *arrays)
        core.eval(result)
        return result

    return np.array(call()), call


def interpreter(case: Case, inputs: list[Array], size: int) -> Running:
    """Triton's interpreter, in this process: TRITON_INTERPRET must be set before Triton loads."""
    torch: Any = importlib.import_module("torch")
    module: Any = importlib.import_module(f"examples.{case.name}.kernel")
    out = np.full(case.shape(size), np.nan, np.float32)
    arrays = [torch.from_numpy(each) for each in (*inputs, out)]
    arguments = case.arguments(arrays[:-1], arrays[-1], size)

    def call() -> None:
        getattr(module, case.name)[case.grid(size)](*arguments, **case.constants)

    call()
    return out, call


def measured(
    run: Callable[[Case, list[Array], int], tuple[Array, Callable[[], Any]]],
    case: Case,
    quick: bool,
) -> tuple[float, float]:
    """Median milliseconds, and the error."""
    size = case.sizes[quick]
    random = np.random.default_rng()
    inputs = [random.standard_normal(case.shape(size), np.float32) for _ in range(case.inputs)]
    exact = case.compute(np, *(each.astype(np.float64) for each in inputs))
    result, call = run(case, inputs, size)
    error = float(np.abs(result.astype(np.float64) - exact).max() / np.abs(exact).max())
    times: list[float] = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3, error


def interpreted(case: Case, quick: bool) -> tuple[float, float]:
    """Triton's interpreter, in a process of its own: it takes the place of the compiler."""
    for package in ("triton", "torch"):
        if importlib.util.find_spec(package) is None:
            raise UnavailableError(f"{package} is not installed")
    command = [sys.executable, "-m", "examples.backends", "--interpreter", case.name]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    found = subprocess.run(
        command + ["--quick"] * quick,
        cwd=HERE.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        raise UnavailableError(found.stderr.strip().splitlines()[-1])
    milliseconds, error = json.loads(found.stdout)
    return milliseconds, error


def backends(case: Case, quick: bool) -> dict[str, Callable[[], tuple[float, float]]]:
    """All backends, by name."""
    runs: dict[str, Run] = {
        "CPU device": partial(device, "cpu"),
        "Metal": partial(device, "metal"),
        "CUDA": partial(device, "cuda"),
        "NumPy": numpy,
        "MLX": mlx,
    }
    found = {name: partial(measured, run, case, quick) for name, run in runs.items()}
    return {**found, "Triton's interpreter": partial(interpreted, case, quick)}


def main(arguments: list[str]) -> int:
    """Print the table; 0 when every result is within 2e-6 of the largest element."""
    parser = argparse.ArgumentParser(prog="examples.backends", description="Backends compared.")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--interpreter", metavar="KERNEL", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.interpreter:
        (case,) = (case for case in CASES if case.name == options.interpreter)
        print(json.dumps(measured(interpreter, case, options.quick)))
        return 0
    quick: bool = options.quick
    rows: list[tuple[str, ...]] = []
    worst = 0.0
    for case in CASES:
        shape = " x ".join(map(str, case.shape(case.sizes[quick])))
        for name, run in backends(case, quick).items():
            try:
                milliseconds, error = run()
            except UnavailableError as reason:
                rows.append((f"{case.name} {shape}", name, str(reason), ""))
                continue
            worst = max(worst, float("inf") if math.isnan(error) else error)
            rows.append((f"{case.name} {shape}", name, f"{milliseconds:.2f}", f"{error:.1e}"))
    show("Backends", ("kernel", "backend", "ms", "error"), rows)
    return 0 if worst <= 2e-6 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
