"""What a server's log files tell: statements, one by one, and what else was counted on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LoggedKind = Literal["statement", "execute", "parse", "bind", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedStatement:
    """One statement as the log has it; None where the log does not say."""

    kind: LoggedKind
    """How it ran: `statement` by the simple protocol, `execute` prepared, `plan` where auto_explain alone logged it.

    `parse` and `bind` are the steps before an `execute`; their time is not part of its time.
    """
    sql: str
    took_ms: float | None
    """None where the statement was logged and its time was not."""
    at: datetime | None
    """When it ended, in UTC."""
    username: str | None
    database: str | None
    application: str | None
    host: str | None
    session: str | None
    """The process (`%p`), or the session (`%c`)."""
    parameters: tuple[str | None, ...]
    """The values of `$1`, `$2` ..., as texts; None is NULL."""
    plan: str | None
    """The plan that auto_explain logged for this call, as it was written."""
    queryid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """What was counted while log files were read."""

    files: tuple[str, ...]
    bytes_read: int
    """Of the files as they lie there, compressed or not."""
    records: int
    """Messages, each with its DETAIL, STATEMENT and further lines."""
    statements: int
    """Executions: simple ones and prepared ones."""
    untimed: int
    """Of these, logged without their time."""
    statements_ms: float
    parses: int
    parse_ms: float
    binds: int
    bind_ms: float
    unnamed_durations: int
    """Times whose statement was not logged, or stands before the first line."""
    unnamed_ms: float
    plans: int
    """Plans that auto_explain logged."""
    errors: int
    cancelled: int
    """Statements that a timeout or a user ended."""
    deadlocks: int
    temp_files: int
    temp_bytes: int
    lock_waits: int
    """Waits for a lock that were longer than deadlock_timeout."""
    lock_wait_ms: float
    """The time until the lock was had, where that was logged."""
    checkpoints: int
    checkpoints_requested: int
    """Of these, asked for by WAL volume or by a command: not by checkpoint_timeout."""
    autovacuums: int
    autoanalyzes: int
    connections: int
    broken: int
    """Pieces that could not be read: cut by rotation, truncated, not of a log."""
    undecoded: int
    """Bytes that are no UTF-8; each stands as `\\ufffd` in its text."""
