"""The part of docs/support.md that is measured: which dumps become MSL, and why others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "support.md"
BEGIN = "<!-- begin: python -m benchmarks.coverage --write -->"
END = "<!-- end -->"


@dataclass(frozen=True)
class Row:
    """A kind of dump, how many there are, and how many passed; or a reason and how often it was."""

    name: str
    count: int
    passed: int = 0


def write_page(name: str, target: str, passed: Sequence[Row], reasons: Sequence[Row]) -> None:
    """Replace the measured part of the page; `name` says what the dumps are."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    made = measured_part(name, target, passed, reasons)
    PAGE.write_text(f"{before}{BEGIN}\n{made}{END}{after}", encoding="utf-8")


def measured_part(name: str, target: str, passed: Sequence[Row], reasons: Sequence[Row]) -> str:
    """The tables."""
    total = Row("all", sum(row.count for row in passed), sum(row.passed for row in passed))
    lines = [
        "",
        f"{name}, for the target",
        f"`{target}`. Those that pass are transpiled, and their MSL is right by the strict check.",
        "",
        "| modules | there are | pass | |",
        "|---|---:|---:|---:|",
        *(_passed_line(row) for row in [*passed, total] if row.count),
        "",
        "Why the others are refused:",
        "",
        "| reason | modules |",
        "|---|---:|",
        *(f"| {row.name} | {row.count:,} |" for row in reasons if row.count),
        "",
    ]
    return "\n".join(lines) + "\n"


def _passed_line(row: Row) -> str:
    share = f"{row.passed / row.count:.2%}"
    return f"| {row.name} | {row.count:,} | {row.passed:,} | {share} |"
