"""What may end a run from outside: Ctrl-C, a signal, the deadline; each after clean-up."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from perfctl.errors import PerfctlError, TimedOutError

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
    is being written is written to its end. The second one raises wherever the run is.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.deadline_seconds: float | None = None
        self._cancel: Callable[[], Any] | None = None
        self._undisturbed = False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watch from here to there; what was ignored (nohup, a shell's background job) stays ignored."""
        self.received = self.deadline_seconds = self._cancel = None
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in _WATCHED}
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)

    @contextlib.contextmanager
    def deadline(self, seconds: float | None) -> Iterator[None]:
        """From here to there at most so many seconds, whatever the run does: computes, asks or waits."""
        if seconds is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        self.deadline_seconds = seconds
        handler = signal.signal(signal.SIGALRM, self._on_signal)
        timer = signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.signal(signal.SIGALRM, handler or signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, *timer)

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

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        is_first, self.received = self.received is None, number
        if is_first and self._undisturbed:
            return
        if is_first and self._cancel is not None:
            self._cancel()
            return
        raise Stopped(number)


INTERRUPTS = Interrupts()
"""Signals belong to the process, so there is one of these."""
