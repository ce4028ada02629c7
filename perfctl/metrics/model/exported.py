"""What was recorded, handed to another program: a row a series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRow:
    """One series of a window; what its kind does not have is None."""

    metric: str
    labels: Mapping[str, str]
    kind: str
    """`counter`, `gauge` or `histogram`."""
    unit: str
    """`s`, `bytes`, `ratio`, or empty for a count."""
    value: float | None = None
    """A counter's count in the window, a gauge's last value."""
    per_second: float | None = None
    count: int | None = None
    """Measurements."""
    sum: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
