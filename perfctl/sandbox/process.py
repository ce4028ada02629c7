"""A process that cannot be mistaken for another: its pid, its start time and the mark on its command line."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_ON_LINUX = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Process:
    """A pid together with the moment at which it started; a recycled pid has another moment."""

    pid: int
    started: float
    """Clock ticks since boot on Linux, where the wall clock may be set; elsewhere seconds since the epoch."""


def identify(pid: int) -> Process | None:
    """Who has this pid now; None for nobody and for a zombie."""
    started = _started_linux(pid) if _ON_LINUX else _started_elsewhere(pid)
    return None if started is None else Process(pid, started)


def is_running(process: Process, mark: str) -> bool:
    """Whether it still runs, is the same, and carries the mark."""
    return identify(process.pid) == process and mark in command_line(process.pid)


def command_line(pid: int) -> str:
    """Its arguments with spaces between, empty where they cannot be read."""
    if not _ON_LINUX:
        return _psutil_command_line(pid)
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def marked(mark: str) -> list[Process]:
    """Every process of this machine, but this one, whose command line carries the mark."""
    found = (identify(pid) for pid in _pids() if pid != os.getpid() and mark in command_line(pid))
    return [process for process in found if process is not None]


def parent_of(pid: int) -> int | None:
    """The pid of its parent."""
    import psutil

    try:
        parent: int = psutil.Process(pid).ppid()
    except psutil.Error:
        return None
    return parent


def resident_bytes(process: Process) -> int | None:
    """Memory of the process and all its children; shared pages count in each."""
    import psutil

    try:
        root = psutil.Process(process.pid)
        return sum(_resident(member) for member in (root, *root.children(recursive=True)))
    except psutil.Error:
        return None


def uptime_seconds(process: Process) -> float | None:
    """How long it runs."""
    import psutil

    try:
        return max(0.0, time.time() - psutil.Process(process.pid).create_time())
    except psutil.Error:
        return None


def send(process: Process, number: signal.Signals) -> bool:
    """Signal it, and nobody who got its pid since; whether there was somebody to signal."""
    if not hasattr(os, "pidfd_open"):
        return _send_by_pid(process, number)
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        if identify(process.pid) != process:
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def wait_gone(processes: Iterable[Process], seconds: float) -> list[Process]:
    """Wait until none of them runs; those that still do after the time."""
    deadline = time.monotonic() + seconds
    left = _still_there(processes)
    while left and time.monotonic() < deadline:
        time.sleep(0.005)
        left = _still_there(left)
    return left


def end(processes: Mapping[Process, signal.Signals], *, grace_seconds: float) -> None:
    """Send each its signal, all at once, wait, and kill those that do not go."""
    left = [process for process, number in processes.items() if send(process, number)]
    left = wait_gone(left, grace_seconds)
    for process in left:
        send(process, signal.SIGKILL)
    wait_gone(left, 5.0)


def _still_there(processes: Iterable[Process]) -> list[Process]:
    listed = list(processes)
    for process in listed:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
    return [process for process in listed if identify(process.pid) == process]


def _send_by_pid(process: Process, number: signal.Signals) -> bool:
    if identify(process.pid) != process:
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def _started_linux(pid: int) -> float | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text[text.rfind(")") + 2 :].split()
    return None if fields[0] in "ZX" else float(fields[19])


def _started_elsewhere(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def _psutil_command_line(pid: int) -> str:
    import psutil

    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def _pids() -> Iterator[int]:
    if _ON_LINUX:
        yield from (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
        return
    import psutil

    yield from psutil.pids()


def _resident(member: object) -> int:
    import psutil

    try:
        resident: int = member.memory_info().rss  # type: ignore[attr-defined]
    except psutil.Error:
        return 0
    return resident
