"""The ten figures as every output shows them, and what stands beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from perfctl.metrics.model.figures import FIGURES, PerformanceMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredGroup:
    """Look-ups, queries or requests of one namespace, tier, fingerprint or route; None is what was not measured."""

    name: str
    """The namespace, tier, fingerprint or route."""
    metric: str
    """What was counted: `cache.requests`, `db.query.duration` ..."""
    count: float
    per_second: float | None
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    hit_ratio: float | None = None
    """Of a namespace or tier; a tier's is of all look-ups."""
    error_ratio: float | None = None
    """Of a route or fingerprint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSnapshot:
    """The ten figures as every output shows them: what was not measured is null, never 0."""

    api_response_time_ms: float | None
    database_query_time_ms: float | None
    cache_hit_rate: float | None
    memory_usage_mb: float | None
    cpu_usage_percent: float | None
    network_io_mb: float | None
    disk_io_mb: float | None
    active_connections: int | None
    requests_per_second: float | None
    error_rate: float | None
    unmeasured: Mapping[str, str]
    """Name -> why it was not measured."""
    sources: Mapping[str, str]
    """Name -> where the value comes from."""
    unanswered: tuple[str, ...] = ()
    """What is configured and did not answer."""
    at: datetime | None = None
    """When it was measured, or the end of the window."""
    since_seconds: float | None = None
    """The window that the figures are of, read from the history; None: they are of now."""
    trends: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """Name -> the figure in equal steps until `at`, by the history; empty where there is none."""
    step_seconds: float | None = None
    budgets: Mapping[str, str] = field(default_factory=dict)
    """Name -> pass, breach or no_data: what the budgets say of it."""
    by: str | None = None
    groups: tuple[MeasuredGroup, ...] = ()
    """What `--by` asks for, the one with the most first."""
    notes: tuple[str, ...] = ()
    """What makes some figures too low."""


def snapshot_of(
    metrics: PerformanceMetrics,
    *,
    unanswered: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    at: datetime | None = None,
) -> MetricsSnapshot:
    """The figures for an output, null where they were not measured."""
    return MetricsSnapshot(
        **{figure.name: metrics.measured(figure.name) for figure in FIGURES},  # type: ignore[arg-type]
        unmeasured=metrics.unmeasured,
        sources=metrics.sources,
        unanswered=unanswered,
        notes=notes,
        at=at,
    )
