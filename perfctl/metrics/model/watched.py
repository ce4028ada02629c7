"""Moments of the ten figures, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from perfctl.metrics.model.snapshots import MetricsSnapshot

SortedBy = Literal["count", "name", "mean", "p95", "p99", "hit", "errors"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsWatched:
    """The moments that were seen, oldest first."""

    listing: ClassVar[str] = "rows"

    rows: tuple[MetricsSnapshot, ...]
    interval_seconds: float
    sorted_by: SortedBy = "count"
    """By what groups are ordered."""
