"""The part of docs/support.md that Triton's own tests give: what passed, and why not the rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from .known import cause
from .outcome import FAILED, PASSED, SKIPPED, Outcome

PAGE = Path(__file__).resolve().parents[2] / "docs" / "support.md"
BEGIN = "<!-- begin: python -m benchmarks.conformance --write -->"
END = "<!-- end -->"


def write_page(facts: dict[str, object], outcomes: Sequence[Outcome]) -> None:
    """Replace the part of the page, or add it at the end."""
    text = PAGE.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    after = rest.partition(END)[2] if found else "\n"
    gap = "" if found else "\n"
    made = measured_part(facts, outcomes)
    PAGE.write_text(f"{before}{gap}{BEGIN}\n{made}{END}{after}", encoding="utf-8")


def measured_part(facts: dict[str, object], outcomes: Sequence[Outcome]) -> str:
    """The tables: a line a file, and a line for each cause of failures."""
    files: dict[str, list[Outcome]] = defaultdict(list)
    causes: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        files[Path(outcome.test.split("::")[0]).name].append(outcome)
        if outcome.outcome == FAILED:
            causes[outcome.reason, cause(outcome)] += 1
    lines = [
        "",
        f"Triton's own tests ({facts['versions']}), run as they are on the CPU device:",
        "",
        "| file | tests | passed | failed | skipped by Triton |",
        "|---|---:|---:|---:|---:|",
        *(_line(name, files[name]) for name in sorted(files)),
        *([_line("all", outcomes)] if len(files) > 1 else []),
        "",
        *_vacuous(outcomes),
        "| failed | | tests |",
        "|---|---|---:|",
        *(
            f"| {reason} | {_cell(text)} | {count:,} |"
            for (reason, text), count in causes.most_common()
        ),
        "",
    ]
    return "\n".join(lines) + "\n"


def _vacuous(outcomes: Sequence[Outcome]) -> list[str]:
    """How many passes test no result, where that was found out."""
    vacuous = sum(outcome.vacuous is True for outcome in outcomes)
    return [f"{vacuous:,} of them pass as well when no kernel runs.", ""] if vacuous else []


def _line(name: str, outcomes: Sequence[Outcome]) -> str:
    counts = Counter(outcome.outcome for outcome in outcomes)
    numbers = (len(outcomes), counts[PASSED], counts[FAILED], counts[SKIPPED])
    return f"| {name} | {' | '.join(f'{number:,}' for number in numbers)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")[:160]
