"""The CPU device beside Triton's interpreter and PyTorch: `python -m benchmarks.cpu [--quick]`.

The same jit functions run by the interpreter (TRITON_INTERPRET=1, in a process of its own) and, by
way of TTGIR and MSL, on the CPU device; PyTorch computes the same with its own functions. "warm" is
the median of repeated calls, "first call" one call of a kernel that no cache knows, its C++
compilation included. Needs torch and Triton.
"""
# torch and Triton have no types that a strict checker understands.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

_FOLDER = Path("build/cpu")
_ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Measure, show and write; 1 if a result is wrong."""
    parser = argparse.ArgumentParser(prog="benchmarks.cpu", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller arrays, fewer runs")
    parser.add_argument("--out", type=Path, default=_FOLDER, help="folder for JSON and PNG")
    parser.add_argument("--interpreter", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.interpreter:
        print(json.dumps(_interpreted(options.quick)))
        return 0
    console = Console(width=110 if not sys.stdout.isatty() else None)
    console.print("the interpreter runs in a process of its own ...")
    interpreted = _in_interpreter(options.quick)
    lines = _measure(options.quick, interpreted, console)
    console.print(_table(lines))
    options.out.mkdir(parents=True, exist_ok=True)
    found = {"date": str(date.today()), "cores": os.cpu_count(), "kernels": lines}
    (options.out / "cpu.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    _plot(options.out / "cpu.png", lines)
    return 0 if all(line["right"] for line in lines) else 1


def _in_interpreter(quick: bool) -> dict[str, float]:
    """The interpreter's times in ms, by name."""
    command = [sys.executable, "-m", "benchmarks.cpu", "--interpreter", *(["--quick"] * quick)]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    made = subprocess.run(
        command, env=environment, cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(made.stdout.splitlines()[-1])


def _interpreted(quick: bool) -> dict[str, float]:
    from .work import all_work

    found: dict[str, float] = {}
    for work in all_work(quick):
        launch = work.kernel.function[work.grid]

        def call(launch: Any = launch, work: Any = work) -> None:
            launch(*work.arguments, **work.kernel.constants)

        found[work.name] = _milliseconds(call, 1 if quick else 3)
    return found


def _milliseconds(call: Callable[[], object], repeats: int) -> float:
    """The median of some calls after one."""
    call()
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def _measure(quick: bool, interpreted: dict[str, float], console: Console) -> list[dict[str, Any]]:
    import trimetal
    from trimetal import runtime

    from .work import all_work

    lines: list[dict[str, Any]] = []
    for work in track(all_work(quick), "measuring", console=console, transient=True):
        shader = trimetal.transpile_jit(
            work.kernel.function,
            work.kernel.signature,
            work.kernel.constants,
            num_warps=work.kernel.num_warps,
        )
        for output in work.outputs:
            output.fill_(float("nan"))
        if not lines:  # the runtime and the precompiled header are made once on a machine
            runtime.compile(shader, "cpu")
        text = f"{shader.source}\n// {uuid.uuid4()}\n"
        start = time.perf_counter()
        kernel = runtime.compile(dataclasses.replace(shader, source=text), "cpu")
        kernel(work.grid, *work.arguments)
        first = (time.perf_counter() - start) * 1e3
        right = work.eager()
        difference = (work.outputs[0].double() - right.double()).abs()
        error = float((difference / right.double().abs().clamp(min=1)).max())

        def call(kernel: Any = kernel, work: Any = work) -> None:
            kernel(work.grid, *work.arguments)

        lines.append(
            {
                "name": work.name,
                "warm": _milliseconds(call, 3 if quick else 9),
                "first": first,
                "interpreter": interpreted[work.name],
                "torch": _milliseconds(work.eager, 3 if quick else 9),
                "error": error,
                "right": error <= work.tolerance,
            }
        )
    return lines


def _table(lines: list[dict[str, Any]]) -> Table:
    table = Table(title=f"CPU device, {os.cpu_count()} cores, {date.today()} (ms)")
    table.add_column("kernel", no_wrap=True)
    for name in ("warm", "first call", "interpreter", "times faster", "torch", "error", ""):
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(
            line["name"],
            f"{line['warm']:.1f}",
            f"{line['first']:.0f}",
            f"{line['interpreter']:.0f}",
            f"{line['interpreter'] / line['warm']:.0f}",
            f"{line['torch']:.1f}",
            f"{line['error']:.1e}",
            "" if line["right"] else "WRONG",
        )
    return table


def _plot(path: Path, lines: list[dict[str, Any]]) -> None:
    """Times on a logarithmic axis, three bars a kernel."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4))
    series = (("interpreter", "interpreter"), ("warm", "CPU device"), ("torch", "PyTorch"))
    for number, (key, label) in enumerate(series):
        places = [index + 0.27 * (number - 1) for index in range(len(lines))]
        axes.barh(places, [line[key] for line in lines], 0.25, label=label)
    axes.set_yticks(range(len(lines)), [line["name"] for line in lines])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("ms")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
