"""The table of routes: each is a method, a path, and the command whose document it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from perfctl.api import bodies, changes, queries, reads

if TYPE_CHECKING:
    from starlette.requests import Request

    from perfctl.api.service import Service

Scope = Literal["read", "operate"]
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row."""

    method: Literal["GET", "POST"]
    path: str
    summary: str
    words: Words
    """The command whose document it answers."""
    answers: str
    """The result dataclass, as `module:Name`."""
    others: Mapping[Words, str] = field(default_factory=dict)
    """Other commands that it may answer for, with their results."""
    part: str = ""
    """Of a GET: the part of the snapshot that it shows."""
    read: reads.Read = reads.nothing
    """Of a GET with parameters: what asks the engines."""
    query: type[queries.Query] = queries.Query
    section: str = ""
    """Of a GET: the section of the dashboard that a browser gets instead."""
    call: changes.Change = changes.nothing
    """Of a POST: what does it."""
    meant: changes.Meant = changes.nothing_meant
    body: type[bodies.Body] = bodies.Body
    example: str = "{}"
    """Of a POST: a body that works."""

    @property
    def scope(self) -> Scope:
        """What a token needs for it."""
        return "operate" if self.method == "POST" else "read"


_CACHE_MODEL = "perfctl.cache.model"

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/performance/metrics",
        summary="The ten figures of the stack",
        words=("metrics", "show"),
        answers="perfctl.metrics.model:MetricsSnapshot",
        part="metrics",
        read=reads.metrics,
        query=queries.MetricsQuery,
        section="figures",
    ),
    Route(
        method="GET",
        path="/performance/metrics/cache",
        summary="Keys, bytes and hit ratio by namespace",
        words=("cache", "stats"),
        answers="perfctl.cache.model.shared:SharedStats",
        part="cache",
        read=reads.cache_stats,
        query=queries.CacheQuery,
        section="cache",
    ),
    Route(
        method="GET",
        path="/performance/metrics/cdn",
        summary="The short figures of the CDN's access logs",
        words=("cdn", "stats"),
        answers="perfctl.cdn.model.logs:LogStats",
        part="cdn",
        read=reads.cdn_stats,
        query=queries.CdnQuery,
        section="cdn",
    ),
    Route(
        method="GET",
        path="/performance/metrics/database",
        summary="What the databases counted of themselves",
        words=("db", "stats"),
        answers="perfctl.db.model.stats:DatabaseStats",
        part="database",
        read=reads.database_stats,
        query=queries.DatabaseQuery,
        section="database",
    ),
    Route(
        method="GET",
        path="/performance/health",
        summary="Is everything well: 200 pass or warn, 503 fail",
        words=("health",),
        answers="perfctl.diagnosis:Diagnosis",
        part="health",
        read=reads.health,
        query=queries.HealthQuery,
    ),
    Route(
        method="GET",
        path="/performance/database/slow-queries",
        summary="The costliest queries",
        words=("db", "slow"),
        answers="perfctl.db.model.statements:SlowQueries",
        part="slow-queries",
        read=reads.slow_queries,
        query=queries.SlowQuery,
    ),
    Route(
        method="GET",
        path="/performance/database/query-metrics",
        summary="What each shape of query cost",
        words=("db", "stats"),
        answers="perfctl.db.model.stats:DatabaseStats",
        part="query-metrics",
        read=reads.query_metrics,
        query=queries.DatabaseQuery,
    ),
    Route(
        method="POST",
        path="/performance/cache/operation",
        summary="Get, set or delete one key, or clear a namespace",
        words=("cache", "get"),
        answers=f"{_CACHE_MODEL}.values:CachedValue",
        others={
            ("cache", "set"): f"{_CACHE_MODEL}.keys:Stored",
            ("cache", "delete"): f"{_CACHE_MODEL}.keys:Deleted",
            ("cache", "clear"): f"{_CACHE_MODEL}.clears:Cleared",
        },
        call=changes.cache_operation,
        meant=changes.cache_operation_meant,
        body=bodies.CacheOperation,
        example='{"operation": "set", "key": "user:123", "value": {"name": "Ada"}, "ttl": 600}',
    ),
    Route(
        method="POST",
        path="/performance/cache/clear",
        summary="Clear a namespace, a tag, or the keys that match a pattern",
        words=("cache", "clear"),
        answers=f"{_CACHE_MODEL}.clears:Cleared",
        call=changes.cache_clear,
        meant=changes.cache_clear_meant,
        body=bodies.CacheClear,
        example='{"namespace": "api"}',
    ),
    Route(
        method="POST",
        path="/performance/cache/preload",
        summary="Write many keys ahead of the reads",
        words=("cache", "preload"),
        answers=f"{_CACHE_MODEL}.loads:Preloaded",
        call=changes.cache_preload,
        meant=changes.cache_preload_meant,
        body=bodies.CachePreload,
        example='{"namespace": "api", "entries": [{"key": "user:1", "value": {"name": "Ada"}, "ttl": "10m"}]}',
    ),
    Route(
        method="POST",
        path="/performance/cdn/invalidate",
        summary="Have the edge forget paths, wildcards and tags",
        words=("cdn", "invalidate"),
        answers="perfctl.cdn.model.invalidations:InvalidationReport",
        call=changes.cdn_invalidate,
        meant=changes.cdn_invalidate_meant,
        body=bodies.CdnInvalidate,
        example='{"paths": ["/img/*", "/index.html"]}',
    ),
    Route(
        method="POST",
        path="/performance/cdn/preload",
        summary="Warm the edge ahead of its visitors",
        words=("cdn", "preload"),
        answers="perfctl.cdn.model.preloads:PreloadReport",
        call=changes.cdn_preload,
        meant=changes.cdn_preload_meant,
        body=bodies.CdnPreload,
        example='{"paths": ["/index.html"]}',
    ),
    Route(
        method="POST",
        path="/performance/database/optimize-query",
        summary="Where a statement's time goes and what is wrong with its plan",
        words=("db", "analyze"),
        answers="perfctl.db.model.plans:PlanReport",
        call=changes.optimize_query,
        meant=changes.optimize_query_meant,
        body=bodies.OptimizeQuery,
        example='{"query": "SELECT * FROM stocks WHERE symbol = $1", "params": ["AAPL"]}',
    ),
    Route(
        method="POST",
        path="/performance/optimize",
        summary="One pass over all engines: what would make it faster",
        words=("optimize",),
        answers="perfctl.operations.optimizing.model:Optimization",
        call=changes.optimize,
        meant=changes.optimize_meant,
        body=bodies.Optimize,
        example='{"apply": false}',
    ),
)

READS = tuple(route for route in ROUTES if route.method == "GET")
POSTS = frozenset(route.path for route in ROUTES if route.method == "POST")


def service_of(request: Request) -> Service:
    """The service that a request is answered by, also where the application is mounted in another."""
    service: Service = request.scope["perfctl.service"]
    return service
