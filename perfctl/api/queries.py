"""What may stand behind the `?` of a read: the options of its command that a reader elsewhere may choose."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Limit = Annotated[int, Meta(ge=0, le=10_000, description="At most so many rows; 0: all.")]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
When = Annotated[Text, Meta(description="24h (ago), 2026-01-31 or 2026-01-31T08:00.")]


class Query(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """No parameter."""


class MetricsQuery(Query, frozen=True, kw_only=True):
    """Of `metrics show`."""

    since: Annotated[Text | None, Meta(description="Of the last 1h, from the history.")] = None
    by: Annotated[
        Literal["namespace", "tier", "fingerprint", "route"] | None,
        Meta(description="Also percentiles of each of these."),
    ] = None


class CacheQuery(Query, frozen=True, kw_only=True):
    """Of `cache stats`."""

    namespace: Annotated[Text | None, Meta(description="Only this namespace.")] = None
    server: Annotated[bool, Meta(description="By node: memory, evictions, clients, lag.")] = False
    limit: Limit | None = None


class CdnQuery(Query, frozen=True, kw_only=True):
    """Of `cdn stats`."""

    since: When | None = None
    until: When | None = None
    host: Annotated[Text | None, Meta(description="Only of this host.")] = None
    path: Annotated[Text | None, Meta(description="Only of such paths: /img/*.")] = None
    status: Annotated[Text | None, Meta(description="Only of this status: 404, 5xx.")] = None


class DatabaseQuery(Query, frozen=True, kw_only=True):
    """Of `db stats`."""

    all_databases: Annotated[bool, Meta(description="Every database of the server.")] = False
    limit: Limit | None = None


class SlowQuery(Query, frozen=True, kw_only=True):
    """Of `db slow`."""

    by: Annotated[
        Literal["total", "mean", "calls", "io", "temp", "wal", "rows"], Meta(description="What the order is by.")
    ] = "total"
    since: When | None = None
    until: When | None = None
    min_mean_ms: Annotated[float, Meta(ge=0, le=1e12)] = 0.0
    min_calls: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    user: Text | None = None
    database: Text | None = None
    all_databases: bool = False
    limit: Limit | None = None


class HealthQuery(Query, frozen=True, kw_only=True):
    """Of `health`."""

    deep: Annotated[bool, Meta(description="Also rights, versions and settings.")] = False
    limit: Limit | None = None


class PlanQuery(Query, frozen=True, kw_only=True):
    """Of `db analyze --query`."""

    query: Annotated[
        str,
        Meta(min_length=1, max_length=200, description="A fingerprint or queryid, as slow-queries has them."),
    ]
