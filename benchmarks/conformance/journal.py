"""Outcomes on disk as they come, so that an interrupted run can be taken up again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from .outcome import Outcome


class Journal:
    """A file with a line of JSON for each outcome; `kept` is what an earlier run wrote, by test."""

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.kept: dict[str, Outcome] = {}
        if resume and path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            outcomes = [Outcome(**json.loads(line)) for line in lines]
            self.kept = {outcome.test: outcome for outcome in outcomes}
        self._file = path.open("a" if resume else "w", encoding="utf-8")

    def add(self, outcome: Outcome) -> None:
        """Writes one outcome."""
        print(json.dumps(asdict(outcome)), file=self._file, flush=True)
