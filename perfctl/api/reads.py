"""What the GET routes ask: the engine's method that the command calls, with the command's own defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.api.snapshot import Part

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from perfctl.cache.model import SharedStats
    from perfctl.cdn.model.logs import LogStats
    from perfctl.db.model.statements import SlowQueries
    from perfctl.db.model.stats import DatabaseStats
    from perfctl.diagnosis import Diagnosis
    from perfctl.metrics.model import MetricsSnapshot
    from perfctl.optimizer import PerformanceOptimizer

    Read = Callable[[PerformanceOptimizer], Awaitable[object]]


async def metrics(optimizer: PerformanceOptimizer) -> MetricsSnapshot:
    """`metrics show`."""
    from perfctl.operations.snapshot import metrics_snapshot

    return await metrics_snapshot(optimizer)


async def cache_stats(optimizer: PerformanceOptimizer) -> SharedStats:
    """`cache stats`."""
    return await optimizer.cache.operator.stats()


async def cdn_stats(optimizer: PerformanceOptimizer) -> LogStats:
    """`cdn stats`, of the access logs that `cdn.logs` names."""
    return await optimizer.cdn.logs.stats(())


async def database_stats(optimizer: PerformanceOptimizer) -> DatabaseStats:
    """`db stats`."""
    return await optimizer.database.stats()


async def query_metrics(optimizer: PerformanceOptimizer) -> DatabaseStats:
    """`db stats --by query`."""
    from perfctl.db.statements.order import Wanted

    return await optimizer.database.stats(queries=Wanted())


async def slow_queries(optimizer: PerformanceOptimizer) -> SlowQueries:
    """`db slow`."""
    return await optimizer.database.slow()


async def health(optimizer: PerformanceOptimizer) -> Diagnosis:
    """`health`."""
    from perfctl.operations.health import health as ask

    return await ask(optimizer)


_PARTS: tuple[tuple[str, Read, bool], ...] = (
    ("metrics", metrics, False),
    ("cache", cache_stats, False),
    ("cdn", cdn_stats, True),
    ("database", database_stats, False),
    ("slow-queries", slow_queries, False),
    ("query-metrics", query_metrics, False),
    ("health", health, False),
)


def parts_of(optimizer: PerformanceOptimizer) -> tuple[Part, ...]:
    """The parts of the snapshot; access logs are read only while somebody asks for them."""
    return tuple(_part(optimizer, *row) for row in _PARTS)


def _part(optimizer: PerformanceOptimizer, name: str, read: Read, is_costly: bool) -> Part:
    async def ask() -> object:
        return await read(optimizer)

    return Part(name, ask, timeout_seconds=60.0 if is_costly else 10.0, is_costly=is_costly)
