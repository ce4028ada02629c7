"""Running a command once, and what it took: its CPU time and that of its children, time by the clock, its output."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Protocol

from perfctl.errors import TimedOutError, UsageError

OUTPUT_LIMIT = 16 * 1024 * 1024
_TAIL_BYTES = 2000
_TAIL_LINES = 6
_ENDING_SECONDS = 2.0
_POLL_SECONDS = 0.002
_RAISING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
"""Signals whose handlers may raise wherever the run is."""


@dataclass(frozen=True, slots=True)
class Took:
    """What one run took."""

    cpu_seconds: float
    """In user and kernel mode, of the command and of all its children that were waited for."""
    wall_seconds: float
    output: bytes
    """What it printed on stdout, up to a limit."""


class _Usage(Protocol):
    @property
    def ru_utime(self) -> float: ...

    @property
    def ru_stime(self) -> float: ...


def run_once(command: str, name: str, *, timeout_seconds: float, keep_output: bool = False) -> Took:
    """Run a command line with /bin/sh, its output kept apart from ours and its stdin empty.

    UsageError with the end of its stderr where it fails, TimedOutError where it takes too long. Whatever ends this
    early (Ctrl-C, the deadline), the command and its process group are ended, too.
    """
    with tempfile.TemporaryFile() as errors, _target(keep_output) as output:
        started, child = time.monotonic(), None
        try:
            with _signals_held():
                child = subprocess.Popen(  # noqa: S602 - the user's own command line
                    command, shell=True, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
                )
            status, usage = _waited(child.pid, started + timeout_seconds)
        except TimeoutError as error:
            raise TimedOutError(
                f"{name}: {_shown(command)} took longer than {timeout_seconds:g} s",
                hint="give it longer with --timeout",
                where=f"--{name}",
            ) from error
        finally:
            ended = time.monotonic()
            if child is not None:
                _end(child)
        code = os.waitstatus_to_exitcode(status)
        if code != 0:
            raise _failed(command, name, code, _tail(errors))
        return Took(usage.ru_utime + usage.ru_stime, ended - started, _content(output) if keep_output else b"")


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """While a child is started: a signal whose handler raised just then would leave behind a child that nobody knows.

    It is heeded at the end. The mask, which the child would inherit, holds signals only while handlers are changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {number: handler for number in _RAISING if callable(handler := signal.getsignal(number))}
    with _signals_masked():
        for number in handlers:
            signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        with _signals_masked():
            for number, handler in handlers.items():
                signal.signal(number, handler)
        for held in came:
            signal.raise_signal(held)


@contextlib.contextmanager
def _signals_masked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _RAISING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _target(keep_output: bool) -> IO[bytes]:
    return tempfile.TemporaryFile() if keep_output else open(os.devnull, "wb")  # noqa: PTH123 - both are closed


def _waited(pid: int, until: float) -> tuple[int, _Usage]:
    """The exit status and what it used, once it has ended; TimeoutError where it has not by then."""
    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return _polled(pid, until)
    import select

    with contextlib.closing(os.fdopen(handle, "rb", buffering=0)):
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise TimeoutError
    _, status, usage = os.wait4(pid, 0)
    return status, usage


def _polled(pid: int, until: float) -> tuple[int, _Usage]:
    """Where there are no process handles: asked again and again."""
    while time.monotonic() < until:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return status, usage
        time.sleep(_POLL_SECONDS)
    raise TimeoutError


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the command's group where it still runs: asked first, then killed."""
    if child.returncode is not None or not _is_there(child):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_ENDING_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _is_there(child: subprocess.Popen[bytes]) -> bool:
    """Whether it runs. One that was waited for has left its status with us, not with Popen, which is told so."""
    try:
        ended, _ = os.waitpid(child.pid, os.WNOHANG)
    except ChildProcessError:
        child.returncode = 0
        return False
    if ended:
        child.returncode = 0
    return not ended


def _failed(command: str, name: str, code: int, tail: str) -> UsageError:
    ending = f"was ended by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    said = "".join(f"\n  | {line}" for line in tail.splitlines()) or "; it said nothing on stderr"
    return UsageError(
        f"{name}: {_shown(command)} {ending}{said}",
        hint="a command that fails cannot be compared: run it by itself first",
        where=f"--{name}",
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _shown(command: str) -> str:
    line = " ".join(command.split())
    return repr(line if len(line) <= 100 else line[:99] + "…")


def _tail(stream: IO[bytes]) -> str:
    stream.seek(0, os.SEEK_END)
    stream.seek(max(0, stream.tell() - _TAIL_BYTES))
    text = stream.read(_TAIL_BYTES).decode(errors="replace")
    lines = ("".join(sign if sign.isprintable() else "?" for sign in line) for line in text.splitlines()[-_TAIL_LINES:])
    return "\n".join(lines)


def _content(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read(OUTPUT_LIMIT)
