"""Classic buckets out of an exponential histogram: fixed bounds, so that Prometheus can add up many hosts."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from itertools import accumulate
from math import log2
from typing import TYPE_CHECKING

from perfctl.recording.histogram import bucket

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


def bounds(name: str, unit: str) -> tuple[float, ...]:
    """The upper bounds of a metric's buckets, without the last one, which has none."""
    return _BOUNDS.get(name, _BYTES if unit == "bytes" else _HTTP)


def cumulative(histogram: Histogram, upper: tuple[float, ...]) -> list[int]:
    """How many values are not above each bound. A bound within a bucket of the histogram shares it out: the error is
    that bucket's width, about 1 % of the bound; the counts never fall, and never pass the histogram's own.

    The same as `share_below` of each bound, in one walk over the buckets.
    """
    count, indexes = histogram.count, sorted(histogram.counts)
    counts = [histogram.counts[index] for index in indexes]
    sums = list(accumulate(counts, initial=histogram.zeros))
    low, high = histogram.minimum, histogram.maximum
    found = []
    for bound, (index, share) in zip(upper, _places(upper, histogram.scale), strict=True):
        if low is None or high is None or bound < low:
            found.append(0)
        elif bound >= high:
            found.append(count)
        else:
            at = bisect_left(indexes, index)
            within = counts[at] * share if at < len(indexes) and indexes[at] == index else 0.0
            found.append(min(count, round(sums[at] + within)))
    return found


@cache
def _places(upper: tuple[float, ...], scale: int) -> tuple[tuple[int, float], ...]:
    """Where each bound lies: the bucket, and the share of it that is below."""
    found = []
    for bound in upper:
        index = bucket(bound, scale)
        found.append((index, min(max(log2(bound) * (1 << scale) - index, 0.0), 1.0)))
    return tuple(found)
