"""What CloudWatch has measured of a distribution or a function: frozen results; what was not measured is null."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Unit = Literal["count", "bytes", "ratio", "ms"]


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One period."""

    at: str
    """Its beginning, ISO 8601, UTC."""
    value: float | None
    """Null where CloudWatch has nothing of that period."""


@dataclass(frozen=True, slots=True)
class CdnMetric:
    """One metric with one statistic; ratios are 0..1 where CloudWatch has percent."""

    name: str
    unit: Unit
    metric: str
    """CloudWatch's own name."""
    statistic: str
    """Sum, Average, or a percentile such as p90."""
    latest: float | None
    lowest: float | None
    highest: float | None
    mean: float | None
    """Of the periods that were measured."""
    total: float | None
    """Of sums; null for averages and percentiles."""
    reason: str | None
    """Why nothing was measured; null where something was."""
    points: tuple[MetricPoint, ...] = ()
    """Every period from the first to the last."""


@dataclass(frozen=True, slots=True)
class CdnMetrics:
    """The metrics of a distribution, or of one CloudFront Function."""

    listing: ClassVar[str] = "rows"

    distribution_id: str | None
    function: str | None
    since: str
    until: str
    period_seconds: int
    has_additional: bool | None
    """Whether the distribution's additional metrics are switched on; null: not asked, or not to be known."""
    rows: tuple[CdnMetric, ...]
