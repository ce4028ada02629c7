"""What a statement costs: its plan's cost, its time and its blocks, as the engine measures them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError
from perfctl.operations.optimizing.model import Measured

if TYPE_CHECKING:
    from perfctl.db.engine import DatabaseOptimizer

LEAST_GAIN = 0.1
"""Of the plan's cost: an index that saves less is not worth its writes."""
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one statement; None where it was planned alone."""

    planned: float
    took_ms: float | None
    blocks: int | None


async def cost_of(database: DatabaseOptimizer, statement: str) -> Cost | None:
    """Under the gate: run twice and measured the second time, READ ONLY and rolled back; planned alone where it has
    parameters. None where it may not be planned."""
    try:
        first = await database.analyze_query_performance(statement, timeout=_SECONDS)
        plan = await database.analyze_query_performance(statement, timeout=_SECONDS) if first.analyzed else first
    except PerfctlError:
        return None
    buffers = plan.plan.buffers
    blocks = buffers.hit + buffers.read if plan.analyzed and buffers is not None else None
    return Cost(plan.plan.total_cost, plan.execution_ms if plan.analyzed else None, blocks)


def compared(name: str, before: Cost | None, after: Cost | None) -> tuple[Measured, ...]:
    """The figures that both have."""
    if before is None or after is None:
        return ()
    figures = [
        Measured(name=f"{name}: cost", unit="cost", before=before.planned, after=after.planned, how="the plan's total")
    ]
    if before.took_ms is not None and after.took_ms is not None:
        how = "EXPLAIN (ANALYZE), the second of two runs"
        figures.append(Measured(name=f"{name}: time", unit="ms", before=before.took_ms, after=after.took_ms, how=how))
    if before.blocks is not None and after.blocks is not None:
        figures.append(
            Measured(
                name=f"{name}: blocks",
                unit="count",
                before=float(before.blocks),
                after=float(after.blocks),
                how="shared blocks that were hit and read",
            )
        )
    return tuple(figures)


def pays(before: Cost | None, after: Cost | None) -> bool | None:
    """Whether the plan became cheaper by a tenth; None where that was not measured."""
    if before is None or after is None:
        return None
    return after.planned <= before.planned * (1 - LEAST_GAIN)
