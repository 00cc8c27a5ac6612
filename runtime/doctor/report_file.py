"""The report of a self-test: one text file with all that somebody else must know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trimetal.runtime.tables import aligned

from .facts import Fact
from .selftest import Result


def fact_rows(found: Sequence[Fact]) -> list[tuple[str, ...]]:
    """Facts as rows of cells: a mark, the name, the value and what mends it."""
    marks = {"there": "ok", "missing": "!!", "absent": "--"}
    return [(marks[fact.state], fact.name, fact.value, fact.remedy) for fact in found]


def result_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Results as rows of cells."""
    return [
        (
            "ok" if result.outcome == "right" else "!!",
            result.route,
            result.kernel,
            result.outcome,
            "" if result.error is None else f"{result.error:.1e}",
            f"{result.milliseconds:.1f} ms",
        )
        for result in results
    ]


def report_text(found: Sequence[Fact], results: Sequence[Result]) -> str:
    """The whole report; it names the user's home folder nowhere."""
    parts = [
        "trimetal doctor --self-test",
        aligned(fact_rows(found)),
        aligned(result_rows(results)),
    ]
    parts += [
        f"{result.route}: {result.kernel} is {result.outcome}\n{result.detail}"
        for result in results
        if result.detail
    ]
    return "\n\n".join(parts).replace(str(Path.home()), "~") + "\n"
