"""Slow queries of the next seconds as pg_stat_activity shows them: needs no extension, misses what is quick."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import sqrt

from perfctl.db.asking import ask
from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.postgres import Record, Session
from perfctl.db.sqltext import fingerprint
from perfctl.db.statements.hidden import is_hidden
from perfctl.db.statements.order import Wanted, ordered, require

INTERVAL_SECONDS = 0.1
MOST_SHAPES = 5000
MOST_SAMPLES = 3
_LOAD = 0.1
"""A look may take this share of the time: where it takes long, the looks are farther apart."""
_UNREADABLE = "<insufficient privilege>"

_Place = tuple[str, str | None, str | None]


async def sampled(
    session: Session,
    wanted: Wanted,
    *,
    seconds: float,
    interval_seconds: float = INTERVAL_SECONDS,
    timeout: float | None = None,
) -> SlowQueries:
    """Look at every session again and again for that long; what ran, or had just ended, at one of the looks counts.

    Each execution counts once, with its time up to the last look at it. Memory is bounded by the shapes (5,000).
    """
    require(wanted, "live")
    limit = timeout or 10.0
    info = (await ask(session, "live_info", timeout_seconds=limit))[0]
    scope = None if wanted.all_databases else wanted.database or ""
    seen, looks, until = Seen(), 0, time.monotonic() + seconds
    while True:
        began = time.monotonic()
        rows = await ask(
            session, "running", info["now"], scope, version=session.server_version[0], timeout_seconds=limit
        )
        seen.look(rows)
        looks += 1
        pause = max(interval_seconds, (time.monotonic() - began) / _LOAD)
        if time.monotonic() + pause > until:
            break
        await asyncio.sleep(pause)
    await asyncio.sleep(max(until - time.monotonic(), 0))
    return ordered(_answer(session, wanted, info, seen, looks=looks, seconds=seconds), wanted)


@dataclass(slots=True)
class _Shape:
    """The executions of one shape that have ended, added up."""

    query: str
    queryid: str | None
    first_seen: datetime
    last_seen: datetime
    calls: int = 0
    total_ms: float = 0.0
    squares: float = 0.0
    min_ms: float = float("inf")
    max_ms: float = 0.0
    applications: set[str] = field(default_factory=set)
    samples: list[str] = field(default_factory=list)

    def add(self, run: Record) -> None:
        took_ms = max((run["seen"] - run["started"]).total_seconds() * 1000, 0.0)
        if took_ms >= self.max_ms:
            self.query = run["query"]
        self.calls += 1
        self.total_ms += took_ms
        self.squares += took_ms * took_ms
        self.min_ms, self.max_ms = min(self.min_ms, took_ms), max(self.max_ms, took_ms)
        self.first_seen, self.last_seen = min(self.first_seen, run["started"]), max(self.last_seen, run["seen"])
        self.applications.add(run["application"] or "")
        if len(self.samples) < MOST_SAMPLES and run["query"] not in self.samples:
            self.samples.append(run["query"])


class Seen:
    """The executions that were seen: the last of each session by itself, those before it by their shape."""

    def __init__(self) -> None:
        self._running: dict[int, Record] = {}
        self._shapes: dict[_Place, _Shape] = {}
        self.dropped = 0
        """Executions of shapes beyond those that are kept."""
        self.unreadable: set[int] = set()
        """Sessions whose statements this role may not see."""

    def look(self, rows: Iterable[Record]) -> None:
        """Take in what the sessions do now; an execution is known by its session and its start."""
        for row in rows:
            if row["query"] == _UNREADABLE:
                self.unreadable.add(row["pid"])
                continue
            before = self._running.get(row["pid"])
            if before is not None and before["started"] != row["started"]:
                self._ended(before)
            self._running[row["pid"]] = row

    def shapes(self) -> dict[_Place, _Shape]:
        """All of them, with what still runs added as far as it was seen."""
        for run in self._running.values():
            self._ended(run)
        self._running.clear()
        return self._shapes

    def _ended(self, run: Record) -> None:
        if is_hidden(run["query"], run["application"]):
            return
        place = (fingerprint(run["query"]), run["database"], run["username"])
        shape = self._shapes.get(place)
        if shape is None:
            if len(self._shapes) >= MOST_SHAPES:
                self.dropped += 1
                return
            queryid = None if run["queryid"] is None else str(run["queryid"])
            shape = self._shapes[place] = _Shape(run["query"], queryid, run["started"], run["seen"])
        shape.add(run)


def _answer(session: Session, wanted: Wanted, info: Record, seen: Seen, *, looks: int, seconds: float) -> SlowQueries:
    rows = tuple(_slow_query(place, shape) for place, shape in seen.shapes().items())
    return SlowQueries(
        rows=rows,
        total=len(rows),
        by=wanted.by,
        database="" if wanted.all_databases else wanted.database or info["database"],
        source="live",
        server=session.server.partition("/")[0],
        method=f"{looks} looks at pg_stat_activity; quicker statements are mostly missed",
        since=info["now"],
        window_seconds=seconds,
        total_ms=0.0,
        unreadable=len(seen.unreadable),
        notes=_notes(info, seen, rows),
    )


def _slow_query(place: _Place, shape: _Shape) -> SlowQuery:
    mean_ms = shape.total_ms / shape.calls
    return SlowQuery(
        query=shape.query,
        fingerprint=place[0],
        queryid=shape.queryid,
        database=place[1],
        username=place[2],
        application=next(iter(shape.applications)) or None if len(shape.applications) == 1 else None,
        calls=shape.calls,
        total_ms=round(shape.total_ms, 3),
        mean_ms=round(mean_ms, 4),
        min_ms=round(shape.min_ms, 4),
        max_ms=round(shape.max_ms, 4),
        stddev_ms=round(sqrt(max(shape.squares / shape.calls - mean_ms**2, 0.0)), 4),
        first_seen=shape.first_seen,
        last_seen=shape.last_seen,
        samples=tuple(shape.samples),
    )


def _notes(info: Record, seen: Seen, rows: tuple[SlowQuery, ...]) -> tuple[str, ...]:
    notes = []
    if not info["tracks"]:
        notes.append("track_activities is off: the server shows nothing; ALTER SYSTEM SET track_activities = on;")
    if seen.unreadable:
        role = '"' + info["role"].replace('"', '""') + '"'
        notes.append(
            f"{len(seen.unreadable)} sessions of other roles cannot be seen: GRANT pg_read_all_stats TO {role};"
        )
    cut = sum(len(row.query.encode()) >= info["text_bytes"] - 1 for row in rows)
    if cut:
        notes.append(f"the text of {cut} shapes is cut off: raise track_activity_query_size ({info['text_bytes']})")
    if seen.dropped:
        notes.append(f"{seen.dropped} executions of further shapes are left out: {MOST_SHAPES} are kept")
    return tuple(notes)
