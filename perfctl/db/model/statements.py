"""What statements cost: slow queries, by their shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

SlowOrder = Literal["total", "mean", "calls", "rows", "io"]


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """One shape of query and what it cost; None where the source does not measure it."""

    query: str
    """The text, values as `$1`, `$2` ... where the source normalises it."""
    fingerprint: str
    """The same for texts that differ only in values, case and layout, whatever the source."""
    queryid: str | None
    """The server's own identifier: digits, perhaps with a minus, too long for a JSON number."""
    username: str | None
    calls: int
    total_ms: float
    share: float
    """Of the time of all statements that were looked at, 0..1."""
    mean_ms: float
    min_ms: float
    max_ms: float
    stddev_ms: float | None
    rows: int
    shared_hit_ratio: float | None
    """Blocks found in the buffer cache, of all that were asked for; None where none were."""
    shared_hit_blks: int | None
    shared_read_blks: int | None
    shared_dirtied_blks: int | None
    shared_written_blks: int | None
    temp_blks: int | None
    """Blocks read from and written to temporary files."""
    io_ms: float | None
    """Time spent reading and writing blocks; None where track_io_timing is off."""
    wal_bytes: int | None


@dataclass(frozen=True, slots=True)
class SlowQueries:
    """The costliest shapes of query of a database, the costliest first."""

    listing: ClassVar[str] = "rows"

    rows: tuple[SlowQuery, ...]
    total: int
    """How many shapes were looked at."""
    by: SlowOrder
    database: str
    source: Literal["pg_stat_statements"]
    since: datetime | None
    """When counting began; None where the server cannot say (before PostgreSQL 14)."""
    total_ms: float
    """The time of all shapes that were looked at."""
    evicted: int | None
    """How often the server dropped the least used statements because its table was full."""
    unreadable: int
    """Statements of other roles that this one may not see; they are not among the rows."""
