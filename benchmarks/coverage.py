"""How far a folder of TTGIR dumps gets: `python -m benchmarks.coverage DIR`.

Each dump is parsed and verified, printed and parsed again, transpiled, and its MSL checked. The
first table says how many got how far, the second why the others did not.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

STAGES = ("parse", "round trip", "transpile", "check")


@dataclass(frozen=True)
class Outcome:
    """What became of one dump: the stages that it passed, and why it stopped."""

    path: str
    passed: int
    reason: str = ""
    same_text: bool = False  # printing gave the very text of the file


@dataclass(frozen=True)
class Plan:
    """What to do with every dump."""

    target: str
    stages: int


def examine(path: str, plan: Plan) -> Outcome:
    """Take one dump through the stages."""
    same = False
    passed = 0
    try:
        for passed, same in enumerate(_stages(path, plan)):
            if passed == plan.stages:
                return Outcome(path, passed, same_text=same)
    except Exception as error:  # anything counts: what is no TrimetalError is a bug to be seen
        return Outcome(path, passed, reason_of(error), same)
    return Outcome(path, passed, same_text=same)


def _stages(path: str, plan: Plan) -> Iterator[bool]:
    """Do one stage after the other; gives before each whether the text came back."""
    import trimetal
    from trimetal.transpiler.ir.equal import equal
    from trimetal.transpiler.ir.printer import print_module

    yield False
    text = Path(path).read_text(encoding="utf-8")
    module = trimetal.parse(path)
    printed = print_module(module, locations="#loc" in text)
    same = printed == text
    yield same
    if not equal(module, trimetal.parse(printed), locations=True):
        raise AssertionError("the printed module is another one")
    yield same
    shader = trimetal.transpile(module, target=plan.target)
    yield same
    findings = trimetal.check(shader.source)
    if findings:
        raise AssertionError(f"check: {findings[0]}")
    yield same


def reason_of(error: BaseException) -> str:
    """The kind of an error and its message, without what differs from dump to dump."""
    message = str(getattr(error, "message", "")) or str(error).split("\n", 1)[0]
    message = re.sub(r"<[^<>]*(<[^<>]*(<[^<>]*>[^<>]*)*>[^<>]*)*>", "<...>", message)
    message = re.sub(r"%[\w#$.-]+", "%...", message)
    message = re.sub(r"\b\d+\b", "N", message)
    return f"{type(error).__name__}: {message[:140]}"


def run(paths: Sequence[str], plan: Plan, jobs: int, console: Console) -> list[Outcome]:
    """Examine all dumps in parallel, with a progress bar."""
    with ProcessPoolExecutor(jobs) as pool:
        results = pool.map(examine, paths, [plan] * len(paths), chunksize=8)
        shown = track(results, "dumps", total=len(paths), console=console)
        return list(shown)


def stage_table(outcomes: Sequence[Outcome], plan: Plan) -> Table:
    """How many dumps passed each stage."""
    table = Table(title=f"{len(outcomes)} dumps")
    table.add_column("stage")
    table.add_column("passed", justify="right")
    table.add_column("of all", justify="right")
    for number, stage in enumerate(STAGES[: plan.stages], 1):
        passed = sum(outcome.passed >= number for outcome in outcomes)
        table.add_row(stage, str(passed), f"{passed / len(outcomes):.2%}")
    same = sum(outcome.same_text for outcome in outcomes)
    table.add_row("printed byte for byte", str(same), f"{same / len(outcomes):.2%}")
    return table


def reason_table(outcomes: Sequence[Outcome], most: int) -> Table:
    """Why dumps did not pass, the most frequent reasons first."""
    table = Table(title="reasons")
    for column in ("dumps", "stage", "reason", "for example"):
        table.add_column(column, overflow="fold")
    stopped = [outcome for outcome in outcomes if outcome.reason]
    counts = Counter((STAGES[outcome.passed], outcome.reason) for outcome in stopped)
    for (stage, reason), count in counts.most_common(most):
        example = next(o.path for o in stopped if (STAGES[o.passed], o.reason) == (stage, reason))
        table.add_row(str(count), stage, reason, Path(example).name)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine the dumps of a folder and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.coverage", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("folder", type=Path, help="folder with .ttgir files, at any depth")
    parser.add_argument("--target", default="m3", help="chip to transpile for (default: m3)")
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1], help="the last stage")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--reasons", type=int, default=40, help="how many reasons to print")
    options = parser.parse_args(arguments)
    paths = sorted(map(str, options.folder.rglob("*.ttgir")))
    console = Console()
    if not paths:
        console.print(f"no .ttgir files in {options.folder}")
        return 2
    plan = Plan(options.target, STAGES.index(options.until) + 1)
    outcomes = run(paths, plan, options.jobs, console)
    console.print(stage_table(outcomes, plan))
    if any(outcome.reason for outcome in outcomes):
        console.print(reason_table(outcomes, options.reasons))
    return 0


if __name__ == "__main__":
    sys.exit(main())
