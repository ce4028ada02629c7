"""Classic buckets out of an exponential histogram: fixed bounds, so that Prometheus can add up many hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.recording.histogram import Histogram

_HTTP = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""OpenTelemetry's advice for http.server.request.duration."""
_DATABASE = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
"""OpenTelemetry's advice for db.client.operation.duration."""
_FAST = (1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)
"""From an in-process hit to a slow Redis."""
_SLOW = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""What a CDN does."""
_BYTES = tuple(float(4**power) for power in range(3, 16))
"""64 B to 1 GiB."""

_BOUNDS = {
    "db.query.duration": _DATABASE,
    "db.pool.wait.duration": _DATABASE,
    "cache.operation.duration": _FAST,
    "edge.call.duration": _FAST,
    "cdn.invalidation.duration": _SLOW,
}


def bounds(name: str, unit: str) -> Sequence[float]:
    """The upper bounds of a metric's buckets, without the last one, which has none."""
    return _BOUNDS.get(name, _BYTES if unit == "bytes" else _HTTP)


def cumulative(histogram: Histogram, upper: Sequence[float]) -> list[int]:
    """How many values are not above each bound. A bound within a bucket of the histogram shares it out: the error is
    that bucket's width, about 1 % of the bound; the counts never fall, and never pass the histogram's own.
    """
    count = histogram.count
    return [min(count, round((histogram.share_below(bound) or 0.0) * count)) for bound in upper]
