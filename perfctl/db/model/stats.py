"""What a database counts of itself: transactions, buffers, indexes, WAL; and what perfctl's own pool did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from perfctl.db.model.statements import SlowQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseCounts:
    """One database; counters are of the time since `since`, or of the window where there is one."""

    database: str
    since: datetime | None
    """When its statistics began; None where they were never reset."""
    connections: int
    """Now."""
    commits: int
    rollbacks: int
    rollback_ratio: float | None
    hit_ratio: float | None
    """Blocks found in the buffer cache, of all that were asked for."""
    blks_hit: int
    blks_read: int
    rows_scanned: int
    """Rows that scans went over."""
    rows_fetched: int
    """Rows that index scans found."""
    rows_inserted: int
    rows_updated: int
    rows_deleted: int
    temp_files: int
    temp_bytes: int
    deadlocks: int
    conflicts: int
    """Queries that a replica cancelled, for they were in the way of what it had to replay."""
    io_ms: float | None
    """Time spent reading and writing blocks; None where track_io_timing is off."""
    calls: int | None
    """Statements that pg_stat_statements counted, without perfctl's own; None where it does not count."""
    calls_ms: float | None
    mean_ms: float | None
    index_scans: int | None
    """None where the database was not connected to."""
    sequential_scans: int | None
    index_use_ratio: float | None
    """Rows that were found through an index, of all that were read from tables."""
    table_hit_ratio: float | None
    index_hit_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalCounts:
    """What the whole server wrote ahead."""

    since: datetime | None
    records: int | None
    bytes: int | None
    """None before PostgreSQL 14, where nothing counts it; of a window it is known there, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCounts:
    """perfctl's own side, in this process: the pool, and the last 1,000 executions through it."""

    in_use: int
    idle: int
    waiting: int
    created: int
    closed: int
    waits: int
    wait_ms: float
    executions: int
    failed: int
    cache_hits: int
    cache_hit_ratio: float | None
    mean_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStats:
    """The server's databases, the one that is connected to first."""

    listing: ClassVar[str] = "rows"

    rows: tuple[DatabaseCounts, ...]
    server: str
    version: str
    at: datetime
    started: datetime
    window_seconds: float | None
    """How long was counted; None: since each `since`."""
    wal: WalCounts
    process: ProcessCounts
    queries: tuple[SlowQuery, ...]
    """With `--by query`: what each shape of query cost."""
    notes: tuple[str, ...]
