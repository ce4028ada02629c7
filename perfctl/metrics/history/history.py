"""History: what was measured, of any window of time, with true percentiles."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError
from perfctl.metrics.history import folding, selecting
from perfctl.metrics.history.joining import joined
from perfctl.metrics.history.levels import DAY, MINUTE, WRITTEN, moment_of
from perfctl.metrics.history.status import HistoryStatus
from perfctl.metrics.history.store import Store, damaged
from perfctl.recording.frame import Frame

if TYPE_CHECKING:
    import sqlite3

_log = logging.getLogger("perfctl.metrics")

FOLD_EVERY_SECONDS = float(MINUTE)


class History:
    """Frames of all processes of a context: 10 s for two hours, a minute for two days, ten minutes for `days`.

    Any number of processes and threads of one host may append and read at once. What was appended is never lost to
    a killed process, counted once at any resolution, and deleted only when it is older than `days`. All methods are
    synchronous and quick; code on an event loop calls them in a thread.

    Windows are half open, [start, end), in seconds since 1970; they are exact to the resolution that is kept.
    ConfigError where the file cannot be used, LockedError where another process holds it for ten seconds,
    ServiceError where it is damaged or of another version. A file that is not there reads as an empty history.
    """

    def __init__(self, path: Path, *, days: float = 30.0, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.days = days
        self._clock = clock
        self._store = Store(path)
        self._folded = -math.inf

    def append(self, frame: Frame, *, source: str) -> None:
        """Add what one process measured since its last frame; it is in the file when this returns.

        `source` names the process: gauges of different sources are added up, those of one follow each other.
        Once a minute this folds, too, what has grown old.
        """
        body = frame.pack()
        row = (WRITTEN, moment_of(frame), frame.at, frame.seconds, source, body)
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO frames (level, moment, at, seconds, source, body) VALUES (?, ?, ?, ?, ?, ?)", row
            )
            connection.execute("INSERT OR IGNORE INTO totals VALUES (1, ?, NULL)", (frame.at - frame.seconds,))
        if time.monotonic() - self._folded >= FOLD_EVERY_SECONDS:
            self._fold_if_it_can_be()

    def fold(self) -> None:
        """Move what is due to the next resolution, and delete what is older than the history is kept."""
        self._store.after_a_fork()
        if not self._store.folding.acquire(blocking=False):
            return
        try:
            self._folded = time.monotonic()
            with self._translating():
                while self._fold_some():
                    pass
        finally:
            self._store.folding.release()

    def prune(self, *, days: float | None = None) -> int:
        """Delete what is older than `days` (by default what the history is kept for); how many rows went."""
        if not self.path.exists():
            return 0
        kept = self.days if days is None else days
        with self._store.writing() as connection:
            return folding.prune(connection, self._clock() - kept * DAY)

    def frames(self, start: float, end: float) -> Iterator[Frame]:
        """What was measured in the window, each at the finest resolution that is kept, oldest first."""
        return (frame for _, frame in self._selected(start, end))

    def window(self, start: float, end: float) -> Frame:
        """What was measured in the window, as one frame; an empty one where nothing was.

        Its `seconds` are those that were measured: counters over them are rates.
        """
        found = [frame for _, frame in self._selected(start, end, with_sums=True)]
        return joined(found) if found else _nothing(end)

    def steps(self, start: float, end: float, step_seconds: float) -> list[Frame]:
        """The window in equal steps, oldest first, each with its end as `at`: always all of them.

        Where nothing was measured `seconds` is 0; a step that is finer than what is kept leaves others empty.
        """
        count = max(0, math.ceil((end - start) / step_seconds - 1e-9))
        found: list[list[Frame]] = [[] for _ in range(count)]
        for moment, frame in self._selected(start, start + count * step_seconds):
            found[min(count - 1, int((moment - start) // step_seconds))].append(frame)
        return [
            _ending(start + (number + 1) * step_seconds, joined(frames) if frames else None)
            for number, frames in enumerate(found)
        ]

    def latest(self, source: str | None = None) -> Frame | None:
        """The last frame that a process wrote, or the last of any; None where there is none."""
        with self._reading() as connection:
            return None if connection is None else selecting.latest(connection, source)

    def totals(self) -> Frame | None:
        """All that was ever measured here, also what is not kept any more: its counters only grow.

        `at - seconds` is no beginning: `began()` is. Gauges are those of all time; the last one is the newest.
        """
        with self._reading() as connection:
            return None if connection is None else selecting.totals(connection)

    def began(self) -> float | None:
        """When the first frame began; None where there is none."""
        with self._reading() as connection:
            return None if connection is None else selecting.began(connection)

    def lease(self, name: str, *, holder: str, seconds: float) -> str | None:
        """Let one holder alone do something for that long: None where it is `holder` now, else who has it.

        What every process would see (a server, the host) is measured by one, or it would count twice.
        """
        now = self._clock()
        with self._store.writing() as connection:
            there = connection.execute("SELECT holder, until FROM leases WHERE name = ?", (name,)).fetchone()
            # A clock that was set back does not make a lease longer than it was asked for.
            if there and there[0] != holder and now < there[1] <= now + 10 * seconds:
                return str(there[0])
            connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", (name, holder, now + seconds))
            return None

    def release(self, name: str, *, holder: str) -> None:
        """Give a lease back before its time."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))

    def status(self) -> HistoryStatus:
        """Where it lies, how large it is and what it holds, by resolution."""
        with self._reading() as connection:
            return selecting.status(connection, self.path, self.days)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        self._store.close()

    def _fold_if_it_can_be(self) -> None:
        """The frame is in the file: who appended it must not take it for lost, and append it again."""
        try:
            self.fold()
        except PerfctlError as error:
            _log.warning("what grew old is not folded for now: %s", error.message)

    def _fold_some(self) -> bool:
        now = self._clock()
        with self._store.writing() as connection:
            more = folding.fold(connection, now)
            if not more and folding.clock_is_even(connection, now):
                folding.prune(connection, now - self.days * DAY)
        return more

    def _selected(self, start: float, end: float, *, with_sums: bool = False) -> Iterator[tuple[float, Frame]]:
        """The file is let go of before the first is unpacked: whoever iterates may take their time."""
        with self._reading() as connection:
            found = None if connection is None else selecting.selected(connection, start, end, with_sums=with_sums)
        with self._translating():
            yield from found or ()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        with self._translating(), self._store.reading() as connection:
            yield connection

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """A body that does not read is damage, whatever SQLite thinks of the file."""
        try:
            yield
        except ValueError as error:
            raise damaged(self.path, error) from error


def _nothing(at: float) -> Frame:
    return Frame(at=at, seconds=0.0)


def _ending(at: float, frame: Frame | None) -> Frame:
    if frame is None:
        return _nothing(at)
    frame.at = at
    return frame
