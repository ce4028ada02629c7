"""The load as it moves: a moment's figures, and rates from the moment before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from perfctl.db.asking import ask
from perfctl.db.model.activity import Vitals

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session


async def watched(session: Session, *, interval_seconds: float, count: int | None = None) -> AsyncIterator[Vitals]:
    """One moment after the other, `count` of them or without end; the pace does not drift."""
    loop, before, number = asyncio.get_running_loop(), None, 0
    started = loop.time()
    while count is None or number < count:
        now = (await ask(session, "vitals"))[0]
        yield between(before, now)
        before, number = now, number + 1
        if count is None or number < count:
            await asyncio.sleep(max(started + number * interval_seconds - loop.time(), 0.0))


def between(before: Record | None, now: Record) -> Vitals:
    """The moment `now`; counters that went back (statistics were reset) have no rate. Pure."""
    seconds = (now["at"] - before["at"]).total_seconds() if before is not None else 0.0

    def gained(name: str) -> float | None:
        if before is None or now[name] is None or before[name] is None or now[name] < before[name]:
            return None
        return float(now[name] - before[name])

    def rate(name: str) -> float | None:
        change = gained(name)
        return None if change is None or seconds <= 0 else round(change / seconds, 3)

    is_hidden = bool(now["unreadable"])  # what others do: a figure of ours alone would read as the server's

    def seen(name: str) -> Any:
        return None if is_hidden else now[name]

    hit, read, deadlocks = gained("blocks_hit"), gained("blocks_read"), gained("deadlocks")
    return Vitals(
        at=now["at"],
        connections=now["connections"],
        max_connections=now["max_connections"],
        active=seen("active"),
        waiting=seen("waiting"),
        idle_in_transaction=seen("idle_in_transaction"),
        longest_statement_seconds=_rounded(seen("longest_statement_seconds")),
        longest_transaction_seconds=_rounded(seen("longest_transaction_seconds")),
        transactions_per_second=rate("commits"),
        rollbacks_per_second=rate("rollbacks"),
        rows_read_per_second=rate("rows_read"),
        rows_written_per_second=rate("rows_written"),
        hit_ratio=round(hit / (hit + read), 6) if hit is not None and read is not None and hit + read else None,
        blocks_read_per_second=rate("blocks_read"),
        temp_bytes_per_second=rate("temp_bytes"),
        wal_bytes_per_second=rate("wal_bytes"),
        deadlocks=None if deadlocks is None else int(deadlocks),
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(max(seconds, 0.0), 3)
