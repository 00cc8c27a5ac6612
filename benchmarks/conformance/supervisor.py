"""The supervisor: hands tests to workers, and replaces a worker that crashed or hangs."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait

import pytest

from .outcome import CRASH, FAILED, TIME_OUT, Outcome
from .worker import work

# A worker keeps what it has compiled in memory; after this many tests a new one takes over.
_TESTS_OF_A_WORKER = 400

_fork = multiprocessing.get_context("fork")


class Worker:
    """The supervisor's end of a worker."""

    def __init__(self, session: pytest.Session, environment: dict[str, str]) -> None:
        self.connection: Connection
        self.connection, theirs = _fork.Pipe()
        self._process = _fork.Process(target=work, args=(theirs, session, environment))
        self._process.start()
        theirs.close()
        self.test: int | None = None
        self.started = 0.0
        self.done = 0

    def send(self, test: int | None) -> None:
        """Start a test; None: end."""
        self.test = test
        self.started = time.monotonic()
        with contextlib.suppress(BrokenPipeError):
            self.connection.send(test)

    def answer(self) -> Outcome | None:
        """The outcome that has arrived; None if the worker crashed."""
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None

    def how_it_ended(self) -> str:
        """Why a worker that crashed did so."""
        self._process.join()
        code = self._process.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"

    def end(self) -> None:
        """Stop the worker and all that its tests started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self.connection.close()


class Supervisor:
    """Runs tests of one session in several workers."""

    def __init__(
        self,
        session: pytest.Session,
        jobs: int,
        seconds: float,
        environment: dict[str, str],
        report: Callable[[Outcome], None],
    ) -> None:
        self._session = session
        self._jobs = jobs
        self._seconds = seconds
        self._environment = environment
        self._report = report
        self._waiting: deque[int] = deque()
        self._workers: list[Worker] = []

    def run(self, tests: Sequence[int]) -> None:
        """Run the tests with these numbers; each outcome is reported once it is known."""
        self._waiting = deque(tests)
        try:
            for _ in range(min(self._jobs, len(tests))):
                self._hire()
            while self._workers:
                self._step()
        finally:
            for worker in self._workers:
                worker.end()

    def _hire(self) -> None:
        worker = Worker(self._session, self._environment)
        self._workers.append(worker)
        worker.send(self._waiting.popleft())

    def _step(self) -> None:
        """Wait for the next thing that happens, for at most a second."""
        ready = wait([worker.connection for worker in self._workers], timeout=1.0)
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.connection in ready:
                self._listen(worker)
            elif now - worker.started > self._seconds:
                self._replace(worker, TIME_OUT, f"more than {self._seconds:.0f} s")

    def _listen(self, worker: Worker) -> None:
        outcome = worker.answer()
        if outcome is None:
            self._replace(worker, CRASH, worker.how_it_ended())
            return
        self._report(outcome)
        worker.done += 1
        if self._waiting and worker.done < _TESTS_OF_A_WORKER:
            worker.send(self._waiting.popleft())
        else:
            self._dismiss(worker)

    def _replace(self, worker: Worker, reason: str, message: str) -> None:
        assert worker.test is not None
        test = self._session.items[worker.test].nodeid
        seconds = time.monotonic() - worker.started
        self._dismiss(worker)
        self._report(Outcome(test, FAILED, seconds, reason, message))

    def _dismiss(self, worker: Worker) -> None:
        worker.end()
        self._workers.remove(worker)
        if self._waiting:
            self._hire()
