"""How the caches behind a log work, as far as it tells: where they stand, what is in their key, for how long they keep.

Each request of the log is judged by the request before that fetched the same object at the same place: an answer from
the cache tells that the TTL is longer than the time since, one from the origin that it is shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from perfctl.cdn.logs.arrays import Ints, Mask, np
from perfctl.cdn.simulating.ages import Ages, Threshold
from perfctl.cdn.simulating.layouts import Columns, Key, Layout, Place, Places, Sorted, numbered, sort
from perfctl.cdn.simulating.own_ttls import own_ttls
from perfctl.cdn.simulating.queries import QueryRule
from perfctl.cdn.simulating.replaying import NEVER
from perfctl.cdn.simulating.requests import HIT, MISS, REFRESH

SAMPLE = 100_000
"""So many events decide on the layout."""
FEWEST_AGES = 12
"""A group with less evidence takes the TTL of all."""
_VALIDATED_SHARE = 0.05
"""From this share of RefreshHits on, a Miss of a known object tells that it was forgotten, or has changed."""
_IDLE_GAIN = 0.7
"""A limit of idle time is believed when it leaves at most this share of the contradictions."""


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What the log's own caches are taken for."""

    layout: Layout
    ttl_ms: Ints
    """By group; 0 where nothing is ever a hit, NEVER where the log does not reach the TTL's end."""
    idle_ms: int
    """Who is not asked for so long is forgotten; NEVER: no sign of that."""
    refresh_share: np.ndarray
    """By group: of the known objects that were fetched again, how many the origin said to be unchanged."""
    ttl_from: tuple[str, ...]
    """By group, as `ContentFit` has it."""


def ages_of(kept: Sorted) -> Ints:
    """Milliseconds since the last fetch in the log, of that object at that place; -1 where there was none."""
    place = np.arange(len(kept.first))
    fetched = kept.result != HIT
    last = np.maximum.accumulate(np.where(fetched | kept.first, place, 0))
    before = np.empty_like(last)
    before[:1], before[1:] = 0, last[:-1]
    known = ~kept.first & fetched[before]
    return np.where(known, kept.times_ms - kept.times_ms[before], -1)


def choose_layout(sample: np.ndarray, places: Places, rule: QueryRule, groups: int) -> Layout:
    """The layout with the fewest requests that contradict it."""
    columns = Columns(sample)
    return min(_candidates(columns, places, rule), key=lambda layout: contradictions(columns, layout, places, groups))


def contradictions(sample: Columns, layout: Layout, places: Places, groups: int) -> int:
    """Answers from what was never fetched before, and requests on the wrong side of their path's TTL."""
    kept = sort(sample, layout, places)
    ages = Ages(groups)
    ages_ms = ages_of(kept)
    known = ages_ms >= 0
    ages.add(kept.group[known], ages_ms[known] // 1000, kept.result[known] == HIT)
    unheard = int(((kept.result != MISS) & ~known).sum())
    group, age_ms, result = kept.group[known], ages_ms[known], kept.result[known]
    of_group = np.array([NEVER if one.seconds is None else one.seconds * 1000 for one in ages.thresholds()])[group]
    path = numbered(sample["path"])[kept.order][known]
    own = own_ttls(path, age_ms, result, of_group)[path]
    return unheard + int(((age_ms < np.where(own >= 0, own, of_group)) != (result == HIT)).sum())


def _candidates(sample: Columns, places: Places, rule: QueryRule) -> list[Layout]:
    keys: list[Key] = ["query"]
    if len(sample) and (sample["query"] != sample["query"][0]).any():
        keys.append("path")
        keys += ["reduced"] if rule and not rule.drops_all else []
    if len(sample) and (sample["cookie"] != sample["cookie"][0]).any():
        keys.append("cookie")
    where: list[Place] = ["location", "region"] if len(places.names) < len(places.regions) else ["location"]
    return [Layout(place, key) for key in keys for place in where]


class Fit:
    """Gathers the evidence of a log for one layout, portion by portion."""

    def __init__(self, layout: Layout, groups: int, idle_ms: int = NEVER) -> None:
        self.layout = layout
        self._idle_ms = idle_ms
        self._ages = Ages(groups)
        self._idle = Ages(1)
        self._again = np.zeros((2, groups), np.int64)

    def add(self, kept: Sorted) -> None:
        """A portion, sorted by this layout."""
        ages_ms = ages_of(kept)
        known = (ages_ms >= 0) & (kept.gaps_ms < self._idle_ms)
        self._ages.add(kept.group[known], ages_ms[known] // 1000, kept.result[known] == HIT)
        for number, result in enumerate((REFRESH, MISS)):
            again = known & (kept.result == result)
            self._again[number] += np.bincount(kept.group[again], minlength=self._again.shape[1])
        self._add_idle(kept, known)

    def _add_idle(self, kept: Sorted, known: Mask) -> None:
        """Whether what was asked for again was still there; told where the origin validates."""
        told = known & self._is_validated[kept.group]
        self._idle.add(np.zeros(int(told.sum()), np.int64), kept.gaps_ms[told] // 1000, kept.result[told] != MISS)

    @property
    def _is_validated(self) -> Mask:
        refreshed, missed = self._again
        return refreshed > _VALIDATED_SHARE * (refreshed + missed)

    def idle_ms(self) -> int:
        """The idle time after which objects are forgotten; NEVER where no limit explains the misses much better."""
        best = self._idle.of_all()
        without = self._idle.fetched()
        if best.seconds is None or best.seconds == 0 or best.wrong > _IDLE_GAIN * without:
            return NEVER
        return best.seconds * 1000

    def baseline(self) -> Baseline:
        """What the evidence comes to."""
        thresholds = self._ages.thresholds()
        usual = _usual(thresholds, self._ages.of_all())
        found = [_ttl_of(one, usual) for one in thresholds]
        ttl_ms = np.array([NEVER if seconds is None else seconds * 1000 for seconds, _ in found], np.int64)
        refreshed, missed = self._again
        share = refreshed / np.maximum(refreshed + missed, 1)
        return Baseline(self.layout, ttl_ms, self._idle_ms, share, tuple(told for _, told in found))


def _usual(thresholds: Sequence[Threshold], overall: Threshold) -> tuple[int | None, ...]:
    """TTLs in seconds that stand in where a group tells too little: that of all, then those of the busiest groups."""
    busiest = sorted(thresholds, key=lambda one: -one.observed)
    told = [one.seconds for one in (overall, *busiest) if one.observed >= FEWEST_AGES and one.seconds != 0]
    return tuple(dict.fromkeys(told))


def _ttl_of(told: Threshold, usual: Sequence[int | None]) -> tuple[int | None, str]:
    """A group's TTL in seconds, and what tells it.

    Where nothing is a hit, a TTL may be 0, or shorter than any two requests are apart: then it is what is usual.
    """
    limit = told.at_most_seconds
    possible = [seconds for seconds in usual if limit is None or (seconds is not None and seconds <= limit)]
    if told.observed < FEWEST_AGES:
        return (possible or [None])[0], "all"
    if told.seconds == 0 and possible:
        return possible[0], "all"
    if told.seconds is None:
        return None, "beyond"
    return told.seconds, "log" if told.seconds else "never"


def fitted(portions: Callable[[], Iterable[np.ndarray]], layout: Layout, places: Places, groups: int) -> Baseline:
    """The baseline of a layout; the portions are read twice where objects are forgotten before their time."""
    first = Fit(layout, groups)
    for portion in portions():
        first.add(sort(Columns(portion), layout, places))
    idle_ms = first.idle_ms()
    if idle_ms == NEVER:
        return first.baseline()
    second = Fit(layout, groups, idle_ms)
    for portion in portions():
        second.add(sort(Columns(portion), layout, places))
    return second.baseline()
