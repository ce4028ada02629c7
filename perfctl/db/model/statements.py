"""What statements cost: slow queries, by their shape, from whichever source counted them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from perfctl.db.model.logs import LogFacts
    from perfctl.db.model.plans import PlanReport

LATER = {"LogFacts": "perfctl.db.model.logs", "PlanReport": "perfctl.db.model.plans"}
"""Where the types are that only log files fill: to load them takes longer than to ask the server."""

SlowOrder = Literal["total", "mean", "calls", "p95", "io", "temp", "wal", "rows"]
SlowSource = Literal["pg_stat_statements", "logs", "live", "recorder", "history"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowQuery:
    """One shape of query and what it cost; None where the source does not measure it."""

    query: str
    """The text, values as `$1`, `$2` ... where the source normalises it."""
    fingerprint: str
    """The same for texts that differ only in values, case and layout, whatever the source."""
    queryid: str | None = None
    """The server's own identifier: digits, perhaps with a minus, too long for a JSON number."""
    database: str | None = None
    username: str | None = None
    application: str | None = None
    """What the application called itself; None also where it used several names."""
    toplevel: bool | None = None
    """False for a statement that a function ran, within the time of the statement that called it."""
    calls: int
    total_ms: float
    share: float = 0.0
    """Of the time of all statements that were looked at, 0..1."""
    mean_ms: float
    min_ms: float | None = None
    max_ms: float | None = None
    stddev_ms: float | None = None
    p95_ms: float | None = None
    """The time that 95 % of the calls stay within; only of sources that see every call."""
    rows: int | None = None
    shared_hit_ratio: float | None = None
    """Blocks found in the buffer cache, of all that were asked for; None where none were."""
    shared_hit_blks: int | None = None
    shared_read_blks: int | None = None
    shared_dirtied_blks: int | None = None
    shared_written_blks: int | None = None
    temp_blks: int | None = None
    """Blocks read from and written to temporary files."""
    temp_bytes: int | None = None
    io_ms: float | None = None
    """Time spent reading and writing blocks; None where track_io_timing is off."""
    wal_bytes: int | None = None
    plan_ms: float | None = None
    """Time spent planning; None where pg_stat_statements.track_planning is off."""
    jit_ms: float | None = None
    """Time spent on compiling parts of the statement, all calls (PostgreSQL 15 and later)."""
    failed: int | None = None
    """Calls that ended with an error: of sources that see them."""
    cached: int | None = None
    """Calls that were answered from the query cache, not among `calls`: of the application's own recorder."""
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    samples: tuple[str, ...] = ()
    """Texts with their values, or values for `$1`, `$2` ..., as they were seen: what `--param` may be given."""
    plan: PlanReport | None = None
    """The plan of the slowest call that auto_explain logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowQueries:
    """The costliest shapes of query of a database, the costliest first."""

    listing: ClassVar[str] = "rows"

    rows: tuple[SlowQuery, ...]
    total: int
    """How many shapes passed the filters, shown or not."""
    by: SlowOrder
    database: str
    """The one database that was looked at; empty: all of them."""
    source: SlowSource
    server: str = ""
    """`host:port` of the server, the names of the log files, or `this process`."""
    method: str | None = None
    """How it was measured, where that is not plain from the source."""
    since: datetime | None = None
    """When counting began; None where nobody can say (pg_stat_statements before PostgreSQL 14)."""
    until: datetime | None = None
    """When it ended."""
    window_seconds: float | None = None
    """How long was looked at, less what was not recorded; None where counting began at an unknown time."""
    total_ms: float
    """The time of all shapes that were looked at."""
    evicted: int | None = None
    """How often the server dropped the least used statements because its table was full."""
    unreadable: int = 0
    """Statements of other roles that this one may not see; they are not among the rows."""
    unreadable_ms: float | None = None
    """The time of those; None where it cannot be told."""
    notes: tuple[str, ...] = ()
    """What a reader of these figures must know: resets, evictions, gaps; a sentence each."""
    log: LogFacts | None = None
    """What else the log files tell; of the source `logs`."""
