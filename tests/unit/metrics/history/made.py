"""Frames for tests of the history, and the raw values that they were made of."""

from __future__ import annotations

import random
from collections.abc import Sequence

from perfctl.recording.frame import Frame
from perfctl.recording.histogram import Histogram
from perfctl.recording.series import series

NOW = 1_700_000_400.0
"""A moment at which a slot of every width begins that matters: a whole ten minutes."""
QUERY = series("db.query.duration", fingerprint="a1")
HITS = series("cache.requests", namespace="api", tier="l1", result="hit")
IN_USE = series("db.pool.in_use")


def frame(
    at: float, *, seconds: float = 10.0, values: Sequence[float] = (), hits: float = 0.0, in_use: float | None = None
) -> Frame:
    """What a process might have measured in the `seconds` before `at`."""
    made = Frame(at, seconds)
    if values:
        made.histograms[QUERY] = Histogram()
        made.histograms[QUERY].extend(values)
    if hits:
        made.counters[HITS] = hits
    if in_use is not None:
        made.gauge(IN_USE, in_use)
    return made


def latencies(rng: random.Random, count: int) -> list[float]:
    """Seconds, as servers answer: most in some milliseconds, some in many."""
    return [rng.lognormvariate(-5.0, 1.5) for _ in range(count)]
