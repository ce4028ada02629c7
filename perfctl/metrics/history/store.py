"""The file of a history: SQLite in WAL mode, which many processes of one host write to; its errors as ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock
from urllib.parse import quote

from perfctl.errors import ConfigError, LockedError, PerfctlError, ServiceError
from perfctl.shares import share_of
from perfctl.write_ahead import switch_to_wal

VERSION = 1
BUSY_SECONDS = 10.0
_WHERE = "metrics.history_file"

_SCHEMA = """
CREATE TABLE frames (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    level INTEGER NOT NULL,      -- 0: as written; 10, 60, 600: the seconds of its slot; below 0: sums of a level
    moment REAL NOT NULL,        -- seconds since 1970: the middle of its time
    at REAL NOT NULL,            -- its end
    seconds REAL NOT NULL,       -- how much of the time was measured
    source TEXT,                 -- the process that wrote it; NULL for what was folded
    body BLOB NOT NULL
);
CREATE INDEX frames_moment ON frames (level, moment);
CREATE TABLE sources (           -- the last frame of each process, as far as it was folded
    source TEXT PRIMARY KEY, at REAL NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE totals (            -- one row: all that was ever folded, also what was pruned since
    id INTEGER PRIMARY KEY CHECK (id = 1), began REAL NOT NULL, body BLOB
);
CREATE TABLE clock (             -- one row: what the clock said at the last folding, and since when it went evenly
    id INTEGER PRIMARY KEY CHECK (id = 1), seen REAL NOT NULL, even_since REAL NOT NULL
);
CREATE TABLE leases (            -- who alone may observe what all would see, until when
    name TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL
) WITHOUT ROWID
"""


class Store:
    """Two connections to the file, made at first use: a reader never waits for this process's own writer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_lock, self._read_lock, self.folding = RLock(), RLock(), Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._pid = os.getpid()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it, or nothing; the file is made where there is none.

        ConfigError where the file cannot be used, LockedError where another process holds it for ten seconds,
        ServiceError where the disk is full, or the file is damaged or of another version.
        """
        self.after_a_fork()
        with self._write_lock, translated(self.path):
            if self._writer is None:
                self._writer = _made(self.path)
            connection = self._writer
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk ends it by itself
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """What the file holds at one moment, for who may not write, too; None where nothing was ever written.

        The same errors.
        """
        self.after_a_fork()
        if not self.path.exists():
            yield None
            return
        with self._read_lock, translated(self.path):
            if self._reader is None:
                self._reader = _opened_to_read(self.path)
            connection = self._reader
            if connection is None:
                yield None
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def after_a_fork(self) -> None:
        """A forked child opens its own: SQLite's connections do not survive a fork, and are never closed there."""
        if self._pid != os.getpid():
            _of_parents.append((self._writer, self._reader))
            self._write_lock, self._read_lock, self.folding = RLock(), RLock(), Lock()
            self._writer = self._reader = None
            self._pid = os.getpid()

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        self.after_a_fork()
        with self._write_lock, self._read_lock:
            for connection in (self._writer, self._reader):
                if connection is not None:
                    connection.close()
            self._writer = self._reader = None


_of_parents: list[tuple[sqlite3.Connection | None, sqlite3.Connection | None]] = []


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours, with the file and what to do."""
    try:
        yield
    except PerfctlError:
        raise
    except sqlite3.Error as error:
        raise _understood(error, path) from error
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error


def damaged(path: Path, reason: object) -> ServiceError:
    """What is said of a file that does not read as it was written. Nothing of it is taken away."""
    return ServiceError(
        f"the history {path} is damaged: {reason}",
        hint="move the file away, and a new one is begun; sqlite3 FILE .recover shows what is left of the old one",
    )


def _made(path: Path) -> sqlite3.Connection:
    share = share_of(path)
    if share is not None:
        raise _unusable(path, f"it lies on a network share ({share}), whose locks do not hold between hosts")
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = connected(path, "rwc")
    try:
        _prepare(connection, path)
        _refuse_other_versions(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _opened_to_read(path: Path) -> sqlite3.Connection | None:
    """None where another process is making the file, and has not made its tables."""
    connection = connected(path, "ro")
    try:
        if _is_empty(connection):
            connection.close()
            return None
        _refuse_other_versions(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def connected(path: Path, mode: str) -> sqlite3.Connection:
    """Transactions are begun and ended where they are meant; threads are kept apart by the store's locks."""
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """The tables, made by the first.

    A commit outlives the process (SIGKILL); a power cut may take the last ones with it, never the file.
    """
    if _is_empty(connection):
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        _switch_to_wal(connection, path)
        _make_tables(connection)
        path.chmod(0o600)
    connection.execute("PRAGMA synchronous = NORMAL")


def _switch_to_wal(connection: sqlite3.Connection, path: Path) -> None:
    mode = switch_to_wal(connection, at_most_seconds=BUSY_SECONDS)
    if mode != "wal":
        raise _unusable(path, f"its file system allows no write-ahead log (journal mode {mode})")


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(connection):
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Whether it has neither tables nor a version: nobody's yet."""
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return not tables and version_of(connection) == 0


def version_of(connection: sqlite3.Connection) -> int:
    """The number of the form in which the file was written; 0 for a new one."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _refuse_other_versions(connection: sqlite3.Connection, path: Path) -> None:
    found = version_of(connection)
    if found != VERSION:
        raise ServiceError(
            f"the history {path} has version {found}, and this perfctl reads version {VERSION}",
            hint="use the perfctl that wrote it, or set metrics.history_file to another file",
        )


def _understood(error: sqlite3.Error, path: Path) -> PerfctlError:
    code = getattr(error, "sqlite_errorname", "") or ""
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LockedError(
            f"the history {path} is held by another process for {BUSY_SECONDS:g} s", hint="try again in a moment"
        )
    if code.startswith("SQLITE_FULL"):
        return ServiceError(
            f"the disk is full: nothing was added to the history {path}",
            hint="make room, keep less (metrics.history_days), or set metrics.history_file to another disk",
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return _unusable(path, str(error))
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT")):
        return damaged(path, error)
    if "no such table" in str(error) or "no such column" in str(error):
        return damaged(path, error)
    return ServiceError(f"the history {path}: {error}", hint="is its disk well? set metrics.history_file to another")


def _unusable(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"the history {path} cannot be used: {reason}",
        hint="set metrics.history_file to a file that you may write, on a local disk",
        where=_WHERE,
    )
