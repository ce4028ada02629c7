"""How old an object was at each request, as counts: hits and fetches by age, and the TTL that tells them apart best.

A TTL is a threshold: younger is a hit, older is a fetch. The best one has the fewest requests on its wrong side.
"""

from __future__ import annotations

from dataclasses import dataclass

from perfctl.cdn.logs.arrays import Ints, Mask, np

_ROUND = (1, 2, 5, 10, 15, 20, 30, 60, 90, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200)
_ROUND_HOURS = (3, 4, 6, 8, 12, 24, 48, 72, 96, 120, 168, 336, 720)
ROUND_SECONDS = (*_ROUND, *(hours * 3600 for hours in _ROUND_HOURS))
"""TTLs that people write: taken where the counts say no other one is clearly better."""


def _edges() -> Ints:
    """Each second up to ten minutes, then steps of a hundredth up to ten years, with all round TTLs among them."""
    steps = np.geomspace(600, 315_360_000, 1_325).astype(np.int64)
    return np.unique(np.concatenate((np.arange(601), steps, np.array(ROUND_SECONDS))))


EDGES = _edges()
BINS = len(EDGES)
_SECONDS_APART = 600
"""Below this bin edges are a second apart; logs know whole seconds, so a TTL of 60 s may look like one of 61."""
NO_LIMIT = BINS
"""The threshold above all ages."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The age in seconds that tells hits from fetches best; None: no age, all are hits."""

    seconds: int | None
    wrong: int
    """Hits above it, fetches below it."""
    observed: int
    """Requests whose age is known."""
    at_most_seconds: int | None = None
    """The highest age that is about as good; None: any."""


class Ages:
    """Counts of hits and of fetches by age, for each group; they add up over portions."""

    def __init__(self, groups: int) -> None:
        self._counts = np.zeros((2, groups, BINS), np.int64)

    def add(self, group: Ints, age_seconds: Ints, is_hit: Mask) -> None:
        """Count requests of known age."""
        place = np.searchsorted(EDGES, age_seconds, side="right") - 1
        _, groups, bins = self._counts.shape
        flat = ((~is_hit).astype(np.int64) * groups + group) * bins + place
        np.add.at(self._counts.reshape(-1), flat, 1)

    def thresholds(self) -> list[Threshold]:
        """The best threshold of each group."""
        return [_best(hits, fetched) for hits, fetched in zip(*self._counts, strict=True)]

    def of_all(self) -> Threshold:
        """The best single threshold."""
        return _best(*self._counts.sum(axis=1))

    def fetched(self) -> int:
        """How many were fetched, at any age: the mistakes of no threshold at all."""
        return int(self._counts[1].sum())


def _best(hits: Ints, fetched: Ints) -> Threshold:
    """Of equally good thresholds a round one, else the lowest."""
    above = np.append(np.cumsum(hits[::-1])[::-1], 0)
    below = np.insert(np.cumsum(fetched), 0, 0)
    wrong = above + below
    fewest = int(wrong.min())
    near = np.flatnonzero(wrong <= fewest + 1 + fewest // 100)
    near = np.union1d(near, near[(near > 0) & (near < _SECONDS_APART)] - 1)
    observed = int(hits.sum() + fetched.sum())
    with_hits = np.flatnonzero(hits)
    none_above = bool(len(with_hits)) and not fetched[with_hits[-1] + 1 :].any()
    place = _chosen(near, wrong, fewest, none_above=none_above)
    return Threshold(_seconds(place), int(wrong[place]), observed, _seconds(int(near[-1])))


def _seconds(place: int) -> int | None:
    return None if place == NO_LIMIT else int(EDGES[place])


def _chosen(near: Ints, wrong: Ints, fewest: int, *, none_above: bool) -> int:
    """Among the thresholds that are about as good as the best."""
    if 0 in near and wrong[0] == fewest:
        return 0
    if NO_LIMIT in near and none_above:
        return NO_LIMIT
    rounds = [int(place) for place in near if place < BINS and int(EDGES[place]) in ROUND_SECONDS]
    if rounds:
        return min(rounds, key=lambda place: int(wrong[place]))
    return int(np.argmin(wrong))
