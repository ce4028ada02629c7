"""Who is at work on a server: sessions, who waits for whom, and how the load moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

Ending = Literal["cancel", "terminate"]
"""`cancel` stops a session's statement, `terminate` the session itself."""

Outcome = Literal[
    "would be ended", "ended", "asked", "gone before", "changed before", "not permitted", "nothing to cancel"
]
"""`asked`: the server passed it on, and the session was still there when we stopped watching. `nothing to cancel`: it
runs no statement, and what it holds only ending the session gives back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSession:
    """A session of the server, as pg_stat_activity shows it; None where this role may not see it."""

    pid: int
    backend_start: datetime | None
    """Together with `pid` it names one session for ever: pids come again."""
    backend_type: str | None
    database: str | None
    username: str | None
    application: str | None
    client: str | None
    """The address of the other end; None for a Unix socket and for the server's own processes."""
    state: str | None
    """`active`, `idle`, `idle in transaction`, ..."""
    wait: str | None
    """What it waits for, such as `Lock: transactionid`; None while it runs."""
    duration_seconds: float | None
    """How long it is in this state; for an active one: how long its statement runs."""
    transaction_seconds: float | None
    """How long its transaction is open."""
    query: str | None
    """What it runs, or ran last."""
    queryid: str | None
    """The server's identifier of the query's shape, from PostgreSQL 14 on where compute_query_id is on."""
    query_start: datetime | None
    blocked_by: tuple[int, ...]
    """The pids of the sessions that it waits for; 0 is a prepared transaction."""
    outcome: Outcome | None = None
    """What came of cancelling or terminating it, where that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """The sessions that were looked for, the longest at it first."""

    listing: ClassVar[str] = "rows"

    rows: tuple[ServerSession, ...]
    total: int
    server: str
    connections: int
    """All client sessions of the server, whatever was looked for."""
    max_connections: int
    states: dict[str, int]
    """How many client sessions are in which state."""
    unreadable: int
    """Sessions of other roles of which this one may see no more than that they are there."""
    action: Ending | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LockWait:
    """What a session waits for."""

    lock_type: str
    """As pg_locks has it: `relation`, `transactionid` (a row that another one wrote), `tuple`, `advisory` ..."""
    object: str
    """`table public.trades`, `row of public.trades`, `transaction 733`, `advisory lock 42`."""
    mode: str
    """What it wants: `AccessExclusiveLock`."""
    held_mode: str | None
    """What the session that it waits for holds of it; None where that only stands before it in the queue."""
    waited_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockNode:
    """A session that blocks others, or waits; who waits for it is below it."""

    session: ServerSession
    waits_for: LockWait | None
    """None at the top: it waits for nobody."""
    also_blocked_by: tuple[int, ...]
    """Others that it waits for, too: it stands below one of them only."""
    is_deadlocked: bool
    """It waits, round about, for itself; the server ends one of them after deadlock_timeout."""
    waiting: int
    """How many sessions wait for it, directly or not."""
    children: tuple[LockNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTree:
    """Who waits for whom: at the top those that wait for nobody, the one that holds up the most first."""

    listing: ClassVar[str] = "rows"

    rows: tuple[LockNode, ...]
    total: int
    server: str
    waiting: int
    """How many sessions wait for a lock."""
    longest_wait_seconds: float | None
    unreadable: int = 0
    """Sessions of other roles of which this one may see no more than that they are there, and whom they wait for."""
    action: Ending | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The server at one moment; rates are per second since the moment before, None at the first.

    What other sessions do is None where this role may not see it.
    """

    at: datetime
    connections: int
    max_connections: int
    active: int | None
    waiting: int | None
    """Active sessions that wait for a lock."""
    idle_in_transaction: int | None
    longest_statement_seconds: float | None
    longest_transaction_seconds: float | None
    transactions_per_second: float | None
    rollbacks_per_second: float | None
    rows_read_per_second: float | None
    rows_written_per_second: float | None
    hit_ratio: float | None
    """Blocks found in the buffer cache, of all that were asked for meanwhile; None where none were."""
    blocks_read_per_second: float | None
    temp_bytes_per_second: float | None
    wal_bytes_per_second: float | None
    deadlocks: int | None
    """Since the moment before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Several moments, the oldest first."""

    listing: ClassVar[str] = "rows"

    rows: tuple[Vitals, ...]
    server: str
    interval_seconds: float
