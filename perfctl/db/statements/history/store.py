"""The file of a history: SQLite, opened so that recorders and readers do not disturb each other; its errors as ours."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from perfctl.errors import ConfigError, LockedError, PerfctlError, ServiceError
from perfctl.folders import state_home
from perfctl.write_ahead import switch_to_wal

if TYPE_CHECKING:
    import sqlite3

VERSION = 1
BUSY_SECONDS = 10.0
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,100}")

# `latest` is the last reading, what the next one is compared with; `deltas` is what was done up to a snapshot.
_COUNTERS = """
    calls INTEGER NOT NULL, rows INTEGER NOT NULL, total_ms REAL NOT NULL, squares REAL NOT NULL,
    plan_ms REAL NOT NULL, shared_hit_blks INTEGER NOT NULL, shared_read_blks INTEGER NOT NULL,
    shared_dirtied_blks INTEGER NOT NULL, shared_written_blks INTEGER NOT NULL, temp_blks INTEGER NOT NULL,
    io_ms REAL NOT NULL, wal_bytes INTEGER NOT NULL, jit_ms REAL NOT NULL, min_ms REAL, max_ms REAL
"""
_SCHEMA = f"""
CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY,
    recorded REAL NOT NULL,      -- by the recorder's clock, seconds since 1970
    covers REAL,                 -- how many seconds its deltas are of, NULL for the first of a server
    at TEXT NOT NULL,            -- by the server's clock, as are the next two
    started TEXT NOT NULL,
    reset TEXT,
    evicted INTEGER,
    server TEXT NOT NULL,
    database TEXT NOT NULL,
    times_io INTEGER NOT NULL,
    times_planning INTEGER NOT NULL,
    unreadable INTEGER NOT NULL,
    unreadable_ms REAL NOT NULL,
    newly_evicted INTEGER,
    events TEXT NOT NULL         -- what was lost, a line each
);
CREATE INDEX snapshots_recorded ON snapshots (recorded);
CREATE TABLE statements (
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    dbid INTEGER NOT NULL,
    userid INTEGER NOT NULL,
    toplevel INTEGER NOT NULL,   -- 2: the server cannot tell
    queryid INTEGER NOT NULL,
    database TEXT,
    username TEXT,
    query TEXT,                  -- NULL: it was evicted before it was asked for
    fingerprint TEXT,
    hidden INTEGER NOT NULL,
    UNIQUE (server, dbid, userid, toplevel, queryid)
);
CREATE INDEX statements_unnamed ON statements (id) WHERE fingerprint IS NULL AND query IS NOT NULL;
CREATE TABLE latest (server TEXT PRIMARY KEY, keys BLOB NOT NULL, counters BLOB NOT NULL);
CREATE TABLE deltas (
    snapshot INTEGER NOT NULL, statement INTEGER NOT NULL, {_COUNTERS},
    PRIMARY KEY (snapshot, statement)
) WITHOUT ROWID;
"""


def history_file(context: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a context's history lies, whether it is there or not."""
    from urllib.parse import quote

    name = context if _PLAIN.fullmatch(context) else quote(context, safe="")[:200]
    return state_home(environ) / "history" / f"{name}.sqlite"


@contextmanager
def opened(path: Path, *, to_write: bool) -> Iterator[sqlite3.Connection]:
    """A connection to the file, which is made with its tables where it is to be written and not there.

    ConfigError where the folder or the file cannot be used, LockedError where another recorder holds it for ten
    seconds, ServiceError where the disk is full or the file is damaged.
    """
    import sqlite3

    with translated(path):
        if to_write:
            _make_folder(path.parent)
        address = f"file:{_escaped(path)}?mode={'rwc' if to_write else 'ro'}"
        # Transactions are begun and ended where they are meant.
        connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            if to_write:
                _prepare(connection, path)
            _refuse_other_versions(connection, path)
            yield connection
        finally:
            connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it, or nothing; the one writer at a time."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk ends it by itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours, with the file and what to do."""
    import sqlite3

    try:
        yield
    except PerfctlError:
        raise
    except sqlite3.Error as error:
        raise _understood(error, path) from error
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """The tables, made by the first; WAL lets readers read while one writes."""
    if _version(connection) == VERSION:
        return
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    switch_to_wal(connection, at_most_seconds=BUSY_SECONDS)
    with transaction(connection):
        if _version(connection) == 0:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
    path.chmod(0o600)


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _refuse_other_versions(connection: sqlite3.Connection, path: Path) -> None:
    found = _version(connection)
    if found != VERSION:
        raise ServiceError(
            f"the history {path} has version {found}, and this perfctl reads version {VERSION}",
            hint="use the perfctl that wrote it, or move the file away to begin anew",
        )


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _escaped(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.absolute()))


def _understood(error: sqlite3.Error, path: Path) -> PerfctlError:
    code = getattr(error, "sqlite_errorname", "") or ""
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LockedError(
            f"the history {path} is held by another run for {BUSY_SECONDS:g} s", hint="try again when that has ended"
        )
    if code.startswith("SQLITE_FULL"):
        return ServiceError(
            f"the disk is full: nothing was added to {path}",
            hint="make room, keep less (db history prune --keep 7d), or set PERFCTL_STATE_DIR to another disk",
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return _unwritable(path, str(error))
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return ServiceError(
            f"the history {path} is damaged: {error}", hint="move the file away; the next recording begins anew"
        )
    return ServiceError(f"the history {path}: {error}", hint="is its disk well? set PERFCTL_STATE_DIR to another")


def _unwritable(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"the history {path} cannot be used: {reason}",
        hint="set PERFCTL_STATE_DIR to a folder that can be written",
        where="env PERFCTL_STATE_DIR" if os.environ.get("PERFCTL_STATE_DIR") else None,
    )
