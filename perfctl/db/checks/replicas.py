"""What the replicas counted: an index that the primary never read may serve their queries."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from perfctl.db.asking import ask
from perfctl.db.checks.rule import ReplicaCounts
from perfctl.db.postgres import connected
from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfctl.config import DatabaseConfig


async def replica_counts(replicas: Sequence[DatabaseConfig], *, timeout_seconds: float) -> ReplicaCounts:
    """The scans of every index, all replicas together. One that gives no answer is counted as silent."""
    scans: Counter[str] = Counter()
    days: list[float] = []
    asked = 0
    for config in replicas:
        try:
            async with connected(config) as session:
                rows = await ask(session, "check_indexes", timeout_seconds=timeout_seconds)
        except PerfctlError:
            continue
        asked += 1
        for row in rows:
            scans[row["name"]] += row["scans"] or 0
        days += [row["counted_days"] for row in rows[:1] if row["counted_days"] is not None]
    return ReplicaCounts(scans=scans, asked=asked, silent=len(replicas) - asked, counted_days=min(days, default=None))
