"""pg_stat_statements of PostgreSQL 13 to 18: what the server itself counted since its last reset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfctl.db import doctor
from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.postgres import Record, Session, quoted
from perfctl.db.questions import question
from perfctl.db.statements.order import Wanted, ordered, require
from perfctl.errors import ServiceError

# pg_stat_statements' version -> the PostgreSQL that brought it: after pg_upgrade the extension may lag behind.
_SHAPES = {"1.8": 13, "1.9": 14, "1.10": 15, "1.11": 17, "1.12": 18}
_BLOCK_BYTES = 8192


async def counted(session: Session, wanted: Wanted, *, timeout: float | None = None) -> SlowQueries:
    """The costliest shapes of query of this database since the last reset; perfctl's own left out.

    ServiceError, with the statement that mends it, where nothing is counted.
    """
    require(wanted, "pg_stat_statements")
    schema, shape = await place(session, timeout=timeout)
    rows = await session.fetch(
        question("slow_queries", version=shape).replace("{schema}", schema), "total", None, timeout=timeout
    )
    since = question("statistics_since", version=shape).replace("{schema}", schema)
    info = (await session.fetch(since, timeout=timeout))[0]
    return ordered(_answer(rows, info, session.server), wanted)


async def place(session: Session, *, timeout: float | None = None) -> tuple[str, int]:
    """The quoted schema of pg_stat_statements, and the PostgreSQL whose columns it has.

    ServiceError, with what mends it, where there is none to read.
    """
    facts = (await session.fetch(question("server_facts"), timeout=timeout))[0]
    fault = doctor.statements_fault(facts)
    if fault:
        raise ServiceError(fault[0], hint=fault[1])
    return quoted(facts["extension_schema"]), _shape_of(facts["extension_version"])


def _shape_of(extension_version: str) -> int:
    """The PostgreSQL whose columns pg_stat_statements has; a version that is newer than we know has the newest."""
    known = _SHAPES.get(extension_version)
    if known is None and tuple(map(int, extension_version.split("."))) < (1, 8):
        raise ServiceError(
            f"pg_stat_statements {extension_version} is too old to be read",
            hint="ALTER EXTENSION pg_stat_statements UPDATE; on PostgreSQL 13 or later",
        )
    return known or max(_SHAPES.values())


def _answer(rows: list[Record], info: Mapping[str, Any], server: str) -> SlowQueries:
    return SlowQueries(
        rows=tuple(_slow_query(row) for row in rows),
        total=len(rows),
        by="total",
        database=info["database"],
        source="pg_stat_statements",
        server=server.partition("/")[0],
        since=info["since"],
        total_ms=0.0,
        evicted=info["evicted"],
        unreadable=info["unreadable"],
    )


def _slow_query(row: Record) -> SlowQuery:
    asked = row["shared_blks_hit"] + row["shared_blks_read"]
    return SlowQuery(
        query=row["query"],
        fingerprint="",
        queryid=row["queryid"],
        username=row["username"],
        calls=row["calls"],
        total_ms=round(row["total_ms"], 3),
        mean_ms=round(row["mean_ms"], 4),
        min_ms=round(row["min_ms"], 4),
        max_ms=round(row["max_ms"], 4),
        stddev_ms=round(row["stddev_ms"], 4),
        rows=row["rows"],
        shared_hit_ratio=round(row["shared_blks_hit"] / asked, 6) if asked else None,
        shared_hit_blks=row["shared_blks_hit"],
        shared_read_blks=row["shared_blks_read"],
        shared_dirtied_blks=row["shared_blks_dirtied"],
        shared_written_blks=row["shared_blks_written"],
        temp_blks=row["temp_blks"],
        temp_bytes=row["temp_blks"] * _BLOCK_BYTES,
        io_ms=None if row["io_ms"] is None else round(row["io_ms"], 3),
        wal_bytes=row["wal_bytes"],
    )
