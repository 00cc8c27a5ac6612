"""The MSL of Trimetal beside MSL by hand: python -m benchmarks.static [--json FILE]

Every kernel of `cases.py` is transpiled, and run on the CPU device, which counts; so is the kernel
by hand in `reference/`, on the same inputs, and the results must agree. No time is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from .cases import CASES
from .measure import Comparison, Measurement, compare

COLUMNS = (
    *("kernel", "lines", "device bytes", "to the least", "bytes an access", "threadgroup traffic"),
    *("barriers", "threadgroup bytes", "registers*", "multiplies a load"),
)


def cells(measured: Measurement) -> list[str]:
    """The numbers of a row."""
    multiplies = measured.multiplies_per_load
    return [
        f"{measured.lines}",
        f"{measured.bytes_moved:,}",
        f"{measured.to_the_least:.2f}",
        f"{measured.width:.1f}",
        f"{measured.threadgroup_traffic:,}",
        f"{measured.barriers:g}",
        f"{measured.threadgroup_bytes:,}",
        "" if measured.registers is None else f"{measured.registers}",
        "" if multiplies is None else f"{multiplies:.2f}",
    ]


def table_of(comparisons: Sequence[Comparison]) -> Table:
    """Two rows a kernel: ours, and the one by hand."""
    table = Table(
        title="MSL beside MSL by hand",
        caption="to the least: if each array went once between memory and chip; * an estimate",
    )
    for index, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if index else "left")
    for comparison in comparisons:
        table.add_row(comparison.name, *cells(comparison.ours))
        table.add_row("  by hand", *cells(comparison.by_hand), end_section=True)
    return table


def as_json(comparisons: Sequence[Comparison]) -> str:
    """All numbers."""
    return json.dumps([asdict(comparison) for comparison in comparisons], indent=2) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare all kernels, print the table, write the numbers."""
    parser = argparse.ArgumentParser(prog="benchmarks.static", description="Quality of the MSL.")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the numbers there")
    options = parser.parse_args(arguments)
    console = Console()
    shown = track(CASES, description="counting", console=console, transient=True)
    comparisons = [compare(case) for case in shown]
    console.print(table_of(comparisons), crop=False)
    if options.json is not None:
        options.json.write_text(as_json(comparisons), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
