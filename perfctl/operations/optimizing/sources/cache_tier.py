"""The tier in the process: does it throw out what it is asked for again?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Found
from perfctl.operations.optimizing.model import Evidence, Finding, Gain
from perfctl.operations.optimizing.shared import shared_stats
from perfctl.units import format_count, format_ratio

if TYPE_CHECKING:
    from perfctl.cache.model.shared import NamespaceStats
    from perfctl.operations.optimizing.asked import Asked

LEAST_LOOKUPS = 1000
MANY_EVICTED = 0.05
"""Of the look-ups."""


async def look(asked: Asked) -> Sequence[Found]:
    """One finding: the size is the whole process's, whichever namespace fills it."""
    rows = (await shared_stats(asked)).rows
    lookups = sum(row.hits + row.misses for row in rows)
    evicted = sum(row.evictions for row in rows)
    from_redis = sum(row.hits_l2 for row in rows)
    if lookups < LEAST_LOOKUPS or evicted < MANY_EVICTED * lookups or not from_redis:
        return ()
    size_mb = asked.optimizer.settings.cache.max_size_mb
    return (_found(rows, lookups, evicted, from_redis, size_mb),)


def _found(rows: Sequence[NamespaceStats], lookups: int, evicted: int, from_redis: int, size_mb: float) -> Found:
    most = min(evicted, from_redis) / lookups
    worst = max(rows, key=lambda row: row.evictions)
    return Found(
        Finding(
            id="cache_tier:size",
            source="cache_tier",
            severity="warning" if most >= 0.2 else "info",
            title=f"the tier in the process evicts {format_ratio(evicted / lookups)} as often as it is asked",
            subject=worst.namespace,
            evidence=(
                Evidence("evictions", f"{format_count(evicted)} in all processes", float(evicted), "count"),
                Evidence("look-ups", format_count(lookups), float(lookups), "count"),
                Evidence("answered by Redis", format_count(from_redis), float(from_redis), "count"),
                Evidence("most evictions", f"namespace {worst.namespace}: {format_count(worst.evictions)}"),
                Evidence("cache.max_size_mb", f"{size_mb:g} MB", size_mb, "MB"),
            ),
            gain=Gain(
                f"at most {format_ratio(most)} of the look-ups answered in the process, not by Redis",
                "as if each evicted value had been asked for once more; a trace says it: perfctl cache simulate TRACE",
                most,
                "ratio",
            ),
            risk="low",
            risk_why=f"each process may take {size_mb:g} MB more; processes take it over at their next start",
            command=f"cache: {{max_size_mb: {size_mb * 2:g}}}",
            command_kind="yaml",
            reverse=f"cache: {{max_size_mb: {size_mb:g}}}",
            weight=most,
        )
    )
