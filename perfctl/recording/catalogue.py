"""Every metric that perfctl knows: what it is called, what it counts, its unit and its labels."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from perfctl.recording.series import Series

Kind = Literal["counter", "gauge", "histogram", "ratio"]
Good = Literal["high", "low"]


@dataclass(frozen=True, slots=True)
class Part:
    """The numerator or the denominator of a ratio: the sum of a counter's series, or of a histogram's counts, whose
    `label` matches one of the patterns."""

    metric: str
    label: str | None = None
    patterns: tuple[str, ...] = ()

    def holds(self, series: Series) -> bool:
        """Whether a series counts towards it."""
        if series.name != self.metric:
            return False
        value = series.label(self.label) if self.label is not None else None
        return self.label is None or (value is not None and any(fnmatchcase(value, one) for one in self.patterns))


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `unit` is `s`, `bytes`, `ratio` (0..1), `percent` or a word such as `requests`; `otel` is its name
    in OpenTelemetry's conventions, where one is stable; `good` says which way is better."""

    name: str
    kind: Kind
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    otel: str | None = None
    good: Good | None = None
    numerator: Part | None = None
    denominator: Part | None = None


def _ratio(name: str, help: str, numerator: Part, denominator: Part, labels: tuple[str, ...], good: Good) -> Metric:
    return Metric(name, "ratio", "ratio", help, labels, None, good, numerator, denominator)


_OF_CACHE = ("namespace", "tier")

METRICS: tuple[Metric, ...] = (
    Metric("cache.requests", "counter", "requests", "Look-ups in the cache", (*_OF_CACHE, "result")),
    Metric(
        "cache.operation.duration",
        "histogram",
        "s",
        "How long an operation of the cache took",
        (*_OF_CACHE, "operation"),
        good="low",
    ),
    _ratio(
        "cache.hit_ratio",
        "Hits over look-ups",
        Part("cache.requests", "result", ("hit", "stale")),
        Part("cache.requests", "result", ("hit", "stale", "miss")),
        _OF_CACHE,
        "high",
    ),
    Metric("cache.memory.used", "gauge", "bytes", "Memory that cached values take", ("tier",)),
    Metric("cache.entries", "gauge", "entries", "Values in the cache", ("tier",)),
    Metric("cache.evictions", "counter", "entries", "Values put out to make room", ("tier",), good="low"),
    Metric("redis.keyspace.hits", "counter", "requests", "Keys that Redis was asked for and had"),
    Metric("redis.keyspace.misses", "counter", "requests", "Keys that Redis was asked for and had not"),
    Metric("redis.memory.used", "gauge", "bytes", "Memory that Redis takes"),
    Metric(
        "db.query.duration",
        "histogram",
        "s",
        "How long a query took",
        ("fingerprint",),
        otel="db.client.operation.duration",
        good="low",
    ),
    Metric("db.query.errors", "counter", "queries", "Queries that failed", ("fingerprint",), good="low"),
    _ratio(
        "db.error_ratio",
        "Failed queries over queries",
        Part("db.query.errors"),
        Part("db.query.duration"),
        ("fingerprint",),
        "low",
    ),
    Metric("db.pool.in_use", "gauge", "connections", "Connections of the pool that are lent", ("pool",)),
    Metric("db.pool.idle", "gauge", "connections", "Connections of the pool that wait for work", ("pool",)),
    Metric("db.pool.size", "gauge", "connections", "Connections of the pool that are open", ("pool",)),
    Metric("db.pool.limit", "gauge", "connections", "Connections that the pool may open", ("pool",)),
    Metric(
        "db.pool.wait.duration",
        "histogram",
        "s",
        "How long a caller waited for a connection who had to",
        ("pool",),
        good="low",
    ),
    Metric("db.connections.active", "gauge", "connections", "Server connections that run a statement"),
    Metric("db.statement.calls", "counter", "calls", "Calls of a statement, as the server counts", ("fingerprint",)),
    Metric("db.statement.time", "counter", "s", "Time in a statement, as the server counts", ("fingerprint",)),
    Metric(
        "http.request.duration",
        "histogram",
        "s",
        "How long a request took, until the last byte was handed over",
        ("method", "route", "status"),
        otel="http.server.request.duration",
        good="low",
    ),
    _ratio(
        "http.error_ratio",
        "Requests answered with 5xx over requests",
        Part("http.request.duration", "status", ("5??",)),
        Part("http.request.duration"),
        ("method", "route"),
        "low",
    ),
    Metric(
        "http.requests.active",
        "gauge",
        "requests",
        "Requests that are answered now",
        otel="http.server.active_requests",
    ),
    Metric("cdn.requests", "counter", "requests", "Requests at the edge", ("result",)),
    Metric("cdn.bytes", "counter", "bytes", "Bytes sent to viewers", ("result",)),
    _ratio(
        "cdn.hit_ratio",
        "Edge hits over requests",
        Part("cdn.requests", "result", ("hit", "refresh_hit")),
        Part("cdn.requests", "result", ("hit", "refresh_hit", "miss")),
        (),
        "high",
    ),
    Metric("cdn.invalidations", "counter", "paths", "Paths that were invalidated"),
    Metric("cdn.invalidation.duration", "histogram", "s", "From an invalidation's start to its end", good="low"),
    Metric("edge.call.duration", "histogram", "s", "How long an edge function ran", ("function",), good="low"),
    Metric("host.cpu.utilization", "gauge", "ratio", "Share of the CPUs that is in use", good="low"),
    Metric("host.memory.used", "gauge", "bytes", "Memory of the host or container that is in use", good="low"),
    Metric("host.network.io", "counter", "bytes", "Bytes over the network", ("direction",)),
    Metric("host.disk.io", "counter", "bytes", "Bytes to and from the disk", ("direction",)),
    Metric("process.cpu.time", "counter", "s", "CPU time of this process"),
    Metric("process.memory.used", "gauge", "bytes", "Resident memory of this process", good="low"),
    Metric("perfctl.series.dropped", "counter", "series", "Series over the limit, counted as other", ("metric",)),
)

BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
"""Each metric by its name."""

LABEL_ALIASES = {"ns": "namespace"}
"""Short names of labels in expressions."""
