"""Tables whose statistics are older than their rows: the planner guesses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Found
from perfctl.operations.optimizing.model import Evidence, Finding, Gain
from perfctl.operations.optimizing.steps import Step
from perfctl.units import format_bytes, format_count, format_ratio

if TYPE_CHECKING:
    from perfctl.db.mending import StaleTable
    from perfctl.operations.optimizing.asked import Asked


async def look(asked: Asked) -> Sequence[Found]:
    """Tables of which 10,000 rows and a fifth changed since the last ANALYZE."""
    from perfctl.db.mending import stale_tables

    async with asked.optimizer.database.pool.acquire(timeout=asked.limit_seconds) as session:
        tables = await stale_tables(session, timeout_seconds=asked.limit_seconds)
    return [_found(table) for table in tables]


def _found(table: StaleTable) -> Found:
    when = f"{table.analyzed_at:%Y-%m-%d %H:%M} UTC" if table.analyzed_at else "never"
    finding = Finding(
        id=f"statistics:{table.name}",
        source="statistics",
        severity="warning" if table.share >= 0.5 or table.analyzed_at is None else "info",
        title=f"{format_ratio(table.share)} of {table.name} changed since it was analyzed",
        subject=table.name,
        evidence=(
            Evidence("changed rows", f"{format_count(table.changed)} rows", float(table.changed), "count"),
            Evidence("live rows", f"{format_count(table.live)} rows", float(table.live), "count"),
            Evidence("analyzed", when),
        ),
        gain=Gain("unknown", "which plans get better shows once the statistics are new; none was compared"),
        risk="none",
        risk_why=f"reads a sample of {format_bytes(table.size_bytes)}; nobody waits for it; plans may change",
        command=f"ANALYZE {table.name};",
        command_kind="sql",
        advice=None if table.is_ours else f"only the owner of {table.name} may analyze it",
        is_safe=table.is_ours,
        weight=table.share,
    )
    return Found(finding, Step(kind="analyze", table=table.name, command=finding.command) if table.is_ours else None)
