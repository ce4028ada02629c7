"""Starts servers so that they outlive us, waits until they answer, and ends them; knows no server by name."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from perfctl.errors import ServiceError, UnreachableError
from perfctl.sandbox.place import as_user
from perfctl.sandbox.process import Process, end, identify
from perfctl.sandbox.service import Command, NotReadyError, Service
from perfctl.sandbox.state import Started

READY_SECONDS = 60.0
"""How long a server may take to answer: they need 0.1 s, a busy machine many times that."""

STOP_SECONDS = 5.0
_PAUSE_SECONDS = 0.01
_TAIL_LINES = 8
_LOG_BYTES = 10_000_000
"""A longer log starts anew with its server; the one before is kept beside it."""


class StartFailedError(UnreachableError):
    """A server ended, or did not answer in time; the message holds the tail of its log."""

    def __init__(self, service: Service, reason: str, log: Path) -> None:
        lines = "".join(f"\n  | {line}" for line in tail(log, _TAIL_LINES))
        super().__init__(
            f"{service.name} did not come up: {reason}{lines}", hint=f"the whole log is {log}", where=service.endpoint()
        )
        self.service = service


class _Outliving(subprocess.Popen[bytes]):
    """A child that is meant to run on when we end, which Popen would warn of."""

    def __del__(self, *_: object, **__: object) -> None:
        return None


@dataclasses.dataclass(slots=True)
class _Starting:
    service: Service
    child: _Outliving
    started: Started
    since: float
    ask_at: float = 0.0
    """When to ask it again: ever less often, since a question costs a process."""


class Supervisor:
    """Brings servers up and down; `record` is told at once of each that was started, answered or ended."""

    def __init__(
        self,
        *,
        log_of: Callable[[str], Path],
        record: Callable[[str, Started | None], None],
        say: Callable[[str], None],
    ) -> None:
        self._log_of = log_of
        self._record = record
        self._say = say

    def start(self, services: Sequence[Service], *, answering: Collection[str] = ()) -> None:
        """Start them all, each after those that it needs, and return when all answer. StartFailedError otherwise."""
        for service in services:
            self._made(service, service.provide)
        ready = set(answering)
        waiting = list(services)
        starting: list[_Starting] = []
        while waiting or starting:
            for each in [each for each in starting if time.monotonic() >= each.ask_at and self._answers(each)]:
                starting.remove(each)
                ready.add(each.service.name)
            startable = [service for service in waiting if ready.issuperset(service.after)]
            if startable:
                waiting.remove(startable[0])
                starting.append(self._launch(startable[0]))
            if starting:
                time.sleep(_PAUSE_SECONDS)

    def stop(self, servers: dict[Service, Process]) -> None:
        """End them all at once, and return when they are gone."""
        signals = {process: service.stop_signal for service, process in servers.items()}
        end(signals, grace_seconds=STOP_SECONDS)
        for service in servers:
            self._record(service.name, None)

    def _launch(self, service: Service) -> _Starting:
        since = time.monotonic()
        self._say(f"starting {service.name}")
        self._made(service, service.prepare)
        version = service.version()
        child = spawn(service.command(), self._log_of(service.name))
        process = identify(child.pid)
        if process is None:
            reason = f"it ended at once, with exit code {child.wait()}"
            raise StartFailedError(service, reason, self._log_of(service.name))
        started = Started(process, version)
        self._record(service.name, started)
        return _Starting(service, child, started, since)

    def _made(self, service: Service, make: Callable[[], None]) -> None:
        try:
            make()
        except ServiceError as error:
            raise StartFailedError(service, error.message, self._log_of(service.name)) from error

    def _answers(self, each: _Starting) -> bool:
        code = each.child.poll()
        if code is not None:
            raise StartFailedError(each.service, f"it ended with exit code {code}", self._log_of(each.service.name))
        took = time.monotonic() - each.since
        try:
            each.service.probe()
        except NotReadyError as error:
            if took > READY_SECONDS:
                reason = f"no good answer in {READY_SECONDS:g} s ({error})"
                raise StartFailedError(each.service, reason, self._log_of(each.service.name)) from error
            each.ask_at = time.monotonic() + min(0.25, took / 10)
            return False
        self._record(each.service.name, dataclasses.replace(each.started, ready_ms=round(took * 1000, 1)))
        return True


def spawn(command: Command, log: Path) -> _Outliving:
    """Start it in a session of its own, both its streams on the log, nothing of ours inherited."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if log.is_file() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".old"))
    with log.open("ab") as output:
        return _Outliving(
            command.argv,
            cwd=command.cwd,
            env=dict(command.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            **as_user(command.uid),
        )


def tail(log: Path, lines: int) -> list[str]:
    """The last lines of a log; none where there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 200 * lines - 4096))
            return file.read().decode(errors="replace").splitlines()[-lines:] if lines else []
    except OSError:
        return []
