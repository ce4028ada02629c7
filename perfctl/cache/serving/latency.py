"""How long things took, as percentiles within one per cent, in a few hundred numbers however many were recorded.

Buckets grow by 2 % each, so that the middle of one is within 1 % of whatever fell into it; after DDSketch (Masson,
Rim and Lee, 2019), with a fixed range in place of its collapsing buckets.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from perfctl.cache.model import Percentiles

_GAMMA = 1.02
_LOG_GAMMA = math.log(_GAMMA)
_LEAST_SECONDS = 1e-7
_SORTED_AT_ONCE = 256


class Latency:
    """Durations by bucket. An increment may be lost when two threads meet; none is made up."""

    __slots__ = ("_buckets", "_max", "_new")

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._max = 0.0
        self._new: list[float] = []

    def record(self, seconds: float, times: int = 1) -> None:
        """Count a duration. Sorted into buckets are many at a time, which takes a third of the time."""
        if times > 1:
            self._max = max(self._max, seconds)
            self._buckets[_bucket(seconds)] += times
            return
        self._new.append(seconds)
        if len(self._new) >= _SORTED_AT_ONCE:
            self._sort()

    def _sort(self) -> None:
        new, self._new = self._new, []
        if new:
            self._max = max(self._max, *new)
            self._buckets.update(map(_bucket, new))

    def merge(self, other: Latency) -> None:
        """Add what another one recorded."""
        self._sort()
        other._sort()
        self._buckets.update(other._buckets)
        self._max = max(self._max, other._max)

    def quantile(self, share: float) -> float | None:
        """The seconds that so large a share took at most, within 1 %.

        >>> latency = Latency()
        >>> for milliseconds in range(1, 101):
        ...     latency.record(milliseconds / 1000)
        >>> round(latency.quantile(0.5) * 1000)
        50
        """
        self._sort()
        buckets = sorted(dict(self._buckets).items())
        rank = share * (sum(count for _, count in buckets) - 1)
        seen = 0
        for bucket, count in buckets:
            seen += count
            if seen > rank:
                return float(2 * _GAMMA**bucket / (1 + _GAMMA))
        return None

    def percentiles(self) -> Percentiles:
        """The figures that people look at."""
        self._sort()
        count = sum(dict(self._buckets).values())
        if not count:
            return Percentiles()
        p50, p95, p99 = ((self.quantile(share) or 0.0) * 1000 for share in (0.5, 0.95, 0.99))
        return Percentiles(count, p50, p95, p99, self._max * 1000)


def _bucket(seconds: float, log: Callable[[float], float] = math.log) -> int:
    return math.ceil(log(max(seconds, _LEAST_SECONDS)) / _LOG_GAMMA)
