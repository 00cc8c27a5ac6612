"""`trimetal doctor`: what this machine can do, what is missing, and whether kernels run right."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from .common import OK, REFUSED

HELP = "tell what this machine can do and what is missing; --self-test runs kernels on it"

_COLOURS = {"ok": "green", "!!": "bold red", "--": "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--self-test",
        action="store_true",
        help="run kernels on every device, against NumPy, and write a report",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="trimetal-report.txt",
        help="of --self-test: where the report goes (default: trimetal-report.txt)",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from trimetal.runtime.doctor import fact_rows, facts, report_text, result_rows, self_test

    found = facts()
    show(fact_rows(found), ("", "what", "found", "what mends it"))
    if not options.self_test:
        return OK
    print()
    results = list(self_test())
    show(result_rows(results), ("", "device", "kernel", "result", "error", "time"))
    Path(options.output).write_text(report_text(found, results), encoding="utf-8")
    wrong = sum(result.outcome != "right" for result in results)
    verdict = f"{wrong} of {len(results)} went wrong" if wrong else f"all {len(results)} are right"
    print(f"\n{verdict}; the report to attach to an issue is {options.output}")
    return REFUSED if wrong else OK


def show(rows: Sequence[Sequence[str]], header: Sequence[str]) -> None:
    """Print a table, in colours where stdout is a terminal and rich is installed."""
    if not sys.stdout.isatty() or importlib.util.find_spec("rich") is None:
        from trimetal.runtime.tables import aligned

        print(aligned([header, *rows]))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*header, box=None, header_style="bold")
    for mark, *cells in rows:
        shown.add_row(Text(mark, _COLOURS[mark]), *(Text(cell) for cell in cells))
    Console().print(shown)
