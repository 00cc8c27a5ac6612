"""A worker: a fork of the process that collected the tests. Runs those that it is sent."""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from .outcome import FAILED, PASSED, SKIPPED, Outcome, reason_of


class FailureNotes:
    """A pytest plugin: keeps the exception of the test that runs."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Called after each phase of a test."""
        if call.excinfo is not None and self.error is None:
            self.error = call.excinfo.value


def work(connection: Connection, session: pytest.Session, environment: dict[str, str]) -> None:
    """Answer every number of a test with its outcome, until None comes."""
    # The supervisor ends the group: tests start processes of their own.
    os.setpgrp()
    os.environ.update(environment)
    capture: Any = session.config.pluginmanager.getplugin("capturemanager")
    # The files behind the captured output are shared with all other workers otherwise.
    capture.stop_global_capturing()
    capture.start_global_capturing()
    notes = FailureNotes()
    session.config.pluginmanager.register(notes)
    while True:
        number: int | None = connection.recv()
        if number is None:
            return
        connection.send(_run(session.items[number], notes))


def _run(item: pytest.Item, notes: FailureNotes) -> Outcome:
    notes.error = None
    start = time.perf_counter()
    reports = runtestprotocol(item, log=False, nextitem=None)
    seconds = time.perf_counter() - start
    failed = any(report.failed for report in reports)
    if failed and notes.error is not None:
        reason, message = reason_of(notes.error)
        return Outcome(item.nodeid, FAILED, seconds, reason, message)
    skipped = next((report for report in reports if report.skipped), None)
    if skipped is not None:
        return Outcome(item.nodeid, SKIPPED, seconds, message=_skip_reason(skipped))
    return Outcome(item.nodeid, FAILED if failed else PASSED, seconds)


def _skip_reason(report: pytest.TestReport) -> str:
    longrepr = report.longrepr
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
