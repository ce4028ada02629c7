"""How the queue is: what is pending and in progress, since when, what failed, who sends."""

from __future__ import annotations

import sqlite3

from perfctl.cdn.model.queue import QueuedDistribution, QueuedItem, QueueStatus
from perfctl.cdn.queue.leases import holder_of
from perfctl.cdn.queue.moments import iso

DAY_SECONDS = 86_400.0
_SHOWN = 10


def status_of(connection: sqlite3.Connection, file: str, *, now: float, window_seconds: float) -> QueueStatus:
    """All distributions that the file knows, the longest wait first."""
    names = connection.execute(
        "SELECT distribution FROM items UNION SELECT distribution FROM batches WHERE state IN ('intended', 'sent')"
        " UNION SELECT distribution FROM senders"
    )
    rows = [counted(connection, row["distribution"], now=now) for row in names]
    rows.sort(key=lambda row: (-(row.oldest_wait_seconds or 0.0), -row.in_flight, row.distribution_id))
    return QueueStatus(
        file=file,
        rows=tuple(rows),
        pending=sum(row.pending for row in rows),
        in_flight=sum(row.in_flight for row in rows),
        failed=sum(row.failed for row in rows),
        window_seconds=window_seconds,
        items=_next(connection, now),
        failures=failures(connection, now=now),
    )


def counted(connection: sqlite3.Connection, distribution: str, *, now: float) -> QueuedDistribution:
    """The figures of one distribution."""
    waiting = connection.execute(
        "SELECT count(*) AS pending, coalesce(sum(kind = 'wildcard'), 0) AS wildcards,"
        " coalesce(sum(kind = 'tag'), 0) AS tags, min(first_queued) AS since, coalesce(sum(deadline < ?), 0) AS overdue"
        " FROM items WHERE distribution = ? AND state = 'queued'",
        (now, distribution),
    ).fetchone()
    flying = connection.execute(
        "SELECT count(*) AS batches, coalesce(sum(items), 0) AS items, coalesce(sum(wildcards), 0) AS wildcards,"
        " coalesce(sum(state = 'intended'), 0) AS unconfirmed, min(coalesce(submitted, intended)) AS since"
        " FROM batches WHERE distribution = ? AND state IN ('intended', 'sent')",
        (distribution,),
    ).fetchone()
    sender = connection.execute("SELECT * FROM senders WHERE distribution = ?", (distribution,)).fetchone()
    return QueuedDistribution(
        distribution_id=distribution,
        pending=waiting["pending"],
        pending_wildcards=waiting["wildcards"],
        pending_tags=waiting["tags"],
        covered=number_of(connection, distribution, "state = 'covered'"),
        oldest_wait_seconds=_since(waiting["since"], now),
        overdue=waiting["overdue"],
        in_flight=flying["items"],
        in_flight_wildcards=flying["wildcards"],
        in_flight_batches=flying["batches"],
        unconfirmed_batches=flying["unconfirmed"],
        oldest_flight_seconds=_since(flying["since"], now),
        completed=number_of(connection, distribution, f"state = 'completed' AND settled >= {now - DAY_SECONDS!r}"),
        failed=number_of(connection, distribution, "state = 'failed'"),
        holder=holder_of(sender, now=now),
        error=sender["error"] if sender else None,
    )


def failures(connection: sqlite3.Connection, *, now: float, since: float = 0.0) -> tuple[QueuedItem, ...]:
    """The items that failed last, since a moment."""
    rows = connection.execute(
        "SELECT * FROM items WHERE state = 'failed' AND settled >= ? ORDER BY settled DESC, id LIMIT ?", (since, _SHOWN)
    )
    return tuple(queued_item(row, now) for row in rows)


def queued_item(row: sqlite3.Row, now: float) -> QueuedItem:
    """A row of `items`, as it is shown."""
    deadline = row["deadline"]
    return QueuedItem(
        id=row["id"],
        distribution_id=row["distribution"],
        item=row["item"],
        state=row["state"],
        waiting_seconds=_since(row["first_queued"], now) or 0.0,
        asked=row["asked"],
        deadline_at=None if deadline is None else iso(deadline),
        error=row["error"],
    )


def busy(connection: sqlite3.Connection) -> list[str]:
    """The distributions that have something to send, or to look at."""
    rows = connection.execute(
        "SELECT distribution FROM items WHERE state = 'queued'"
        " UNION SELECT distribution FROM batches WHERE state IN ('intended', 'sent') ORDER BY 1"
    )
    return [row["distribution"] for row in rows]


def _next(connection: sqlite3.Connection, now: float) -> tuple[QueuedItem, ...]:
    rows = connection.execute(
        "SELECT * FROM items WHERE state = 'queued'"
        " ORDER BY priority DESC, coalesce(deadline, 1e18), first_queued, id LIMIT ?",
        (_SHOWN,),
    )
    return tuple(queued_item(row, now) for row in rows)


def number_of(connection: sqlite3.Connection, distribution: str, condition: str) -> int:
    """How many items of a distribution meet a condition, which is this program's own text."""
    number: int = connection.execute(
        f"SELECT count(*) FROM items WHERE distribution = ? AND {condition}",  # noqa: S608 - conditions stand in this file
        (distribution,),
    ).fetchone()[0]
    return number


def _since(moment: float | None, now: float) -> float | None:
    return None if moment is None else round(max(0.0, now - moment), 3)
