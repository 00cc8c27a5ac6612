"""The results as JSON and as Markdown tables."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from .outcome import FAILED, PASSED, REASONS, SKIPPED, Outcome

# Kinds of failures that are listed, with an example of each.
_LISTED = 60


def write_json(path: Path, facts: dict[str, object], outcomes: Sequence[Outcome]) -> None:
    """All outcomes, for programs."""
    content = {"facts": facts, "tests": [asdict(outcome) for outcome in outcomes]}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def markdown(facts: dict[str, object], outcomes: Sequence[Outcome]) -> str:
    """The tables: a line for each file of tests, and the failures by reason."""
    lines = ["# Triton's own tests", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", *_totals(outcomes), "", *_failures(outcomes)]
    return "\n".join(lines) + "\n"


def summary(outcomes: Sequence[Outcome]) -> str:
    """One line."""
    counts = Counter(outcome.outcome for outcome in outcomes)
    reasons = Counter(outcome.reason for outcome in outcomes if outcome.outcome == FAILED)
    failed = ", ".join(f"{reason} {reasons[reason]}" for reason in REASONS if reasons[reason])
    return (
        f"{counts[PASSED]} passed ({_vacuous(outcomes)} of them also without running a kernel), "
        f"{counts[FAILED]} failed{f' ({failed})' if failed else ''}, {counts[SKIPPED]} skipped"
    )


def _totals(outcomes: Sequence[Outcome]) -> list[str]:
    files: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        files[Path(outcome.test.split("::")[0]).name].append(outcome)
    reasons = [r for r in REASONS if any(outcome.reason == r for outcome in outcomes)]
    rows = [_row(name, files[name], reasons) for name in sorted(files)]
    if len(files) > 1:
        rows.append(_row("all", outcomes, reasons))
    return _table(["file", "tests", "passed", "of these vacuous", *reasons, "skipped"], rows)


def _row(name: str, outcomes: Sequence[Outcome], reasons: Sequence[str]) -> list[str]:
    counts = Counter(outcome.outcome for outcome in outcomes)
    failures = Counter(outcome.reason for outcome in outcomes if outcome.outcome == FAILED)
    numbers: list[object] = [len(outcomes), counts[PASSED], _vacuous(outcomes)]
    numbers += [failures[reason] for reason in reasons] + [counts[SKIPPED]]
    return [name, *map(str, numbers)]


def _vacuous(outcomes: Sequence[Outcome]) -> str:
    """How many pass without kernels too, as far as it was tried."""
    passed = [outcome for outcome in outcomes if outcome.outcome == PASSED]
    tried = [outcome for outcome in passed if outcome.vacuous is not None]
    count = sum(outcome.vacuous is True for outcome in tried)
    return str(count) if len(tried) == len(passed) else f"{count} of {len(tried)} that were tried"


def _failures(outcomes: Sequence[Outcome]) -> list[str]:
    kinds: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.outcome == FAILED:
            kinds[outcome.reason, _without_numbers(outcome.message)].append(outcome)
    often = sorted(kinds.items(), key=lambda entry: -len(entry[1]))[:_LISTED]
    rows = [
        [str(len(group)), reason, f"`{_cell(group[0].message)}`", f"`{_short(group[0].test)}`"]
        for (reason, _), group in often
    ]
    return _table(["tests", "reason", "message", "for example"], rows) if rows else []


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]


def _without_numbers(message: str) -> str:
    """What messages have in common that differ in sizes and names of values only."""
    return re.sub(r"%[\w.]+|0x[0-9a-f]+|\d+(\.\d+)?", "#", message)


def _cell(message: str) -> str:
    return message.splitlines()[0].replace("|", "\\|").replace("`", "'")[:160] if message else ""


def _short(test: str) -> str:
    return test.split("::", 1)[-1].replace("|", "\\|")[:100]
