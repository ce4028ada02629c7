"""What may end a run from outside: Ctrl-C, a signal, the deadline; each after clean-up."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from perfctl.errors import PerfctlError, TimedOutError

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SAME_PRESS_SECONDS = 0.5
"""Signals within this are one: a terminal and a supervisor may both send theirs."""

WRITING_SECONDS = 2.0
"""How long a signal waits for an answer to be written; a reader may have stopped reading."""

CANCELLING_SECONDS = 10.0
"""How long a task may clean up; more than closing the engines, releasing a lock and ending other tasks take."""

CLEANING_SECONDS = 30.0
"""How long everything else may: a sandbox that was half up ends its servers."""


class Stopped(BaseException):
    """A signal ended the run; no `except Exception` holds it up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class InterruptedRunError(PerfctlError):
    """Ctrl-C."""

    kind = "interrupted"
    exit_code = 130
    http_status = 503
    retryable = True


class TerminatedRunError(PerfctlError):
    """SIGTERM, or the terminal went away."""

    kind = "terminated"
    exit_code = 143
    http_status = 503
    retryable = True


class Interrupts:
    """Turns signals into `Stopped` where the run is, or into the cancellation of the running task.

    The first signal asks politely: a task is cancelled, so that it can clean up, and a document that
    is being written is written to its end, both within a limit. The second one, or the limit, ends the process.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.deadline_seconds: float | None = None
        self._received_at = 0.0
        self._leave: Callable[[PerfctlError], Any] = _nothing
        self._cancel: Callable[[], Any] | None = None
        self._undisturbed = False

    @contextlib.contextmanager
    def watched(self, leave: Callable[[PerfctlError], Any]) -> Iterator[None]:
        """Watch from here to there; what was ignored (nohup, a shell's background job) stays ignored.

        `leave` says the error and ends the process: for a run that does not end by itself.
        """
        self.received = self.deadline_seconds = self._cancel = None
        self._undisturbed, self._leave = False, leave
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (*_WATCHED, signal.SIGALRM)}
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)

    @contextlib.contextmanager
    def deadline(self, seconds: float | None) -> Iterator[None]:
        """From here to there at most so many seconds, whatever the run does: computes, asks or waits."""
        if seconds is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        self.deadline_seconds = seconds
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            if self.received is None:
                signal.setitimer(signal.ITIMER_REAL, 0)

    @contextlib.contextmanager
    def cancelling(self, cancel: Callable[[], Any]) -> Iterator[None]:
        """While a task runs: the first signal cancels it."""
        self._cancel = cancel
        try:
            yield
        finally:
            self._cancel = None

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """While an answer is written: the first signal waits, so that no half document goes out."""
        self._undisturbed = True
        try:
            yield
        finally:
            self._undisturbed = False
            if self.received is not None:
                signal.setitimer(signal.ITIMER_REAL, CLEANING_SECONDS)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """While somebody is asked: a signal raises here, also inside a task."""
        cancel, self._cancel = self._cancel, None
        try:
            if self.received is not None:
                raise Stopped(self.received)
            yield
        finally:
            self._cancel = cancel

    def heed(self) -> None:
        """Between two pieces of an answer: end here when a signal came while the first was written."""
        if self.received is not None:
            raise Stopped(self.received)

    def error(self, stopped: Stopped) -> PerfctlError:
        """What to say of a run that a signal or its deadline ended."""
        if stopped.number == signal.SIGINT:
            return InterruptedRunError("interrupted")
        if stopped.number != signal.SIGALRM:
            return TerminatedRunError(f"terminated by {signal.Signals(stopped.number).name}")
        return TimedOutError(
            f"the run took longer than --deadline {self.deadline_seconds:g}s",
            hint="give it more time, or less to do",
            where="--deadline",
        )

    @contextlib.contextmanager
    def last_words(self) -> Iterator[None]:
        """While it is said why the run ended: a further signal ends the process without a word."""
        self._leave = _exit
        self._undisturbed, self._cancel = False, None
        yield

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self._first(number)
        elif number == signal.SIGALRM or time.monotonic() - self._received_at >= SAME_PRESS_SECONDS:
            if self._undisturbed:
                raise Stopped(self.received)
            self._leave(self.error(Stopped(self.received)))

    def _first(self, number: int) -> None:
        self.received, self._received_at = number, time.monotonic()
        if self._undisturbed:
            signal.setitimer(signal.ITIMER_REAL, WRITING_SECONDS)
        elif self._cancel is not None:
            signal.setitimer(signal.ITIMER_REAL, CANCELLING_SECONDS)
            self._cancel()
        else:
            signal.setitimer(signal.ITIMER_REAL, CLEANING_SECONDS)
            raise Stopped(number)


def _nothing(_error: PerfctlError) -> None:
    return None


def _exit(error: PerfctlError) -> None:
    os._exit(error.exit_code)


INTERRUPTS = Interrupts()
"""Signals belong to the process, so there is one of these."""
