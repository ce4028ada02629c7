"""Slow queries by pg_stat_statements: since its last reset, or of the next seconds by two readings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from math import sqrt

from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.postgres import Session
from perfctl.db.statements.difference import between
from perfctl.db.statements.hidden import is_hidden
from perfctl.db.statements.order import Wanted, ordered, require
from perfctl.db.statements.reading import Counted, Key, Reading, placed, read, with_texts

BLOCK_BYTES = 8192


async def counted(session: Session, wanted: Wanted, *, timeout: float | None = None) -> SlowQueries:
    """The costliest shapes of query since the last reset; perfctl's own left out.

    Of the session's database, of another, or of all. ServiceError, with what mends it, where nothing is counted.
    """
    require(wanted, "pg_stat_statements")
    place = await placed(session, timeout=timeout)
    reading = await read(session, place, database=_scope(wanted), timeout=timeout)
    evictions = (_evictions(reading),) if reading.evicted else ()
    unknown = ("PostgreSQL 13 does not say since when it counts",) if reading.reset is None else ()
    answer = _answer(session, wanted, reading, notes=(*unknown, *evictions, *_unreadable(reading)))
    return ordered(
        replace(
            answer,
            rows=_rows(reading, reading.statements),
            since=reading.reset,
            window_seconds=None if reading.reset is None else (reading.at - reading.reset).total_seconds(),
            evicted=reading.evicted,
        ),
        wanted,
    )


async def counted_for(
    session: Session,
    wanted: Wanted,
    *,
    seconds: float,
    timeout: float | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> SlowQueries:
    """What is done in the next seconds: two readings, and the difference between them."""
    require(wanted, "pg_stat_statements")
    place = await placed(session, timeout=timeout)
    scope = _scope(wanted)
    first = await read(session, place, database=scope, texts=False, timeout=timeout)
    await sleep(seconds)
    second = await read(session, place, database=scope, texts=False, timeout=timeout)
    done = between(first, second)
    second = await with_texts(session, place, second, done.statements.keys(), timeout=timeout)
    answer = _answer(session, wanted, second, notes=(*done.events, *_unreadable(second)))
    return ordered(
        replace(
            answer,
            rows=_rows(second, done.statements),
            method="two readings of pg_stat_statements; a statement counts when it ends",
            since=done.since,
            window_seconds=round((done.until - done.since).total_seconds(), 3),
            evicted=done.evicted,
        ),
        wanted,
    )


def _scope(wanted: Wanted) -> str | None:
    """The database to look at; empty: the session's; None: all of them."""
    return None if wanted.all_databases else wanted.database or ""


def _answer(session: Session, wanted: Wanted, reading: Reading, *, notes: tuple[str, ...]) -> SlowQueries:
    return SlowQueries(
        rows=(),
        total=0,
        by=wanted.by,
        database="" if wanted.all_databases else wanted.database or reading.database,
        source="pg_stat_statements",
        server=session.server.partition("/")[0],
        until=reading.at,
        total_ms=0.0,
        unreadable=reading.unreadable,
        unreadable_ms=round(reading.unreadable_ms, 3) if reading.unreadable else None,
        notes=notes,
    )


def _rows(reading: Reading, statements: Mapping[Key, Counted]) -> tuple[SlowQuery, ...]:
    """A row for each statement whose text is known and may be shown; fingerprints come when a row is shown."""
    found = ((key, done, reading.texts.get((key.dbid, key.userid, key.queryid))) for key, done in statements.items())
    return tuple(
        slow_query(
            done,
            query=text,
            queryid=str(key.queryid),
            toplevel=key.toplevel,
            database=reading.databases.get(key.dbid),
            username=reading.users.get(key.userid),
            times_io=reading.times_io,
            times_planning=reading.times_planning,
        )
        for key, done, text in found
        if text is not None and not is_hidden(text)
    )


def slow_query(
    done: Counted,
    *,
    query: str,
    queryid: str,
    toplevel: bool | None,
    database: str | None,
    username: str | None,
    times_io: bool,
    times_planning: bool,
    fingerprint: str = "",
    last_seen: datetime | None = None,
) -> SlowQuery:
    """A row, made of what was counted."""
    told = done.counters
    asked = told.shared_hit_blks + told.shared_read_blks
    return SlowQuery(
        query=query,
        fingerprint=fingerprint,
        queryid=queryid,
        toplevel=toplevel,
        database=database,
        username=username,
        calls=told.calls,
        total_ms=round(told.total_ms, 3),
        mean_ms=round(told.total_ms / told.calls, 4),
        min_ms=None if done.min_ms is None else round(done.min_ms, 4),
        max_ms=None if done.max_ms is None else round(done.max_ms, 4),
        stddev_ms=_stddev(told.calls, told.total_ms, told.squares),
        rows=told.rows,
        shared_hit_ratio=round(told.shared_hit_blks / asked, 6) if asked else None,
        shared_hit_blks=told.shared_hit_blks,
        shared_read_blks=told.shared_read_blks,
        shared_dirtied_blks=told.shared_dirtied_blks,
        shared_written_blks=told.shared_written_blks,
        temp_blks=told.temp_blks,
        temp_bytes=told.temp_blks * BLOCK_BYTES,
        io_ms=round(told.io_ms, 3) if times_io else None,
        wal_bytes=told.wal_bytes,
        plan_ms=round(told.plan_ms, 3) if times_planning else None,
        jit_ms=round(told.jit_ms, 3) or None,
        first_seen=done.since,
        last_seen=last_seen,
    )


def _stddev(calls: int, total_ms: float, squares: float) -> float:
    """Of all calls, as pg_stat_statements has it; rounding may leave less than nothing for times that are equal."""
    return round(sqrt(max(squares / calls - (total_ms / calls) ** 2, 0.0)), 4)


def _evictions(reading: Reading) -> str:
    often = "once" if reading.evicted == 1 else f"{reading.evicted} times"
    return (
        f"the server's table of {reading.most} shapes was full {often}, and lost the least used: "
        "raise pg_stat_statements.max to lose fewer"
    )


def _unreadable(reading: Reading) -> tuple[str, ...]:
    if not reading.unreadable:
        return ()
    role = '"' + reading.role.replace('"', '""') + '"'
    return (
        f"{reading.unreadable} statements of other roles, {reading.unreadable_ms / 1000:.1f} s, cannot be seen: "
        f"GRANT pg_read_all_stats TO {role};",
    )
