"""The command: `python -m benchmarks.compile_time [--quick]`."""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from . import measure, report

_SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000, 50_000)
_QUICK_SIZES = (100, 1_000, 5_000)
Measured = TypeVar("Measured")


def main() -> int:
    """Measure, print the tables, write JSON and a plot."""
    options = _parser().parse_args()
    console = Console()
    results = report.Results(
        _machine(),
        _compilations(options, console),
        measure.cold(3 if options.quick else 15),
        _growth(options, console),
    )
    report.show(results, console)
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    report.write_json(results, folder / "compile_time.json")
    if importlib.util.find_spec("matplotlib") is None:
        console.print("no plot: pip install 'trimetal[bench]'")
    else:
        report.write_plot(results, folder / "compile_time.png")
    console.print(f"written to {folder}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compile_time",
        description="Measure what compiling costs, beside Triton's stages for cuda:80.",
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller modules")
    parser.add_argument("--rounds", metavar="N", type=int, help="of each kernel (25; quick: 3)")
    parser.add_argument("--output", metavar="FOLDER", default="build/benchmarks")
    return parser


def _machine() -> dict[str, str]:
    return {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def _compilations(options: argparse.Namespace, console: Console) -> list[measure.Compilation]:
    if importlib.util.find_spec("triton") is None:
        console.print("without Triton (Linux only) there is nothing to compare kernels with")
        return []
    from ..kernels import KERNELS

    rounds = options.rounds or (3 if options.quick else 25)
    steps = measure.compilations(KERNELS, rounds)
    return list(_followed(steps, rounds, "kernels", console))


def _growth(options: argparse.Namespace, console: Console) -> measure.Growth:
    sizes = _QUICK_SIZES if options.quick else _SIZES
    steps = measure.growth(sizes, repeats=1 if options.quick else 5)
    (found,) = _followed(steps, len(sizes), "growth", console)
    return found


def _followed(
    steps: Iterator[Measured | None], rounds: int, title: str, console: Console
) -> Iterator[Measured]:
    """Show the progress of a measurement; gives its results."""
    for _ in track(range(rounds), description=title, console=console, transient=True):
        next(steps)
    for found in steps:
        assert found is not None
        yield found


if __name__ == "__main__":
    sys.exit(main())
