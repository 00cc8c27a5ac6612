"""How long it takes to transpile the examples, and how much MSL comes out.

"cold" is the whole command, with Python's start; "warm" is one more call in a process that has
transpiled before.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

import trimetal

ROOT = Path(__file__).resolve().parent.parent
DUMPS = sorted((ROOT / "examples").glob("*/*.ttgir"))
COLD_REPEATS, WARM_REPEATS = 3, 15


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    """The median time of a call."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def measure(dump: Path) -> tuple[str, ...]:
    """One row of the table."""
    text = dump.read_text(encoding="utf-8")
    shader = trimetal.transpile(text)
    command = [sys.executable, "-m", "trimetal", "transpile", str(dump)]
    cold = milliseconds(
        lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT),
        COLD_REPEATS,
    )
    warm = milliseconds(lambda: trimetal.transpile(text), WARM_REPEATS)
    return (
        f"{dump.parent.name} {dump.name.removeprefix('kernel.').removesuffix('.ttgir')}",
        f"{len(text):,}",
        f"{len(shader.source):,}",
        str(shader.source.count("\n")),
        f"{cold:.0f}",
        f"{warm:.1f}",
    )


def main() -> None:
    """Measure every example and print the table."""
    console = Console()
    table = Table(title="transpile")
    table.add_column("dump", no_wrap=True)
    for name in ("TTGIR bytes", "MSL bytes", "MSL lines", "cold ms", "warm ms"):
        table.add_column(name, justify="right")
    for dump in track(DUMPS, description="transpiling", console=console, transient=True):
        table.add_row(*measure(dump))
    console.print(table)


if __name__ == "__main__":
    main()
