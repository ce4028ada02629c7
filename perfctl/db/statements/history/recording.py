"""One recording: a reading of pg_stat_statements, and what it has more than the one before, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from perfctl.db.model.history import Recording
from perfctl.db.postgres import Session
from perfctl.db.sqltext import fingerprint
from perfctl.db.statements.difference import Difference, between
from perfctl.db.statements.hidden import is_hidden
from perfctl.db.statements.history.latest import Kept, load, save, stored
from perfctl.db.statements.history.pruning import is_due, prune
from perfctl.db.statements.history.store import opened, transaction, translated
from perfctl.db.statements.reading import Counted, Key, Place, Reading, placed, read, with_texts

if TYPE_CHECKING:
    import sqlite3

KEEP_SECONDS = 30 * 86_400.0
_NAMED_AT_ONCE = 100
"""So many new texts get their fingerprint in one recording, the others in the next: it is most of the work of a first
recording, and only the texts that are shown need it at once."""
_ADD_DELTA = "INSERT INTO deltas VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


async def record(
    session: Session,
    path: Path,
    *,
    keep_seconds: float = KEEP_SECONDS,
    clock: Callable[[], float] = time.time,
    timeout: float | None = None,
) -> Recording:
    """Keep what was done since the last recording, of all databases; what is older than `keep_seconds` goes.

    Of two recorders at the same time one records, and the other says so. The server is asked before the file is held.
    """
    place = await placed(session, timeout=timeout)
    reading = await read(session, place, database=None, texts=False, timeout=timeout)
    server = session.server.partition("/")[0]
    with opened(path, to_write=True) as connection:
        before = _last(connection, server)
        reading = await _with_new_texts(session, place, reading, before, timeout)
        with translated(path), transaction(connection):
            if before.snapshot != _snapshot_of(connection, server):
                return _not_recorded(path, reading)
            done = between(before.reading, reading) if before.reading else None
            return _written(connection, path, server, before, reading, done, keep_seconds, clock())


@dataclass(frozen=True, slots=True)
class _Last:
    """The last recording of a server, if there was one."""

    snapshot: int | None
    recorded: float
    reading: Reading | None
    kept: Mapping[Key, Kept]


def _snapshot_of(connection: sqlite3.Connection, server: str) -> int | None:
    found: int | None = connection.execute("SELECT max(id) FROM snapshots WHERE server = ?", (server,)).fetchone()[0]
    return found


def _last(connection: sqlite3.Connection, server: str) -> _Last:
    snapshot = _snapshot_of(connection, server)
    if snapshot is None:
        return _Last(None, 0.0, None, {})
    latest = load(connection, server)
    recorded = connection.execute("SELECT recorded FROM snapshots WHERE id = ?", (snapshot,)).fetchone()[0]
    return _Last(snapshot, recorded, _reading(connection, snapshot, latest.statements), latest.kept)


def _reading(connection: sqlite3.Connection, snapshot: int, statements: Mapping[Key, Counted]) -> Reading:
    at, started, reset, evicted = connection.execute(
        "SELECT at, started, reset, evicted FROM snapshots WHERE id = ?", (snapshot,)
    ).fetchone()
    return Reading(
        at=datetime.fromisoformat(at),
        started=datetime.fromisoformat(started),
        reset=datetime.fromisoformat(reset) if reset else None,
        evicted=evicted,
        most=0,
        database="",
        role="",
        times_io=False,
        times_planning=False,
        statements=statements,
        databases={},
        users={},
        texts={},
        unreadable=0,
        unreadable_ms=0.0,
    )


async def _with_new_texts(
    session: Session, place: Place, reading: Reading, before: _Last, timeout: float | None
) -> Reading:
    return await with_texts(session, place, reading, reading.statements.keys() - before.kept.keys(), timeout=timeout)


def _written(
    connection: sqlite3.Connection,
    path: Path,
    server: str,
    before: _Last,
    reading: Reading,
    done: Difference | None,
    keep_seconds: float,
    now: float,
) -> Recording:
    new = reading.statements.keys() - before.kept.keys()
    kept = {**before.kept, **_kept_texts(connection, server, reading, new)}
    covers = max(now - before.recorded, 0.0) if done else None
    snapshot = _add_snapshot(connection, server, reading, done, covers, now)
    counted = {key: row for key, row in done.statements.items() if not kept[key].is_hidden} if done else {}
    connection.executemany(
        _ADD_DELTA,
        ((snapshot, kept[key].number, *row.counters, row.min_ms, row.max_ms) for key, row in counted.items()),
    )
    save(connection, server, reading.statements, kept)
    _name(connection)
    pruned = prune(connection, now - keep_seconds) if is_due(connection, now - keep_seconds) else 0
    return Recording(
        recorded=True,
        is_first=done is None,
        file=str(path),
        at=reading.at,
        covers_seconds=covers,
        statements=len(reading.statements),
        changed=len(counted),
        calls=int(sum(row.counters.calls for row in counted.values())),
        total_ms=round(sum(row.counters.total_ms for row in counted.values()), 3),
        new_texts=len(new),
        unreadable=reading.unreadable,
        pruned=pruned,
        events=done.events if done else (),
    )


def _not_recorded(path: Path, reading: Reading) -> Recording:
    return Recording(
        recorded=False,
        is_first=False,
        file=str(path),
        at=reading.at,
        covers_seconds=None,
        statements=len(reading.statements),
        changed=0,
        calls=0,
        total_ms=0.0,
        new_texts=0,
        unreadable=reading.unreadable,
        pruned=0,
        events=("another recorder was quicker: this reading is left out, nothing is lost",),
    )


def _kept_texts(connection: sqlite3.Connection, server: str, reading: Reading, keys: Iterable[Key]) -> dict[Key, Kept]:
    """What statements that the last recording did not have are called; their texts are kept once and for all."""
    kept: dict[Key, Kept] = {}
    for key in keys:
        text = reading.texts.get((key.dbid, key.userid, key.queryid))
        hides = text is not None and is_hidden(text)
        names = (reading.databases.get(key.dbid), reading.users.get(key.userid))
        number = connection.execute(
            "INSERT INTO statements (server, dbid, userid, toplevel, queryid, database, username, query, hidden)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET database = excluded.database,"
            " username = excluded.username, query = coalesce(query, excluded.query) RETURNING id",
            (server, key.dbid, key.userid, stored(key.toplevel), key.queryid, *names, text, hides),
        ).fetchone()[0]
        kept[key] = Kept(number, hides)
    return kept


def _add_snapshot(
    connection: sqlite3.Connection,
    server: str,
    reading: Reading,
    done: Difference | None,
    covers: float | None,
    now: float,
) -> int:
    added = connection.execute(
        "INSERT INTO snapshots (recorded, covers, at, started, reset, evicted, server, database, times_io,"
        " times_planning, unreadable, unreadable_ms, newly_evicted, events)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            now, covers, _iso(reading.at), _iso(reading.started), _iso(reading.reset), reading.evicted, server,
            reading.database, reading.times_io, reading.times_planning, reading.unreadable, reading.unreadable_ms,
            done.evicted if done else None, "\n".join(done.events) if done else "",
        ),
    )  # fmt: skip
    return added.lastrowid or 0


def _name(connection: sqlite3.Connection) -> None:
    """Give texts that have none their fingerprint."""
    nameless = connection.execute(
        "SELECT id, query FROM statements WHERE fingerprint IS NULL AND query IS NOT NULL LIMIT ?", (_NAMED_AT_ONCE,)
    ).fetchall()
    connection.executemany(
        "UPDATE statements SET fingerprint = ? WHERE id = ?",
        ((fingerprint(query), number) for number, query in nameless),
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
