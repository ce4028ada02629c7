"""The sessions of a server: who does what, for how long, waiting for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.db.asking import ask
from perfctl.db.model.activity import Activity, ServerSession
from perfctl.db.redaction.passwords import without_passwords

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session

CLIENT = "client backend"
IDLE_IN_TRANSACTION = ("idle in transaction", "idle in transaction (aborted)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which sessions are looked for; what is not said does not matter."""

    longer_than_seconds: float = 0.0
    """In their state: running a statement, or idle in a transaction."""
    idle_in_transaction: bool = False
    """Only those that hold a transaction open and do nothing."""
    blocked: bool = False
    """Only those that wait for another session."""
    pids: Collection[int] = ()
    username: str | None = None
    database: str | None = None
    application: str | None = None
    everything: bool = False
    """Also idle sessions and the server's own processes."""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything narrows it down to less than all that is at work."""
        names = (self.username, self.database, self.application)
        return bool(self.longer_than_seconds or self.idle_in_transaction or self.blocked or self.pids) or any(names)

    def fits(self, session: ServerSession) -> bool:
        """Whether it is one of those."""
        if self.pids:
            return session.pid in self.pids
        return (
            self._is_at_work(session)
            and (not self.idle_in_transaction or session.state in IDLE_IN_TRANSACTION)
            and (not self.blocked or bool(session.blocked_by))
            and (session.duration_seconds or 0.0) >= self.longer_than_seconds
            and self.username in (None, session.username)
            and self.database in (None, session.database)
            and self.application in (None, session.application)
        )

    def _is_at_work(self, session: ServerSession) -> bool:
        return self.everything or (session.backend_type == CLIENT and session.state not in (None, "idle", "disabled"))


async def sessions(session: Session, *, timeout_seconds: float | None = None) -> tuple[list[ServerSession], int]:
    """Every session but our own, and how many of other roles show no more than that they are there."""
    records = await ask(session, "sessions", version=session.server_version[0], **limit_of(timeout_seconds))
    return [_session(record) for record in records], sum(record["is_unreadable"] for record in records)


async def activity(session: Session, wanted: Wanted, *, timeout_seconds: float | None = None) -> Activity:
    """The sessions that are looked for, the longest at it first; and how many there are of each kind."""
    records = await ask(session, "sessions", version=session.server_version[0], **limit_of(timeout_seconds))
    every = [_session(record) for record in records]
    rows = longest_first(each for each in every if wanted.fits(each))
    clients = [each for each in every if each.backend_type in (CLIENT, None)]
    return Activity(
        rows=tuple(rows),
        total=len(rows),
        server=session.server,
        connections=len(clients) + 1,
        max_connections=records[0]["max_connections"] if records else 0,
        states=dict(sorted(Counter(each.state or "unknown" for each in clients).items())),
        unreadable=sum(record["is_unreadable"] for record in records),
    )


def longest_first(rows: Iterable[ServerSession]) -> list[ServerSession]:
    """Those that hold a transaction open before those that hold nothing, each the longest first."""
    return sorted(
        rows, key=lambda each: (-(each.transaction_seconds or 0.0), -(each.duration_seconds or 0.0), each.pid)
    )


def _session(record: Record) -> ServerSession:
    is_unreadable = record["is_unreadable"]
    return ServerSession(
        pid=record["pid"],
        backend_start=record["backend_start"],
        backend_type=record["backend_type"],
        database=record["database"],
        username=record["username"],
        application=record["application"] or None,
        client=record["client"],
        state=record["state"],
        wait=record["wait"],
        duration_seconds=_seconds(record["duration_seconds"]),
        transaction_seconds=_seconds(record["transaction_seconds"]),
        query=None if is_unreadable else without_passwords(record["query"] or "") or None,
        queryid=record["queryid"],
        query_start=record["query_start"],
        blocked_by=tuple(sorted(set(record["blocked_by"]))),
    )


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(max(value, 0.0), 3)


def limit_of(timeout_seconds: float | None) -> dict[str, float]:
    """The limit of a question, where the caller named one."""
    return {} if timeout_seconds is None else {"timeout_seconds": timeout_seconds}
