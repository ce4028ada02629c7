"""The smallest cache that reaches a hit ratio, found by halving: a replay for each of the some 17 steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perfctl.cache.simulate.model import TargetSize
from perfctl.cache.simulate.run import Tick, hits_of, reaches
from perfctl.cache.simulate.sample import estimated_hits
from perfctl.cache.simulate.trace import Trace
from perfctl.units import format_ratio

INCLUSIVE = frozenset({"lru", "opt"})
"""Policies of which a larger cache holds all that a smaller one does, so that its hits never fall
(Mattson, Gecsei, Slutz, Traiger: Evaluation techniques for storage hierarchies, 1970)."""

Rows = Sequence[tuple[int, int]]
"""Entries, and the hits that they make."""


def smallest(
    trace: Trace, policy: str, target: float, *, named: str | None = None, rows: Rows = (), tick: Tick | None = None
) -> TargetSize:
    """The smallest number of entries at which `policy` hits `target` (0..1) of the requests.

    `rows` are sizes that were replayed already, with their hits: they save steps.
    """
    named = named or policy
    needed = _needed(trace, target)
    most = len(trace.keys) - trace.unique
    if needed > most:
        return _unreachable(trace, named, target, most)
    too_small, enough = _between(rows, needed, trace.unique)
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        if reaches(trace, policy, middle, needed, tick=tick):
            enough = middle
        else:
            too_small = middle
    capacity = round(enough / trace.ratio)
    return TargetSize(
        named,
        target,
        capacity,
        capacity / trace.unique_keys,
        _ratio(trace, hits_of(trace, policy, enough, tick=tick)),
        is_exact=policy in INCLUSIVE and trace.ratio == 1,
    )


def _between(rows: Rows, needed: int, unique: int) -> tuple[int, int]:
    """A size that does not reach it, and a larger one that does."""
    enough = min((size for size, hits in rows if hits >= needed), default=unique)
    too_small = max((size for size, hits in rows if hits < needed and size < enough), default=0)
    return too_small, min(enough, unique)


def _needed(trace: Trace, target: float) -> int:
    """The hits among the replayed requests that make the target, or its estimate."""
    expected = trace.offered * trace.ratio
    missing = expected - len(trace.keys)
    return max(1, math.ceil(round(target * expected - missing, 6)))


def _unreachable(trace: Trace, policy: str, target: float, most: int) -> TargetSize:
    ratio = _ratio(trace, most)
    reason = f"no size reaches it: of what is asked for, only {format_ratio(ratio)} was asked for before"
    return TargetSize(policy, target, None, None, ratio, is_exact=True, reason=reason)


def _ratio(trace: Trace, hits: int) -> float:
    whole = estimated_hits(hits, sampled=len(trace.keys), requests=trace.offered, ratio=trace.ratio)
    return whole / trace.offered
