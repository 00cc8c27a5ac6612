"""How far a folder of TTGIR dumps gets: `python -m benchmarks.coverage DIR`.

Each dump is parsed and verified, printed and parsed again, transpiled, and its MSL checked. The
first table says how many got how far, the second why the others did not. With `--write NAME` both
go into docs/support.md, where NAME says what the dumps are.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from .support_page import Row, write_page

STAGES = ("parse", "round trip", "transpile", "check")
DOTS = ("dot", "dot_scaled", "warp_group_dot")


@dataclass(frozen=True)
class Outcome:
    """What became of one dump: the stages that it passed, and why it stopped."""

    path: str
    passed: int
    reason: str = ""
    same_text: bool = False  # printing gave the very text of the file
    has_dots: bool = False
    has_doubles: bool = False


@dataclass(frozen=True)
class Plan:
    """What to do with every dump."""

    target: str
    stages: int


def examine(path: str, plan: Plan) -> Outcome:
    """Take one dump through the stages."""
    progress = _Progress(path, plan)
    try:
        for stage in STAGES[: plan.stages]:
            progress.do(stage)
    except Exception as error:  # anything counts: what is no TrimetalError is a bug to be seen
        return replace(progress.outcome, reason=reason_of(error))
    return progress.outcome


class _Progress:
    """One dump on its way."""

    def __init__(self, path: str, plan: Plan) -> None:
        self.outcome = Outcome(path, 0)
        self._target = plan.target
        self._module: Any = None
        self._source = ""

    def do(self, stage: str) -> None:
        """Do a stage; what goes wrong is raised."""
        {
            "parse": self._parse,
            "round trip": self._round_trip,
            "transpile": self._transpile,
            "check": self._check,
        }[stage]()
        self.outcome = replace(self.outcome, passed=self.outcome.passed + 1)

    def _parse(self) -> None:
        import trimetal

        self._module = trimetal.parse(self.outcome.path)
        ops = [op for top in self._module.body.ops for op in top.walk()]
        names = {op.op_name for op in ops}
        types = {str(type_) for op in ops for type_ in _types(op)}
        self.outcome = replace(
            self.outcome,
            has_dots=any(name.split(".")[-1] in DOTS for name in names),
            has_doubles=any(re.search(r"\bf64\b|xf64\b", text) for text in types),
        )

    def _round_trip(self) -> None:
        import trimetal
        from trimetal.transpiler.ir.equal import equal
        from trimetal.transpiler.ir.printer import print_module

        text = Path(self.outcome.path).read_text(encoding="utf-8")
        printed = print_module(self._module, locations="#loc" in text)
        self.outcome = replace(self.outcome, same_text=printed == text)
        if not equal(self._module, trimetal.parse(printed), locations=True):
            raise AssertionError("the printed module is another one")

    def _transpile(self) -> None:
        import trimetal

        self._source = trimetal.transpile(self._module, target=self._target).source

    def _check(self) -> None:
        import trimetal

        findings = trimetal.check(self._source)
        if findings:
            raise AssertionError(f"check: {findings[0]}")


def _types(op: Any) -> Iterator[object]:
    """The types of an op's results and of its regions' arguments."""
    yield from (result.type for result in op.results)
    for region in op.regions:
        for block in region.blocks:
            yield from (argument.type for argument in block.args)


def reason_of(error: BaseException) -> str:
    """The kind of an error and its message, without what differs from dump to dump."""
    message = str(getattr(error, "message", "")) or str(error).split("\n", 1)[0]
    message = re.sub(r"<[^<>]*(<[^<>]*(<[^<>]*>[^<>]*)*>[^<>]*)*>", "<...>", message)
    message = re.sub(r"%[\w#$.-]+", "%...", message)
    if type(error).__name__ == "OutOfResourcesError":
        message = re.sub(r"\d+", "N", message)
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


def page_rows(outcomes: Sequence[Outcome]) -> tuple[list[Row], list[Row]]:
    """For docs/support.md: what passed, by kind of dump, and the reasons of the others."""
    kinds: dict[str, list[Outcome]] = {
        "without dots, without f64": [],
        "with dots, without f64": [],
        "with f64": [],
    }
    for outcome in outcomes:
        plain = "with dots, without f64" if outcome.has_dots else "without dots, without f64"
        kinds["with f64" if outcome.has_doubles else plain].append(outcome)
    passed = [
        Row(kind, len(found), sum(o.passed == len(STAGES) for o in found))
        for kind, found in kinds.items()
    ]
    stopped = [o for o in outcomes if o.reason]
    counts = Counter(o.reason for o in stopped if not o.has_doubles)
    reasons = [Row(reason, count) for reason, count in counts.most_common()]
    doubles = sum(o.has_doubles for o in stopped)
    return passed, [*reasons, Row("64-bit floats, which Metal has not", doubles)]


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
    parser.add_argument("--write", metavar="NAME", help="write the result into docs/support.md")
    options = parser.parse_args(arguments)
    if options.write and options.until != STAGES[-1]:
        parser.error("--write needs all stages")
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
    if options.write:
        write_page(options.write, options.target, *page_rows(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
