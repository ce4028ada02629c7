"""Where slow queries are looked up: which source answers a question, and what each wants to be told."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from perfctl.db.statements.order import Wanted, ordered, require
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.db.model.statements import SlowQueries
    from perfctl.db.pool import ConnectionPool
    from perfctl.db.statements.recorder import QueryOptimizer

SourceName = Literal["auto", "statements", "logs", "live", "recorder", "history"]
LIVE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where to look, and at which time."""

    source: SourceName = "auto"
    for_seconds: float | None = None
    """The next so many seconds; of pg_stat_statements and live samples."""
    since: datetime | None = None
    """From then on; of the history and of log files."""
    until: datetime | None = None
    history: Path | None = None
    """The file of the history."""
    log_files: tuple[str, ...] = ()
    log_line_prefix: str | None = None

    @property
    def chosen(self) -> SourceName:
        """The source that is meant: log files where some are named, the history for a time that is past.

        UsageError where the source that was named cannot answer for the time that was.
        """
        source = self._meant() if self.source == "auto" else self.source
        if self.for_seconds is not None and source not in ("statements", "live"):
            raise _unfitting("--for", source, "--since")
        if (self.since or self.until) and source not in ("history", "logs"):
            raise _unfitting("--since" if self.since else "--until", source, "--for")
        return source

    def _meant(self) -> SourceName:
        if self.log_files:
            return "logs"
        return "history" if self.since or self.until else "statements"

    @property
    def needs_server(self) -> bool:
        """Whether a server is asked: the history and log files are read without one."""
        return self.chosen in ("statements", "live")


async def online(pool: ConnectionPool, wanted: Wanted, look: Look, *, timeout: float | None = None) -> SlowQueries:
    """What the server answers: counted since its last reset or for some seconds, or sampled live."""
    if look.chosen == "live":
        from perfctl.db.statements.live import sampled

        require(wanted, "live")
        async with pool.acquire(timeout=timeout) as session:
            return await sampled(session, wanted, seconds=look.for_seconds or LIVE_SECONDS, timeout=timeout)
    from perfctl.db.statements.counted import counted, counted_for

    require(wanted, "pg_stat_statements")
    async with pool.acquire(timeout=timeout) as session:
        if look.for_seconds is None:
            return await counted(session, wanted, timeout=timeout)
        return await counted_for(session, wanted, seconds=look.for_seconds, timeout=timeout)


def offline(wanted: Wanted, look: Look, recorder: QueryOptimizer | None = None) -> SlowQueries:
    """What is answered without a server: log files, the history, the executions of this process."""
    if look.chosen == "recorder":
        return _recorded(wanted, recorder)
    if look.chosen == "logs":
        from perfctl.db.logs.summary import summary

        return summary(
            look.log_files, log_line_prefix=look.log_line_prefix, since=look.since, until=look.until, wanted=wanted
        )
    from perfctl.db.statements.history.window import slow_since

    if look.history is None:
        raise UsageError("no file of a history was named", hint="Look(history=history_file(context), since=...)")
    since = look.since or datetime.fromtimestamp(time.time() - 86_400.0, UTC)
    until = look.until.timestamp() if look.until else None
    return slow_since(look.history, wanted, since=since.timestamp(), until=until)


def _recorded(wanted: Wanted, recorder: QueryOptimizer | None) -> SlowQueries:
    from perfctl.db.statements.recorder import QueryOptimizer

    return ordered((recorder or QueryOptimizer()).summary(), wanted)


def _unfitting(option: str, source: SourceName, instead: str) -> UsageError:
    why = {
        "statements": "pg_stat_statements counts since its last reset",
        "live": "a live sample is of the time to come",
        "recorder": "the recorder has the last 1,000 executions of its process",
        "history": "the history is of the past",
        "logs": "log files are of the past",
    }
    hint = {
        "--since": "--since says from when on; --source statements --for 30s counts what is to come",
        "--for": "--source history for what was recorded, --for 30s for what is to come",
    }
    return UsageError(f"{option}: {why[source]}", hint=hint[instead], where=option)
