"""Is the way to PostgreSQL well: who waits for the pool, do the replicas keep up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perfctl.db.asking import ask
from perfctl.db.pool.statistics import PoolStatistics
from perfctl.diagnosis import Check, Status
from perfctl.errors import PerfctlError
from perfctl.units import format_duration_ms

if TYPE_CHECKING:
    from perfctl.db.pool.pool import ConnectionPool

LAG_WARN_SECONDS, LAG_FAIL_SECONDS = 10.0, 60.0
_WIDEN = "raise database.max_connections, or end what holds them: perfctl db activity"


def pool_check(now: PoolStatistics, most: int) -> Check:
    """A caller that waits is a warning; more of them than there are connections is a failure."""
    status: Status = "fail" if now.waiting > most else "warn" if now.waiting or now.in_use >= most else "pass"
    mean = f", {format_duration_ms(now.wait_ms / now.waits)} each" if now.waits else ""
    waited = f"; {now.waits} waited so far{mean}"
    return Check(
        "pool",
        "waiting",
        status,
        f"{now.in_use} of {most} in use, {now.waiting} waiting{waited}",
        None if status == "pass" else _WIDEN,
        value=now.waiting,
        unit="count",
        threshold=most if status == "fail" else 1,
    )


async def replica_checks(pools: Sequence[ConnectionPool], *, timeout_seconds: float) -> list[Check]:
    """Each replica at once, numbered as in `database.replica_dsns`; none where none is configured. Never raises."""
    return list(
        await asyncio.gather(*(_replica(number, pool, timeout_seconds) for number, pool in enumerate(pools, 1)))
    )


async def _replica(number: int, pool: ConnectionPool, limit: float) -> Check:
    started = time.perf_counter()
    try:
        async with pool.acquire(timeout=limit) as session:
            state = (await ask(session, "replica_state", timeout_seconds=limit))[0]
    except PerfctlError as error:
        return Check("replicas", f"replica {number}", "fail", error.message, error.hint)
    return judged(number, state, took_ms=round((time.perf_counter() - started) * 1000, 3))


def judged(number: int, state: Mapping[str, Any], *, took_ms: float | None = None) -> Check:
    """What a replica says of itself."""
    name = f"replica {number}"
    if not state["is_replica"]:
        alone = "take it out of database.replica_dsns, or make it follow the primary"
        return Check("replicas", name, "fail", "it follows nobody: it is a primary itself", alone, took_ms)
    lag = state["lag_seconds"]
    if not state["is_receiving"]:
        cut = "is the primary up, and primary_conninfo right? the replica's log names the reason"
        return Check("replicas", name, "fail", f"not streaming; {_behind(lag)}", cut, took_ms, lag, "seconds")
    status: Status = "pass"
    if lag is not None and lag >= LAG_WARN_SECONDS:
        status = "fail" if lag >= LAG_FAIL_SECONDS else "warn"
    limit = LAG_FAIL_SECONDS if status == "fail" else LAG_WARN_SECONDS
    fix = None if status == "pass" else "end long queries there, or give it more I/O: perfctl db check replication"
    return Check("replicas", name, status, f"streaming, {_behind(lag)}", fix, took_ms, lag, "seconds", limit)


def _behind(lag: float | None) -> str:
    return "how far it is behind is not known" if lag is None else f"{format_duration_ms(lag * 1000)} behind"
