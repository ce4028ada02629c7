"""Which requests a cache would have had to fetch: many small caches at once, each a run of one sorted array.

A cache here is one object in one place (an edge location, a region, or the Shield). An object lives for its TTL from
the request that fetched it, and is forgotten before that where nobody asked for it for `idle_ms`.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

NEVER = 1 << 40
"""Milliseconds (35 years) that stand for "for ever"."""

_FEW = 48
"""So many runs are walked one by one; more of them are walked side by side."""


def order_of(groups: Ints, times_ms: Ints) -> Ints:
    """The order of requests by group, then by time; requests of one millisecond keep theirs."""
    import numpy as np

    low, span = times_ms.min(initial=0), int(np.ptp(times_ms)) + 1 if len(times_ms) else 1
    most = int(groups.max(initial=0)) + 1
    if groups.min(initial=0) < 0 or most * span >= 1 << 62:
        return np.lexsort((times_ms, groups))
    return np.argsort(groups.astype(np.int64) * span + (times_ms - low), kind="stable")


def firsts_of(groups: NDArray[np.int64] | NDArray[np.uint64]) -> Bools:
    """Where a group begins, in sorted groups."""
    import numpy as np

    first = np.ones(len(groups), bool)
    np.not_equal(groups[1:], groups[:-1], out=first[1:])
    return first


def gaps_of(times_ms: Ints, first: Bools) -> Ints:
    """How long ago the request before was, in its group; NEVER for the first."""
    import numpy as np

    gaps = np.diff(times_ms, prepend=times_ms[:1])
    gaps[first] = NEVER
    return gaps


def fetches(times_ms: Ints, first: Bools, ttl_ms: Ints, *, idle_ms: int = NEVER, lost: Bools | None = None) -> Bools:
    """The requests that are fetched: times sorted within groups, `first` where a group begins, a TTL for each.

    A request is a hit when it comes less than the TTL after the fetch, and less than `idle_ms` after the request
    before. `lost` marks requests before which the object was lost for another reason: they are fetched, too.
    """
    import numpy as np

    fetched = gaps_of(times_ms, first) >= np.minimum(ttl_ms, idle_ms)
    if lost is not None:
        fetched |= lost
    fetched |= first
    starts = np.flatnonzero(fetched)
    if not len(starts):
        return fetched
    ends = np.append(starts[1:], len(times_ms))
    outlived = (times_ms[ends - 1] - times_ms[starts] >= ttl_ms[starts]) & (ends - starts > 1)
    _walk(fetched, _Runs(times_ms, ttl_ms, starts[outlived], ends[outlived]))
    return fetched


class _Runs:
    """Runs of requests with no gap that ends an object's life: only walking them tells which are fetched."""

    def __init__(self, times_ms: Ints, ttl_ms: Ints, starts: Ints, ends: Ints) -> None:
        self.times_ms = times_ms
        self.ttl_ms = ttl_ms
        self.starts = starts
        self.ends = ends


def _walk(fetched: Bools, runs: _Runs) -> None:
    """Mark the fetches within the runs: from each fetch to the first request that comes a TTL later."""
    import numpy as np

    if len(runs.starts) > _FEW:
        span = int(np.ptp(runs.times_ms)) + 1
        line = _one_line(runs, span)
        at, ends = runs.starts, runs.ends
        while len(at) > _FEW:
            reach = np.minimum(runs.ttl_ms[at], span)
            at = np.searchsorted(line, line[at] + reach)
            inside = at < ends
            at, ends = at[inside], ends[inside]
            fetched[at] = True
        runs = _Runs(runs.times_ms, runs.ttl_ms, at, ends)
    for start, end in zip(runs.starts.tolist(), runs.ends.tolist(), strict=True):
        _walk_one(fetched, runs, start, end)


def _one_line(runs: _Runs, span: int) -> Ints:
    """The times, those of each run beyond those of the run before: one search serves all runs."""
    import numpy as np

    shift = np.zeros(len(runs.times_ms), np.int64)
    shift[runs.starts] = 2 * span
    line = runs.times_ms - runs.times_ms.min() + np.cumsum(shift)
    return np.maximum.accumulate(line)


def _walk_one(fetched: Bools, runs: _Runs, start: int, end: int) -> None:
    times = runs.times_ms[start:end].tolist()
    ttl = int(runs.ttl_ms[start])
    at, found = 0, []
    while (at := bisect_left(times, times[at] + ttl, at + 1)) < len(times):
        found.append(start + at)
    fetched[found] = True
