"""How far a run has come: a bar on a terminal, a line a minute elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 60


class Counter:
    """Counts the tests that are done and those that passed."""

    def __init__(self, console: Console, title: str, total: int) -> None:
        self._console = console
        self._title = title
        self._total = total
        self._done = 0
        self._passed = 0
        self._shown = time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[passed]} passed"),
        )
        # No thread of its own: a fork would copy the locks that it holds.
        self._bar = Progress(
            *columns, console=console, auto_refresh=False, disable=not console.is_terminal
        )
        self._task = self._bar.add_task(title, total=total, passed=0)

    def __enter__(self) -> Counter:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._show()
        self._bar.stop()

    def add(self, passed: bool) -> None:
        """One more test is done."""
        self._done += 1
        self._passed += passed
        self._bar.update(self._task, advance=1, passed=self._passed)
        pause = 1 if self._console.is_terminal else _SECONDS_BETWEEN_LINES
        if time.monotonic() - self._shown > pause:
            self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        if self._console.is_terminal:
            self._bar.refresh()
        else:
            done = f"{self._title}: {self._done} of {self._total}, {self._passed} passed"
            self._console.print(done, highlight=False)
            self._console.file.flush()
