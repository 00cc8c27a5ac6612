"""The results as tables, JSON and a plot."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from .measure import Compilation, Growth, geometric_mean

_SHOWN_STEPS = 8  # of the table that says what the time goes into


@dataclass(frozen=True)
class Results:
    """All that was measured; no compilations where Triton is not installed."""

    machine: dict[str, str]
    compilations: list[Compilation]
    cold: list[float]
    growth: Growth


def show(results: Results, console: Console) -> None:
    """Print the tables."""
    if results.compilations:
        console.print(_against_triton(results.compilations))
        console.print(_dumps(results.compilations))
        console.print(_by_step(results.compilations))
    console.print(_growth(results.growth))
    low, middle = min(results.cold), statistics.median(results.cold)
    console.print(f"cold `trimetal transpile` of softmax: {middle:.0f} ms (least {low:.0f} ms)")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=box.SIMPLE, title_justify="left", padding=(0, 1, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=True)
    return table


def _against_triton(compilations: Sequence[Compilation]) -> Table:
    """Both sides, and the share of the one in the other."""
    table = _table(
        "milliseconds, warm",
        "kernel",
        "parse",
        "passes",
        "emit",
        "sum",
        "llir",
        "ptx",
        "sum",
        "ratio",
    )
    for c in compilations:
        ours = (c.share("parse", "verify"), c.share("passes"), c.share("emit"), c.transpile)
        theirs = (c.triton["llir"], c.triton["ptx"], c.backend)
        times = (f"{value:.1f}" for value in (*ours, *theirs))
        table.add_row(c.kernel, *times, f"{c.ratio:.3f}")
    mean = geometric_mean([c.ratio for c in compilations])
    table.add_row("geometric mean", *[""] * 7, f"{mean:.3f}")
    return table


def _dumps(compilations: Sequence[Compilation]) -> Table:
    """Reading the very module from which Triton's llir stage starts."""
    table = _table("parsing and verifying the cuda:80 dump", "kernel", "ms", "of llir + ptx")
    for c in compilations:
        table.add_row(c.kernel, f"{c.cuda_dump:.1f}", f"{c.cuda_dump / c.backend:.3f}")
    return table


def _by_step(compilations: Sequence[Compilation]) -> Table:
    """The steps that take most, in percent of each kernel's transpilation."""
    steps = sorted(
        compilations[0].ours,
        key=lambda step: -sum(c.ours[step] / c.transpile for c in compilations),
    )
    table = _table("percent of the time", "step", *(c.kernel for c in compilations))
    for step in steps[:_SHOWN_STEPS]:
        table.add_row(step, *(f"{c.ours[step] / c.transpile:.0%}" for c in compilations))
    rest = [sum(c.ours[s] for s in steps[_SHOWN_STEPS:]) / c.transpile for c in compilations]
    table.add_row(f"{len(steps) - _SHOWN_STEPS} others", *(f"{value:.0%}" for value in rest))
    return table


def _growth(growth: Growth) -> Table:
    title = f"growth: ops ** {growth.exponent:.2f} (at the end {growth.last_exponent:.2f})"
    table = _table(title, "ops", "milliseconds", "microseconds an op")
    for ops, total in zip(growth.ops, growth.totals, strict=True):
        table.add_row(f"{ops:,}", f"{total:,.1f}", f"{total / ops * 1e3:.0f}")
    return table


def write_json(results: Results, path: Path) -> None:
    """All numbers, for programs."""
    content = asdict(results)
    content["ratios"] = {c.kernel: c.ratio for c in results.compilations}
    content["exponent"] = results.growth.exponent
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def write_plot(results: Results, path: Path) -> None:
    """Two pictures: the share of Triton's time by kernel, and the growth."""
    from matplotlib.figure import Figure

    # matplotlib's own annotations are partial.
    figure: Any = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_shares(left, results.compilations)
    _draw_growth(right, results.growth)
    figure.savefig(path, dpi=150)


def _draw_shares(axes: Any, compilations: Sequence[Compilation]) -> None:
    names = [c.kernel for c in compilations]
    start = [0.0] * len(names)
    for label, steps in (
        ("parsing", ("parse", "verify")),
        ("passes", ("passes",)),
        ("emission", ("emit",)),
    ):
        shares = [c.share(*steps) / c.backend for c in compilations]
        axes.barh(names, shares, left=start, label=label)
        start = [a + b for a, b in zip(start, shares, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("TTGIR to MSL, over Triton's llir + ptx for cuda:80")
    axes.legend()


def _draw_growth(axes: Any, growth: Growth) -> None:
    axes.loglog(growth.ops, growth.totals, "o-", label=f"ops ** {growth.exponent:.2f}")
    axes.set_xlabel("ops in the module")
    axes.set_ylabel("milliseconds")
    axes.legend()
    axes.grid(which="both", alpha=0.3)
