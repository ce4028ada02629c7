"""The file of the queue: SQLite in WAL mode, which several processes of one host share; its errors as ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from urllib.parse import quote

from perfctl.errors import ConfigError, LockedError, PerfctlError, ServiceError
from perfctl.shares import share_of
from perfctl.write_ahead import switch_to_wal

VERSION = 1
BUSY_SECONDS = 10.0
_WHERE = "cdn.queue_file"

_SCHEMA = """
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    distribution TEXT NOT NULL,
    item TEXT NOT NULL,          -- as it is sent
    kind TEXT NOT NULL,          -- path, wildcard or tag
    state TEXT NOT NULL,         -- queued, covered, sending, sent, completed, failed or cancelled
    first_queued REAL NOT NULL,  -- seconds since 1970, as is every moment here
    asked INTEGER NOT NULL,
    deadline REAL,
    priority INTEGER NOT NULL,
    covered_by INTEGER,          -- the wildcard that it goes with
    batch INTEGER,
    settled REAL,                -- when it was completed, failed or cancelled
    error TEXT
);
CREATE UNIQUE INDEX items_open ON items (distribution, item) WHERE state IN ('queued', 'covered');
CREATE INDEX items_queued ON items (distribution, kind) WHERE state = 'queued';
CREATE INDEX items_failed ON items (distribution, item) WHERE state = 'failed';
CREATE INDEX items_covered ON items (covered_by) WHERE covered_by IS NOT NULL;
CREATE INDEX items_batch ON items (batch) WHERE batch IS NOT NULL;
CREATE INDEX items_settled ON items (settled) WHERE settled IS NOT NULL;
CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    distribution TEXT NOT NULL,
    reference TEXT NOT NULL UNIQUE,  -- CloudFront's CallerReference
    state TEXT NOT NULL,             -- intended (written before the call), sent or completed
    items INTEGER NOT NULL,
    wildcards INTEGER NOT NULL,
    intended REAL NOT NULL,
    cf_id TEXT,
    submitted REAL,
    completed REAL
);
CREATE INDEX batches_open ON batches (distribution, state) WHERE state IN ('intended', 'sent');
CREATE INDEX batches_completed ON batches (completed) WHERE completed IS NOT NULL;
CREATE TABLE senders (
    distribution TEXT PRIMARY KEY,
    token TEXT, host TEXT, pid INTEGER, born TEXT, taken REAL, beat REAL, expires REAL,
    error TEXT                       -- what the last attempt met
);
CREATE TABLE seen (
    distribution TEXT NOT NULL, cf_id TEXT NOT NULL, created REAL NOT NULL,
    items BLOB NOT NULL,             -- of a completed invalidation, whoever sent it: compressed, a line each
    PRIMARY KEY (distribution, cf_id)
) WITHOUT ROWID;
"""


class Store:
    """One connection to the file, made at first use. `on_commit` is told after each commit."""

    def __init__(self, path: Path, *, on_commit: Callable[[], None] | None = None) -> None:
        self.path = path
        self._on_commit = on_commit
        self._lock = RLock()
        self._writer: sqlite3.Connection | None = None
        self._pid = os.getpid()

    @property
    def is_there(self) -> bool:
        """Whether anything was ever queued here."""
        return self.path.exists()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it, or nothing; the file is made where there is none.

        ConfigError where the file cannot be used, LockedError where another process holds it for ten seconds,
        ServiceError where the disk is full or the file is damaged.
        """
        with self._lock, translated(self.path):
            connection = self._for_writing()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk ends it by itself
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            if self._on_commit is not None:
                self._on_commit()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from, for who may not write, too. The same errors."""
        with self._lock, translated(self.path):
            if self._writer is not None and self._pid == os.getpid():
                yield self._writer
                return
            connection = _connected(self.path, "ro")
            try:
                _refuse_other_versions(connection, self.path)
                yield connection
            finally:
                connection.close()

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            writer, self._writer = self._writer, None
            if writer is not None and self._pid == os.getpid():
                writer.close()

    def _for_writing(self) -> sqlite3.Connection:
        """A forked child opens its own: SQLite's connections do not survive a fork."""
        if self._writer is None or self._pid != os.getpid():
            self._refuse_shares()
            _make_folder(self.path.parent)
            opened = _connected(self.path, "rwc")
            try:
                _prepare(opened, self.path)
                _refuse_other_versions(opened, self.path)
            except BaseException:
                opened.close()
                raise
            self._writer, self._pid = opened, os.getpid()
        return self._writer

    def _refuse_shares(self) -> None:
        share = share_of(self.path)
        if share is not None:
            raise ConfigError(
                f"the queue {self.path} lies on a network share ({share}), whose locks do not hold between hosts",
                hint="set cdn.queue_file to a file on a local disk: one queue a host",
                where=_WHERE,
            )


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


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    """Transactions are begun and ended where they are meant; threads are kept apart by the store's lock."""
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    made = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    made.row_factory = sqlite3.Row
    return made


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """The tables, made by the first. Each commit is on the disk when it returns: an intent outlives a power cut."""
    is_new = _version(connection) == 0
    if is_new:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    mode = switch_to_wal(connection, at_most_seconds=BUSY_SECONDS)
    if mode != "wal":
        raise _unusable(path, f"its file system allows no write-ahead log (journal mode {mode})")
    connection.execute("PRAGMA synchronous = FULL")
    if is_new:
        _make_tables(connection)
        path.chmod(0o600)


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if _version(connection) == 0:
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _refuse_other_versions(connection: sqlite3.Connection, path: Path) -> None:
    found = _version(connection)
    if found != VERSION:
        raise ServiceError(
            f"the queue {path} has version {found}, and this perfctl reads version {VERSION}",
            hint="drain it with the perfctl that wrote it, or set cdn.queue_file to another file",
        )


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _understood(error: sqlite3.Error, path: Path) -> PerfctlError:
    code = getattr(error, "sqlite_errorname", "") or ""
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LockedError(
            f"the queue {path} is held by another process for {BUSY_SECONDS:g} s", hint="try again in a moment"
        )
    if code.startswith("SQLITE_FULL"):
        return ServiceError(
            f"the disk is full: nothing was written to the queue {path}",
            hint="make room, set cdn.queue_file to another disk, or send directly: cdn invalidate without --queue",
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return _unusable(path, str(error))
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return ServiceError(
            f"the queue {path} is damaged: {error}",
            hint="move the file away, and invalidate again what was queued: sqlite3 FILE .recover shows what is left",
        )
    return ServiceError(f"the queue {path}: {error}", hint="is its disk well? set cdn.queue_file to another one")


def _unusable(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"the queue {path} cannot be used: {reason}",
        hint="set cdn.queue_file to a file that you may write, on a local disk",
        where=_WHERE,
    )
