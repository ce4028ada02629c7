"""The file of the alerts: how each stands, what was counted, and what was not told yet; all in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from perfctl.errors import ConfigError, LockedError, PerfctlError, ServiceError
from perfctl.metrics.alerts.ledger import Events
from perfctl.metrics.alerts.model import Notice
from perfctl.metrics.alerts.stepping import Standing
from perfctl.metrics.history.store import BUSY_SECONDS, connected, version_of
from perfctl.write_ahead import switch_to_wal

VERSION = 1
MOST_WAITING = 10_000
"""More changes than these are not kept for one place: the oldest go first."""
_FINE_SECONDS = 3 * 3600.0
_HINT = "set metrics.history_file to a file on a local disk that you may write: the alerts lie beside it"

_SCHEMA = """
CREATE TABLE standings (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE moments (name TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
    sli TEXT NOT NULL, at REAL NOT NULL, good REAL NOT NULL, total REAL NOT NULL, PRIMARY KEY (sli, at)
) WITHOUT ROWID;
CREATE TABLE waiting (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, body TEXT NOT NULL, refused INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX waiting_sink ON waiting (sink, refused, id);
CREATE TABLE sinks (
    name TEXT PRIMARY KEY, failures INTEGER NOT NULL, retry_at REAL, error TEXT, renewed REAL,
    holder TEXT, held_until REAL
) WITHOUT ROWID;
"""


class Waiting(NamedTuple):
    """A change that one place was not told of yet."""

    number: int
    notice: Notice


class Kept(NamedTuple):
    """What is known of one place."""

    waiting: int
    refused: int
    failures: int
    error: str | None
    retry_at: float | None
    renewed: float | None


class Store:
    """One file for each history; every use opens it, so that forks and threads need no care.

    ConfigError where it cannot be used, LockedError where another process holds it for ten seconds, ServiceError
    where the disk is full or the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_there(self) -> bool:
        """Whether anything was ever evaluated here."""
        return self.path.exists()

    @contextmanager
    def writing(self) -> Iterator[Sheet]:
        """A transaction that excludes others: all of it, or nothing."""
        with self._translated(), closing(self._opened()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Sheet(connection)
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[Sheet]:
        """What is there, for who may not write, too."""
        with self._translated(), closing(connected(self.path, "ro")) as connection:
            _refuse_other_versions(connection, self.path)
            connection.execute("BEGIN")
            yield Sheet(connection)

    def _opened(self) -> sqlite3.Connection:
        if not self.path.parent.is_dir():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = connected(self.path, "rwc")
        try:
            _prepare(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PerfctlError:
            raise
        except sqlite3.Error as error:
            raise _understood(error, self.path) from error
        except OSError as error:
            raise _unusable(self.path, error.strerror or str(error)) from error


class Sheet:
    """The file within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def standings(self) -> dict[str, Standing]:
        """How each alert stood last."""
        rows = self._connection.execute("SELECT name, body FROM standings")
        return {name: Standing(**json.loads(body)) for name, body in rows}

    def keep_standings(self, standings: Mapping[str, Standing]) -> None:
        """How each stands now; those that are not named are forgotten."""
        self._connection.execute("DELETE FROM standings")
        rows = [(name, json.dumps(asdict(standing))) for name, standing in standings.items()]
        self._connection.executemany("INSERT INTO standings VALUES (?, ?)", rows)

    def moment(self, name: str) -> float | None:
        """A moment by its name; None where it never came."""
        row = self._connection.execute("SELECT at FROM moments WHERE name = ?", (name,)).fetchone()
        return None if row is None else float(row[0])

    def keep_moment(self, name: str, at: float) -> None:
        """Remember a moment."""
        self._connection.execute("INSERT OR REPLACE INTO moments VALUES (?, ?)", (name, at))

    def replace_events(self, sli: str, start: float, found: Iterable[tuple[float, Events]]) -> None:
        """What was counted since `start`, in place of what was known of that time."""
        self._connection.execute("DELETE FROM events WHERE sli = ? AND at >= ?", (sli, start))
        rows = [(sli, at, events.good, events.total) for at, events in found]
        self._connection.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET good = good + excluded.good, total = total + excluded.total",
            rows,
        )

    def events(self, sli: str, start: float) -> list[tuple[float, Events]]:
        """What was counted since `start`."""
        rows = self._connection.execute(
            "SELECT at, good, total FROM events WHERE sli = ? AND at >= ? ORDER BY at", (sli, start)
        )
        return [(at, Events(good, total)) for at, good, total in rows]

    def fold_events(self, sli: str, *, now: float, keep_seconds: float) -> None:
        """Sum what is older than three hours by the minute, and forget what no window reaches."""
        self._connection.execute("DELETE FROM events WHERE sli = ? AND at < ?", (sli, now - keep_seconds))
        fine = (now - _FINE_SECONDS) // 60 * 60
        since = self.moment(f"folded:{sli}") or 0.0
        if fine <= since:
            return
        rows = self._connection.execute(
            "SELECT CAST(at / 60 AS INTEGER) * 60 + 30, SUM(good), SUM(total) FROM events"
            " WHERE sli = ? AND at >= ? AND at < ? GROUP BY 1",
            (sli, since, fine),
        ).fetchall()
        self._connection.execute("DELETE FROM events WHERE sli = ? AND at >= ? AND at < ?", (sli, since, fine))
        self._connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", [(sli, *row) for row in rows])
        self.keep_moment(f"folded:{sli}", fine)

    def forget_other_events(self, slis: Iterable[str]) -> None:
        """Drop what was counted for ratios that nobody watches any more."""
        known = {row[0] for row in self._connection.execute("SELECT DISTINCT sli FROM events")}
        for sli in known - set(slis):
            self._connection.execute("DELETE FROM events WHERE sli = ?", (sli,))
            self._connection.execute("DELETE FROM moments WHERE name IN (?, ?)", (f"read:{sli}", f"folded:{sli}"))

    def tell(self, sink: str, notices: Iterable[Notice]) -> None:
        """Put changes into the queue of one place."""
        self._connection.executemany(
            "INSERT INTO waiting (sink, body) VALUES (?, ?)",
            [(sink, json.dumps(asdict(notice))) for notice in notices],
        )
        self._connection.execute(
            "DELETE FROM waiting WHERE sink = ? AND id <= (SELECT MAX(id) FROM waiting) - ?", (sink, MOST_WAITING)
        )

    def waiting(self, sink: str, *, limit: int) -> list[Waiting]:
        """What one place has to be told, in order."""
        rows = self._connection.execute(
            "SELECT id, body FROM waiting WHERE sink = ? AND refused = 0 ORDER BY id LIMIT ?", (sink, limit)
        )
        return [Waiting(number, Notice(**json.loads(body))) for number, body in rows]

    def told(self, numbers: Iterable[int]) -> None:
        """Take out what a place was told."""
        self._connection.executemany("DELETE FROM waiting WHERE id = ?", [(number,) for number in numbers])

    def refused(self, number: int) -> None:
        """Set aside what a place will never take."""
        self._connection.execute("UPDATE waiting SET refused = 1 WHERE id = ?", (number,))

    def sink(self, name: str) -> Kept:
        """What is known of one place."""
        counts = dict(
            self._connection.execute(
                "SELECT refused, COUNT(*) FROM waiting WHERE sink = ? GROUP BY refused", (name,)
            ).fetchall()
        )
        row = self._connection.execute(
            "SELECT failures, error, retry_at, renewed FROM sinks WHERE name = ?", (name,)
        ).fetchone() or (0, None, None, None)
        return Kept(counts.get(0, 0), counts.get(1, 0), *row)

    def keep_sink(
        self, name: str, *, failures: int, error: str | None, retry_at: float | None, renewed: float | None
    ) -> None:
        """What the last attempt came to; whoever held the place lets go of it."""
        self._connection.execute(
            "INSERT OR REPLACE INTO sinks VALUES (?, ?, ?, ?, ?, NULL, NULL)",
            (name, failures, retry_at, error, renewed),
        )

    def hold(self, sink: str, *, holder: str, now: float, seconds: float) -> bool:
        """Let one process alone tell a place, for so long at most: whether it is us."""
        self._connection.execute("INSERT OR IGNORE INTO sinks (name, failures) VALUES (?, 0)", (sink,))
        changed = self._connection.execute(
            "UPDATE sinks SET holder = ?, held_until = ? WHERE name = ?"
            " AND (holder IS NULL OR holder = ? OR held_until <= ? OR held_until > ?)",
            (holder, now + seconds, sink, holder, now, now + 10 * seconds),
        )
        return changed.rowcount == 1


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """The tables, made by the first. A commit is on the disk when it returns: what was told is not told again."""
    if version_of(connection) == 0:
        switch_to_wal(connection, at_most_seconds=BUSY_SECONDS)
        connection.execute("BEGIN IMMEDIATE")
        if version_of(connection) == 0:
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        path.chmod(0o600)
    connection.execute("PRAGMA synchronous = FULL")
    _refuse_other_versions(connection, path)


def _refuse_other_versions(connection: sqlite3.Connection, path: Path) -> None:
    found = version_of(connection)
    if found != VERSION:
        raise ServiceError(
            f"the alerts' file {path} has version {found}, and this perfctl reads version {VERSION}",
            hint="move it away: alerts that fire are told once more",
        )


def _understood(error: sqlite3.Error, path: Path) -> PerfctlError:
    code = getattr(error, "sqlite_errorname", "") or ""
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LockedError(
            f"the alerts' file {path} is held by another process for {BUSY_SECONDS:g} s", hint="try again in a moment"
        )
    if code.startswith("SQLITE_FULL"):
        return ServiceError(f"the disk is full: nothing was written to the alerts' file {path}", hint="make room")
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return _unusable(path, str(error))
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return ServiceError(
            f"the alerts' file {path} is damaged: {error}", hint="move it away: alerts that fire are told once more"
        )
    return ServiceError(f"the alerts' file {path}: {error}", hint="is its disk well?")


def _unusable(path: Path, reason: str) -> ConfigError:
    return ConfigError(f"the alerts' file {path} cannot be used: {reason}", hint=_HINT, where="metrics.history_file")
