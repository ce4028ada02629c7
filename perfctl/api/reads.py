"""What the GET routes ask: the engine's method that the command calls, with the command's own defaults."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from perfctl.api import queries
from perfctl.api.snapshot import Part
from perfctl.units import moment, parse_duration

if TYPE_CHECKING:
    from perfctl.cache.model import SharedStats
    from perfctl.cdn.model.logs import LogStats
    from perfctl.cdn.model.spending import InvalidationSpending
    from perfctl.db.model.statements import SlowQueries
    from perfctl.db.model.stats import DatabaseStats
    from perfctl.diagnosis import Diagnosis
    from perfctl.metrics.alerts.model import Alerts
    from perfctl.metrics.model import MetricsSnapshot
    from perfctl.optimizer import PerformanceOptimizer
    from perfctl.recording.frame import Frame

TOTALS = "totals"
"""The part that is for scrapers alone."""

Read = Callable[["PerformanceOptimizer", Any], Awaitable[object]]


async def nothing(optimizer: PerformanceOptimizer, query: queries.Query) -> object:
    """The read of a route that is none."""
    raise NotImplementedError


async def metrics(optimizer: PerformanceOptimizer, query: queries.MetricsQuery) -> MetricsSnapshot:
    """`metrics show`."""
    from perfctl.operations.snapshot import metrics_snapshot

    since = None if query.since is None else parse_duration(query.since, where="since")
    return await metrics_snapshot(optimizer, since_seconds=since, by=query.by)


async def cache_stats(optimizer: PerformanceOptimizer, query: queries.CacheQuery) -> SharedStats:
    """`cache stats`."""
    return await optimizer.cache.operator.stats(query.namespace, with_nodes=query.server)


async def cdn_stats(optimizer: PerformanceOptimizer, query: queries.CdnQuery) -> LogStats:
    """`cdn stats`, of the access logs that `cdn.logs` names: a reader elsewhere names no files of this machine."""
    from perfctl.cdn.logs.filtering import Filter

    wanted = Filter(
        since=moment(query.since, "since"),
        until=moment(query.until, "until"),
        hosts=() if query.host is None else (query.host,),
        paths=() if query.path is None else (query.path,),
        statuses=() if query.status is None else (query.status,),
    )
    return await optimizer.access_logs.stats((), wanted=wanted)


async def database_stats(optimizer: PerformanceOptimizer, query: queries.DatabaseQuery) -> DatabaseStats:
    """`db stats`."""
    return await optimizer.database.stats(all_databases=query.all_databases)


async def query_metrics(optimizer: PerformanceOptimizer, query: queries.DatabaseQuery) -> DatabaseStats:
    """`db stats --by query`."""
    from perfctl.db.statements.order import Wanted

    wanted = Wanted(limit=_limit(query.limit), all_databases=query.all_databases)
    return await optimizer.database.stats(all_databases=query.all_databases, queries=wanted)


async def slow_queries(optimizer: PerformanceOptimizer, query: queries.SlowQuery) -> SlowQueries:
    """`db slow`; with `since` of the history that `db history record` keeps."""
    from perfctl.db.statements.history.store import history_file
    from perfctl.db.statements.order import Wanted
    from perfctl.db.statements.sources import Look

    wanted = Wanted(
        by=query.by,
        limit=_limit(query.limit),
        min_mean_ms=query.min_mean_ms,
        min_calls=query.min_calls,
        user=query.user,
        database=query.database,
        all_databases=query.all_databases,
    )
    look = Look(
        since=moment(query.since, "since"),
        until=moment(query.until, "until"),
        history=history_file(optimizer.settings.context),
    )
    return await optimizer.database.slow(wanted, look)


async def health(optimizer: PerformanceOptimizer, query: queries.HealthQuery) -> Diagnosis:
    """`health`."""
    from perfctl.operations.health import health as ask

    return await ask(optimizer, deep=query.deep)


async def alerts(optimizer: PerformanceOptimizer, query: queries.Query) -> Alerts:
    """`metrics alerts`, as they stood when they were last evaluated."""
    from perfctl.metrics.alerts.opening import open_alerts
    from perfctl.metrics.history import open_history

    def asked() -> Alerts:
        with closing(open_history(optimizer.settings)) as history:
            return open_alerts(optimizer.settings, history=history).alerts()

    return await asyncio.to_thread(asked)


async def invalidations(optimizer: PerformanceOptimizer, query: queries.Query) -> InvalidationSpending:
    """`cdn invalidations`."""
    return await optimizer.cdn.invalidation_spending()


async def totals(optimizer: PerformanceOptimizer, query: queries.Query) -> Frame | None:
    """All that the history ever measured: counters that only grow, for a scraper."""
    from perfctl.metrics.history import open_history

    def asked() -> Frame | None:
        with closing(open_history(optimizer.settings)) as history:
            return history.totals()

    return await asyncio.to_thread(asked)


PARTS: tuple[tuple[str, Read, queries.Query, float], ...] = (
    ("metrics", metrics, queries.MetricsQuery(), 10.0),
    ("cache", cache_stats, queries.CacheQuery(), 10.0),
    ("cdn", cdn_stats, queries.CdnQuery(), 60.0),
    ("database", database_stats, queries.DatabaseQuery(), 10.0),
    ("slow-queries", slow_queries, queries.SlowQuery(), 10.0),
    ("query-metrics", query_metrics, queries.DatabaseQuery(), 10.0),
    ("health", health, queries.HealthQuery(), 15.0),
    ("alerts", alerts, queries.Query(), 10.0),
    ("invalidations", invalidations, queries.Query(), 30.0),
    (TOTALS, totals, queries.Query(), 10.0),
)
"""The parts of the snapshot: name, what asks, with which parameters, and how long it may take."""

_COSTLY = ("cdn", "invalidations")
"""Asked only while somebody wants them: access logs may be many, and lie where to read them costs money."""


def parts_of(optimizer: PerformanceOptimizer) -> tuple[Part, ...]:
    """The parts of the snapshot."""
    return tuple(_part(optimizer, *row) for row in PARTS)


def _part(optimizer: PerformanceOptimizer, name: str, read: Read, query: queries.Query, limit_seconds: float) -> Part:
    async def ask() -> object:
        return await read(optimizer, query)

    return Part(name, ask, timeout_seconds=limit_seconds, is_costly=name in _COSTLY)


def _limit(limit: int | None) -> int | None:
    from perfctl.db.statements.order import DEFAULT_LIMIT

    return DEFAULT_LIMIT if limit is None else limit or None
