"""Percentiles of millions of times in a few hundred counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import ceil, log

ERROR = 0.01
"""A percentile is at most so much off, as a share of itself."""
_GAMMA = (1 + ERROR) / (1 - ERROR)
_PER_LOG = 1 / log(_GAMMA)
_SMALLEST_MS = 0.001
"""The log's own resolution; 0.000 counts as this."""


class Sketch:
    """DDSketch (Masson, Rim, Lee 2019): buckets whose bounds grow by a constant factor.

    Ours keeps every bucket: from 0.001 ms to a day there are at most 1,200.
    """

    __slots__ = ("_buckets", "_count")

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._count = 0

    def add(self, times_ms: Iterable[float]) -> None:
        """Count these times."""
        indexes = [ceil(log(time) * _PER_LOG) if time > _SMALLEST_MS else _FIRST for time in times_ms]
        self._buckets.update(indexes)
        self._count += len(indexes)

    def quantile(self, share: float) -> float:
        """The time that this share of all stays within, by nearest rank; 0 where nothing was counted.

        >>> sketch = Sketch()
        >>> sketch.add(range(1, 101))
        >>> round(sketch.quantile(0.95))
        95
        """
        wanted = ceil(share * self._count)
        seen = 0
        for index in sorted(self._buckets):
            seen += self._buckets[index]
            if seen >= wanted:
                return float(2 * _GAMMA**index / (_GAMMA + 1))
        return 0.0


_FIRST = ceil(log(_SMALLEST_MS) * _PER_LOG)
