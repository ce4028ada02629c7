"""`db stats`: what the databases counted of themselves, since their statistics began or in the next seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from perfctl.db.asking import ask
from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.model.stats import DatabaseCounts, DatabaseStats, ProcessCounts, WalCounts
from perfctl.db.postgres import Session, connected
from perfctl.db.statements.counted import counted, counted_for
from perfctl.db.statements.hidden import is_hidden
from perfctl.db.statements.order import Wanted
from perfctl.db.statements.reading import Reading, placed, read
from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.config import DatabaseConfig
    from perfctl.db.pool import ConnectionPool
    from perfctl.db.statements.recorder import QueryOptimizer

Row = Mapping[str, Any]
_NOW = frozenset(("database", "since", "connections"))
"""What is not counted up."""


async def stats(
    config: DatabaseConfig,
    pool: ConnectionPool,
    recorder: QueryOptimizer,
    *,
    all_databases: bool = False,
    for_seconds: float | None = None,
    queries: Wanted | None = None,
    timeout: float | None = None,
) -> DatabaseStats:
    """Everything at once; with `for_seconds` what is counted in the next so many. `queries` adds each shape of query.

    How tables are read is told of databases that may be connected to, one connection each.
    """
    async with pool.acquire(timeout=timeout) as session:
        before = await _taken(session, config, all_databases, timeout) if for_seconds is not None else None
        shapes: tuple[SlowQuery, ...] = ()
        if queries is not None:  # takes the seconds by itself
            shapes = (await _slow(session, queries, for_seconds, timeout)).rows
        elif for_seconds is not None:
            await asyncio.sleep(for_seconds)
        now = await _taken(session, config, all_databases, timeout)
        return replace(_answer(now, before, session, pool, recorder), queries=shapes)


async def _slow(session: Session, wanted: Wanted, seconds: float | None, timeout: float | None) -> SlowQueries:
    if seconds is None:
        return await counted(session, wanted, timeout=timeout)
    return await counted_for(session, wanted, seconds=seconds, timeout=timeout)


@dataclass(frozen=True, slots=True)
class _Taken:
    """Everything that was counted at a time."""

    server: Row
    databases: Mapping[str, Row]
    use: Mapping[str, Row]
    statements: Mapping[str, tuple[int, float]]
    """Calls and milliseconds of each database."""
    notes: tuple[str, ...]


async def _taken(session: Session, config: DatabaseConfig, all_databases: bool, timeout: float | None) -> _Taken:
    limit = timeout or 10.0
    server = (await ask(session, "server_counts", version=session.server_version[0], timeout_seconds=limit))[0]
    rows = await ask(session, "database_counts", None if all_databases else "", timeout_seconds=limit)
    use, notes = {}, []
    for place, row in enumerate(rows):
        name = row["database"]
        try:
            use[name] = await _use(session if place == 0 else None, replace(config, database=name), limit)
        except PerfctlError as error:
            notes.append(f"{name}: how its tables are read is not known: {error.message}")
    statements, missing = await _statements(session, None if all_databases else "", timeout)
    return _Taken(server, {row["database"]: row for row in rows}, use, statements, (*notes, *missing))


async def _use(session: Session | None, config: DatabaseConfig, limit: float) -> Row:
    if session is not None:
        return (await ask(session, "table_use", timeout_seconds=limit))[0]
    async with connected(config) as elsewhere:
        return (await ask(elsewhere, "table_use", timeout_seconds=limit))[0]


async def _statements(
    session: Session, database: str | None, timeout: float | None
) -> tuple[dict[str, tuple[int, float]], tuple[str, ...]]:
    """Calls and time of each database by pg_stat_statements; why there are none, where there are none."""
    try:
        reading = await read(session, await placed(session, timeout=timeout), database=database)
    except PerfctlError as error:
        return {}, (f"calls and times are not known: {error.message}",)
    return _sums(reading), ()


def _sums(reading: Reading) -> dict[str, tuple[int, float]]:
    sums: dict[str, tuple[int, float]] = {}
    for key, done in reading.statements.items():
        text = reading.texts[key.dbid, key.userid, key.queryid]
        if key.toplevel is not False and not is_hidden(text):  # what a function runs is in the time of its caller
            name = reading.databases.get(key.dbid, "")
            calls, total_ms = sums.get(name, (0, 0.0))
            sums[name] = (calls + done.counters.calls, total_ms + done.counters.total_ms)
    return sums


def _answer(
    now: _Taken, before: _Taken | None, session: Session, pool: ConnectionPool, recorder: QueryOptimizer
) -> DatabaseStats:
    seconds = None if before is None else (now.server["now"] - before.server["now"]).total_seconds()
    reset = [name for name, row in now.databases.items() if before and _was_reset(before.databases.get(name), row)]
    notes = [*now.notes, *(f"{name}: its statistics were reset in between" for name in reset)]
    if before is not None and before.server["started"] != now.server["started"]:
        notes.append("the server was restarted in between")
    return DatabaseStats(
        rows=tuple(_counts(name, now, before) for name in now.databases),
        server=session.server.partition("/")[0],
        version=now.server["version"].split()[0],
        at=now.server["now"],
        started=now.server["started"],
        window_seconds=None if seconds is None else round(seconds, 3),
        wal=_wal(now.server, before.server if before else None),
        process=_process(pool, recorder),
        queries=(),
        notes=tuple(notes),
    )


def _was_reset(before: Row | None, now: Row) -> bool:
    return before is not None and (before["since"] != now["since"] or before["commits"] > now["commits"])


def _counts(name: str, now: _Taken, before: _Taken | None) -> DatabaseCounts:
    earlier = before.databases.get(name) if before else None
    told = _more(now.databases[name], None if earlier and _was_reset(earlier, now.databases[name]) else earlier)
    use = _use_of(now.use.get(name), before.use.get(name) if before else None)
    calls, calls_ms = _calls(now.statements.get(name), before.statements.get(name) if before else None)
    return DatabaseCounts(
        **{field: value for field, value in told.items() if field != "io_ms"},
        rollback_ratio=_ratio(told["rollbacks"], told["commits"]),
        hit_ratio=_ratio(told["blks_hit"], told["blks_read"]),
        io_ms=round(told["io_ms"], 3) if now.server["times_io"] else None,
        calls=calls,
        calls_ms=None if calls_ms is None else round(calls_ms, 3),
        mean_ms=round(calls_ms / calls, 4) if calls and calls_ms is not None else None,
        **use,
    )


def _more(now: Row, before: Row | None) -> dict[str, Any]:
    """What the later row has more; what is not counted up as it is now."""
    if before is None:
        return dict(now)
    return {name: value if name in _NOW else max(value - before[name], 0) for name, value in dict(now).items()}


def _use_of(now: Row | None, before: Row | None) -> dict[str, Any]:
    if now is None:
        names = ("index_scans", "sequential_scans", "index_use_ratio", "table_hit_ratio", "index_hit_ratio")
        return dict.fromkeys(names)
    told = _more(now, before)
    return {
        "index_scans": told["index_scans"],
        "sequential_scans": told["sequential_scans"],
        "index_use_ratio": _ratio(told["rows_by_index"], told["rows_by_scan"]),
        "table_hit_ratio": _ratio(told["table_hit"], told["table_read"]),
        "index_hit_ratio": _ratio(told["index_hit"], told["index_read"]),
    }


def _calls(now: tuple[int, float] | None, before: tuple[int, float] | None) -> tuple[int | None, float | None]:
    if now is None:
        return None, None
    if before is None or before[0] > now[0]:
        return now
    return now[0] - before[0], max(now[1] - before[1], 0.0)


def _wal(now: Row, before: Row | None) -> WalCounts:
    if before is None:
        return WalCounts(since=now["wal_since"], records=now["wal_records"], bytes=now["wal_bytes"])
    records = None if now["wal_records"] is None else max(now["wal_records"] - before["wal_records"], 0)
    written = (now["wal_position"] or 0) - (before["wal_position"] or 0)
    return WalCounts(since=before["now"], records=records, bytes=max(written, 0))


def _process(pool: ConnectionPool, recorder: QueryOptimizer) -> ProcessCounts:
    held, runs = pool.statistics(), recorder.executions
    asked: Sequence[float] = [run.took_ms for run in runs if not run.was_cached]
    hits = len(runs) - len(asked)
    return ProcessCounts(
        in_use=held.in_use,
        idle=held.idle,
        waiting=held.waiting,
        created=held.created,
        closed=held.closed,
        waits=held.waits,
        wait_ms=round(held.wait_ms, 3),
        executions=len(runs),
        failed=sum(run.failed for run in runs),
        cache_hits=hits,
        cache_hit_ratio=round(hits / len(runs), 6) if runs else None,
        mean_ms=round(sum(asked) / len(asked), 4) if asked else None,
    )


def _ratio(part: int, rest: int) -> float | None:
    return round(part / (part + rest), 6) if part + rest else None
