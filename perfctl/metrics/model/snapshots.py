"""The ten figures as every output shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perfctl.metrics.model.figures import FIGURES, PerformanceMetrics


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


def snapshot_of(metrics: PerformanceMetrics, *, unanswered: tuple[str, ...] = ()) -> MetricsSnapshot:
    """The figures for an output, null where they were not measured."""
    return MetricsSnapshot(
        **{figure.name: metrics.measured(figure.name) for figure in FIGURES},  # type: ignore[arg-type]
        unmeasured=metrics.unmeasured,
        sources=metrics.sources,
        unanswered=unanswered,
    )
