"""The command: `python -m benchmarks.conformance --triton CHECKOUT [--select EXPRESSION] ...`."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from .journal import Journal
from .outcome import FAILED, NOT_COLLECTED, PASSED, Outcome, last_line
from .page import write_page
from .progress import Counter
from .report import markdown, summary, write_json
from .supervisor import Supervisor

TESTS = "python/test/unit/language"


class Run:
    """A pytest plugin: takes the place of pytest's own loop over the tests."""

    def __init__(self, options: argparse.Namespace, console: Console, journal: Journal) -> None:
        self._options = options
        self._console = console
        self._journal = journal
        self.outcomes: dict[str, Outcome] = journal.kept

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be read counts as one test."""
        if report.failed:
            message = last_line(report.longreprtext)
            self._note(Outcome(report.nodeid, FAILED, 0.0, NOT_COLLECTED, message))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all tests; then, without kernels, those that passed."""
        numbers = range(0, len(session.items), self._options.every)
        tests = [n for n in numbers if session.items[n].nodeid not in self.outcomes]
        # Makes the directory now: every worker would begin with removing the others'.
        factory: Any = getattr(session.config, "_tmp_path_factory")  # noqa: B009
        factory.getbasetemp()
        self._phase(session, "tests", tests, {}, self._note)
        if self._options.vacuous:
            passed = [n for n in numbers if self._is_to_be_tried(session.items[n].nodeid)]
            off = {"TRIMETAL_LAUNCH": "none"}
            self._phase(session, "without kernels", passed, off, self._note_vacuous)
        return True

    def _phase(
        self,
        session: pytest.Session,
        title: str,
        tests: Sequence[int],
        environment: dict[str, str],
        note: Callable[[Outcome], None],
    ) -> None:
        with Counter(self._console, title, len(tests)) as counter:

            def report(outcome: Outcome) -> None:
                note(outcome)
                counter.add(outcome.outcome == PASSED)

            jobs, seconds = self._options.jobs, self._options.timeout
            Supervisor(session, jobs, seconds, environment, report).run(tests)

    def _is_to_be_tried(self, test: str) -> bool:
        outcome = self.outcomes[test]
        return outcome.outcome == PASSED and outcome.vacuous is None

    def _note(self, outcome: Outcome) -> None:
        self.outcomes[outcome.test] = outcome
        self._journal.add(outcome)

    def _note_vacuous(self, outcome: Outcome) -> None:
        vacuous = outcome.outcome == PASSED
        self._note(replace(self.outcomes[outcome.test], vacuous=vacuous))


def main() -> int:
    """Run the tests, write conformance.json and conformance.md (and the page), print a line."""
    options = _parser().parse_args()
    root = Path(options.triton).resolve()
    files = [_file(root, name) for name in options.files] or [root / TESTS]
    # A copy of stderr: pytest turns the original one to a file while tests run.
    console = Console(file=os.fdopen(os.dup(2), "w"), force_terminal=sys.stderr.isatty() or None)
    start = time.monotonic()
    output = Path(options.output).resolve()
    output.mkdir(parents=True, exist_ok=True)
    run = Run(options, console, Journal(output / "outcomes.jsonl", resume=options.resume))
    # Thousands of kernels, which the user's own cache need not keep.
    os.environ.setdefault("TRIMETAL_CACHE_DIR", str(output / "cache"))
    with tempfile.TemporaryDirectory(prefix="trimetal-conformance-") as cache:
        os.environ.update(TRITON_BACKEND="metal", TRITON_CACHE_DIR=cache)
        status = pytest.main(_pytest_arguments(root, files, options), plugins=[run])
    if not run.outcomes:
        return int(status)
    outcomes = list(run.outcomes.values())
    facts = _facts(options, time.monotonic() - start)
    write_json(output / "conformance.json", facts, outcomes)
    (output / "conformance.md").write_text(markdown(facts, outcomes), encoding="utf-8")
    if options.write:
        write_page(facts, outcomes)
    print(f"{summary(outcomes)}\n{output / 'conformance.md'}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.conformance",
        description="Run the tests of a Triton checkout on Trimetal, and tell what became of them.",
    )
    parser.add_argument("files", nargs="*", help="files of tests, such as test_core.py (all)")
    parser.add_argument("--triton", metavar="CHECKOUT", required=True, help="Triton's sources")
    parser.add_argument("--select", metavar="EXPRESSION", help="as pytest's -k")
    parser.add_argument("--every", metavar="N", type=int, default=1, help="each Nth test only")
    parser.add_argument("--jobs", metavar="N", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=120.0, help="of a test")
    parser.add_argument("--output", metavar="FOLDER", default="build/conformance")
    parser.add_argument(
        "--resume", action="store_true", help="keep what an interrupted run found out"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the result into docs/support.md"
    )
    parser.add_argument(
        "--no-vacuous",
        dest="vacuous",
        action="store_false",
        help="do not run what passed once more, without running any kernel",
    )
    return parser


def _file(root: Path, name: str) -> Path:
    path = root / TESTS / name
    return path if path.exists() else root / name


def _pytest_arguments(root: Path, files: Sequence[Path], options: argparse.Namespace) -> list[str]:
    arguments = [
        *map(str, files),
        f"--rootdir={root}",
        f"--config-file={root / 'pytest.ini'}",
        f"--confcutdir={root}",
        "--device=cpu",
        "-qqq",
        "--no-header",
        "--no-summary",
        "-p",
        "no:cacheprovider",
    ]
    return [*arguments, "-k", options.select] if options.select else arguments


def _facts(options: argparse.Namespace, seconds: float) -> dict[str, object]:
    versions = {name: importlib.metadata.version(name) for name in ("triton", "torch")}
    chosen = " ".join(options.files) or TESTS
    if options.select:
        chosen += f", selected by {options.select!r}"
    if options.every > 1:
        chosen += f", each {options.every}th"
    return {
        "tests": chosen,
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "machine": f"{platform.system()} {platform.machine()}, {options.jobs} workers",
        "limit of a test": f"{options.timeout:.0f} s",
        "duration": f"{seconds / 60:.1f} minutes",
    }


if __name__ == "__main__":
    sys.exit(main())
