"""Paths that do not live as long as others of their kind: their own TTL, where their own requests tell it."""

from __future__ import annotations

from perfctl.cdn.logs.arrays import Ints, np
from perfctl.cdn.simulating.ages import ROUND_SECONDS
from perfctl.cdn.simulating.replaying import NEVER, firsts_of
from perfctl.cdn.simulating.requests import HIT, REFRESH

_FEWEST = 3
"""So many requests must speak against the TTL of the path's kind, more than against its own."""


def own_ttls(path: Ints, age_ms: Ints, result: Ints, ttl_ms: Ints) -> Ints:
    """The TTL of each path (numbered from 0) in milliseconds; -1 where that of its kind explains it as well.

    A row each request of known age: its path, its age, HIT, REFRESH or MISS, and the TTL of its kind. The best
    threshold of a path has the fewest hits above it and fetches below it, as in `ages`, over all its ages; a
    RefreshHit weighs as three, for nothing but a TTL's end explains it.
    """
    is_hit, weights = result == HIT, np.where(result == REFRESH, _FEWEST, 1)
    paths = int(path.max(initial=-1)) + 1
    found = np.full(paths, -1, np.int64)
    if not paths:
        return found
    contradictions = np.bincount(path, weights=((age_ms < ttl_ms) != is_hit) * weights, minlength=paths)
    suspicious = (contradictions >= _FEWEST)[path]
    if not suspicious.any():
        return found
    order = np.flatnonzero(suspicious)[np.lexsort((age_ms[suspicious], path[suspicious]))]
    of, ages, hits = path[order], age_ms[order], is_hit[order]
    starts = np.flatnonzero(firsts_of(of))
    ends = np.append(starts[1:], len(of))
    sums = np.concatenate(([0], np.cumsum(np.where(hits, -1, weights[order]))))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        at = start + int(np.argmin(sums[start : end + 1]))
        wrong = int(sums[at] - sums[start] + hits[start:end].sum())
        if contradictions[of[start]] - wrong >= _FEWEST:
            low = int(ages[at - 1]) if at > start else 0
            found[of[start]] = _between(low, int(ages[at]) if at < end else NEVER)
    return found


def _between(low_ms: int, high_ms: int) -> int:
    """The least round TTL from the oldest hit to the youngest fetch, else the latter."""
    if high_ms == NEVER:
        return NEVER
    return next((1000 * one for one in ROUND_SECONDS if low_ms <= 1000 * one <= high_ms and low_ms), high_ms)
