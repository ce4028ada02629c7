"""What a history says of a time: slow queries from one moment to another, the list of its recordings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfctl.db.model.history import HistoryListing, Pruned, Recorded
from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.statements.counted import slow_query
from perfctl.db.statements.history.pruning import old, prune
from perfctl.db.statements.history.store import opened, transaction, translated
from perfctl.db.statements.order import Wanted, ordered, require
from perfctl.db.statements.reading import Counted, Counters
from perfctl.errors import UsageError

if TYPE_CHECKING:
    import sqlite3

_SUMS = ", ".join(f"sum({name})" for name in Counters._fields)
_EVENTS_SHOWN = 10


def slow_since(path: Path, wanted: Wanted, *, since: float, until: float | None = None) -> SlowQueries:
    """The costliest shapes of query from `since` to `until` (seconds since 1970), as far as it was recorded.

    A recording that covers `since` counts whole: `since` of the answer says when it began. Needs no server.
    UsageError where nothing was recorded then.
    """
    require(wanted, "history")
    _refuse_missing(path)
    with opened(path, to_write=False) as connection, translated(path):
        covered = _covered(connection, path, since, until)
        latest = covered[-1]
        database = None if wanted.all_databases else wanted.database or latest["database"]
        rows = _rows(connection, latest["server"], [row["id"] for row in covered], database)
    began = covered[0]["recorded"] - covered[0]["covers"]
    answer = SlowQueries(
        rows=rows,
        total=len(rows),
        by=wanted.by,
        database=database or "",
        source="history",
        server=latest["server"],
        method=f"{len(covered)} recording{'s' if len(covered) > 1 else ''} of pg_stat_statements",
        since=_moment(began),
        until=_moment(latest["recorded"]),
        window_seconds=round(sum(row["covers"] for row in covered), 3),
        total_ms=0.0,
        evicted=_evicted(covered),
        unreadable=latest["unreadable"],
        unreadable_ms=None,
        notes=_notes(covered, since, began),
    )
    return ordered(answer, wanted)


def listed(path: Path, *, limit: int | None) -> HistoryListing:
    """The recordings, the latest first; none where there is no history yet."""
    if not path.is_file():
        return HistoryListing(rows=(), total=0, file=str(path), size_bytes=0, texts=0)
    with opened(path, to_write=False) as connection, translated(path):
        rows = connection.execute(
            "SELECT s.recorded, s.server, s.covers, s.events, count(d.statement), coalesce(sum(d.calls), 0),"
            " coalesce(sum(d.total_ms), 0) FROM snapshots AS s LEFT JOIN deltas AS d ON d.snapshot = s.id"
            " WHERE s.id IN (SELECT id FROM snapshots ORDER BY id DESC LIMIT ?)"
            " GROUP BY s.id ORDER BY s.id DESC",
            (-1 if limit is None else limit,),
        ).fetchall()
        total = connection.execute("SELECT count(*) FROM snapshots").fetchone()[0]
        texts = connection.execute("SELECT count(*) FROM statements WHERE query IS NOT NULL").fetchone()[0]
    return HistoryListing(
        rows=tuple(_recorded(row) for row in rows), total=total, file=str(path), size_bytes=_size(path), texts=texts
    )


def pruned(path: Path, *, before: float, dry_run: bool = False) -> Pruned:
    """Remove recordings that are older than `before`, and give the room back; the last one of a server stays."""
    if not path.is_file():
        return Pruned(file=str(path), removed=0, left=0, freed_bytes=0, dry_run=dry_run)
    size = _size(path)
    with opened(path, to_write=True) as connection, translated(path):
        if dry_run:
            gone = old(connection, before)
        else:
            with transaction(connection):
                gone = prune(connection, before)
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        left = connection.execute("SELECT count(*) FROM snapshots").fetchone()[0]
    freed = 0 if dry_run else max(size - _size(path), 0)
    return Pruned(file=str(path), removed=gone, left=left - gone * dry_run, freed_bytes=freed, dry_run=dry_run)


def _refuse_missing(path: Path) -> None:
    if not path.is_file():
        raise UsageError(
            "this context has no history yet", hint="perfctl db history record, from cron: every ten minutes, say"
        )


def _covered(connection: sqlite3.Connection, path: Path, since: float, until: float | None) -> list[dict[str, Any]]:
    """The recordings of the latest server whose time is wanted, the oldest first."""
    import sqlite3

    connection.row_factory = sqlite3.Row
    last = connection.execute("SELECT * FROM snapshots ORDER BY id DESC LIMIT 1").fetchone()
    rows = connection.execute(
        "SELECT * FROM snapshots WHERE server = ? AND covers IS NOT NULL AND recorded > ?"
        " AND recorded - covers < ? ORDER BY id",
        (last["server"] if last else "", since, float("inf") if until is None else until),
    ).fetchall()
    connection.row_factory = None
    if rows:
        return [dict(row) for row in rows]
    if last is None or last["covers"] is None:
        raise UsageError(
            "the history holds one recording: what was done shows from the second on",
            hint="perfctl db history record, again; from cron: every ten minutes, say",
        )
    raise UsageError(
        f"nothing was recorded then: the last recording was at {_moment(last['recorded']):%Y-%m-%d %H:%M} UTC",
        hint=f"perfctl db history list says what there is in {path}",
    )


def _rows(
    connection: sqlite3.Connection, server: str, snapshots: list[int], database: str | None
) -> tuple[SlowQuery, ...]:
    found = connection.execute(
        "SELECT s.query, s.queryid, s.toplevel, s.database, s.username, s.fingerprint,"  # noqa: S608 - our own columns
        " first.recorded - first.covers, last.recorded, last.times_io, last.times_planning, t.*"
        f" FROM (SELECT statement, min(snapshot) AS first, max(snapshot) AS last, {_SUMS}, min(min_ms), max(max_ms)"
        "   FROM deltas WHERE snapshot BETWEEN ? AND ? GROUP BY statement) AS t"
        " JOIN statements AS s ON s.id = t.statement"
        " JOIN snapshots AS first ON first.id = t.first JOIN snapshots AS last ON last.id = t.last"
        " WHERE s.server = ? AND s.query IS NOT NULL AND NOT s.hidden AND (? IS NULL OR s.database = ?)",
        (snapshots[0], snapshots[-1], server, database, database),
    )
    return tuple(_slow_query(row) for row in found)


def _slow_query(row: Any) -> SlowQuery:
    query, queryid, toplevel, database, username, fingerprint, began, ended, times_io, times_planning = row[:10]
    return slow_query(
        Counted(Counters._make(row[13:-2]), row[-2], row[-1], _moment(began)),
        query=query,
        queryid=str(queryid),
        toplevel=None if toplevel == 2 else bool(toplevel),
        database=database,
        username=username,
        times_io=bool(times_io),
        times_planning=bool(times_planning),
        fingerprint=fingerprint or "",
        last_seen=_moment(ended),
    )


def _evicted(covered: list[dict[str, Any]]) -> int | None:
    known = [row["newly_evicted"] for row in covered if row["newly_evicted"] is not None]
    return sum(known) if known else None


def _notes(covered: list[dict[str, Any]], since: float, began: float) -> tuple[str, ...]:
    said = [line for row in covered for line in row["events"].split("\n") if line]
    notes = said[-_EVENTS_SHOWN:]
    if len(said) > len(notes):
        notes.insert(0, f"{len(said) - len(notes)} earlier losses are in db history list")
    if began > since + 1:
        notes.insert(0, "nothing is recorded before that")
    if covered[-1]["unreadable"]:
        notes.append(f"{covered[-1]['unreadable']} statements of other roles could not be seen by the recorder")
    return tuple(notes)


def _recorded(row: Any) -> Recorded:
    recorded, server, covers, events, shapes, calls, total_ms = row
    return Recorded(
        at=_moment(recorded),
        server=server,
        covers_seconds=covers,
        shapes=shapes,
        calls=calls,
        total_ms=round(total_ms, 3),
        events=tuple(line for line in events.split("\n") if line),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
