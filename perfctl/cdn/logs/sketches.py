"""What is kept of millions of requests: sketches of bounded size that can be merged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from perfctl.cdn.logs.arrays import Floats, Ints, Words, np
from perfctl.cdn.logs.keys import Keys

GAMMA = 1.01
"""A bucket's upper bound over its lower one: whatever is in it is told with an error of at most 0.5 %."""
_LEAST = 1e-6
_MOST = 1e7
BUCKETS = 3 + math.ceil(math.log(_MOST / _LEAST) / math.log(GAMMA))
"""Zero (and what is less than a millionth), then powers of GAMMA up to ten million; the last takes what is more."""


class Histograms:
    """A histogram of logarithmic buckets for each of some groups (DDSketch: Masson, Rim, Lee 2019).

    Any quantile is within 0.5 % of the exact one; sums and counts are exact. A group takes 24 kB.
    """

    def __init__(self, groups: int = 1) -> None:
        self.counts: Ints = np.zeros((groups, BUCKETS), dtype=np.int64)
        self.sums: Floats = np.zeros(groups)

    def grow(self, groups: int) -> None:
        """Have room for so many groups."""
        more = groups - len(self.counts)
        if more > 0:
            self.counts = np.concatenate((self.counts, np.zeros((more, BUCKETS), dtype=np.int64)))
            self.sums = np.concatenate((self.sums, np.zeros(more)))

    def add(self, values: Floats, groups: Ints | None = None, buckets: Ints | None = None) -> None:
        """Count values of the groups with these numbers (0 where none are said); NaN is passed over.

        `buckets` are those of the numbers among the values, where they are known.
        """
        here = ~np.isnan(values)
        values = values[here]
        places = buckets_of(values) if buckets is None else buckets
        if groups is None:
            self.counts[0] += np.bincount(places, minlength=BUCKETS)
            self.sums[0] += values.sum()
            return
        groups = groups[here]
        self._count(groups * BUCKETS + places)
        self.sums += np.bincount(groups, values, len(self.sums))

    def _count(self, cells: Ints) -> None:
        """Count cells of the table: all of it where it is small."""
        counts = self.counts.reshape(-1)
        if len(counts) < 8 * len(cells):
            counts += np.bincount(cells, minlength=len(counts))
            return
        found, times = np.unique(cells, return_counts=True)
        counts[found] += times

    def merge(self, other: Histograms) -> None:
        """Take in what another counted of the same groups."""
        self.grow(len(other.counts))
        self.counts[: len(other.counts)] += other.counts
        self.sums[: len(other.sums)] += other.sums

    def quantiles(self, shares: Sequence[float], group: int = 0) -> tuple[float | None, ...]:
        """The values below which these shares of a group lie, interpolated between ranks; None of nothing.

        >>> sketch = Histograms()
        >>> sketch.add(np.arange(1.0, 1001.0))
        >>> [round(value, -1) for value in sketch.quantiles((0.5, 0.99))]
        [500.0, 990.0]
        """
        ranks = np.cumsum(self.counts[group])
        count = int(ranks[-1])
        return tuple(_quantile(ranks, (count - 1) * share) if count else None for share in shares)


def buckets_of(values: Floats) -> Ints:
    """The bucket of each value."""
    powers = np.ceil(np.log(np.clip(values, _LEAST / 2, _MOST) * (1 / _LEAST)) * (1 / math.log(GAMMA)))
    places: Ints = np.maximum(powers, -1.0).astype(np.int64) + 1
    return places


def value_of(bucket: int) -> float:
    """What stands for all values of a bucket: with the least error to either side."""
    return 0.0 if bucket == 0 else 2.0 * _LEAST * GAMMA ** (bucket - 1) / (1.0 + GAMMA)


def _quantile(ranks: Ints, place: float) -> float:
    low, share = int(place), place - int(place)
    below, above = (value_of(int(np.searchsorted(ranks, rank, side="right"))) for rank in (low, low + (share > 0)))
    return below + (above - below) * share


class HeavyHitters:
    """Counts of the most frequent labels: exact while they are few, and bounded whatever comes.

    Space-saving (Metwally, Agrawal, El Abbadi 2005) in batches: where the table is full, its lesser half is dropped,
    and a label that comes (again) enters with the greatest count that was dropped. So a count is never too low, and
    too high by at most `error`, which is at most the sum of all counts over `keep`; by it alone rows are ordered. The
    other measures of a label count from when it entered.

    Labels are told apart by themselves, or by their fingerprints: a table is filled in one of the two ways alone.
    """

    def __init__(self, measures: int = 1, *, keep: int = 50_000, key_bytes: int = 16 << 20) -> None:
        self.error = 0
        self._keep = keep
        self._most_bytes = key_bytes
        self._bytes = 0
        self._places: dict[bytes, int] = {}
        self._keys = Keys(np.zeros(0, dtype=np.uint64))
        self._labels: list[bytes] = []
        self._counts: Ints = np.zeros((256, measures), dtype=np.int64)

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def is_exact(self) -> bool:
        """Whether nothing was ever dropped."""
        return self.error == 0

    def add(self, labels: Sequence[bytes], counts: Ints) -> None:
        """Count different labels: a row of measures each, the one that decides first."""
        known = self._places
        places = np.array([known.setdefault(label, len(known)) for label in labels], dtype=np.int64)
        self._enter([labels[new] for new in np.flatnonzero(places >= len(self)).tolist()])
        self._count(places, counts)

    def add_keyed(self, keys: Words, counts: Ints, labels: Callable[[Ints], list[bytes]]) -> None:
        """Count labels by their different fingerprints; `labels` are asked for those alone that were not known."""
        places = self._keys.places(keys)
        new = np.flatnonzero(places >= len(self))
        self._enter(labels(new[np.argsort(places[new])]) if len(new) else [])
        self._count(places, counts)

    def merge(self, other: HeavyHitters) -> None:
        """Take in what another counted, by labels themselves like this one."""
        error = self.error + other.error
        ours = list(self._places.values())
        theirs = [self._places[label] for label in other._places if label in self._places]
        self._counts[ours, 0] += other.error
        self._counts[theirs, 0] -= other.error
        self.add(list(other._places), other._counts[list(other._places.values())])
        self.error = max(self.error, error)

    def rows(self, limit: int | None = None) -> list[tuple[bytes, list[int]]]:
        """Labels with their measures, the greatest first, then by label."""
        return [(self._labels[place], self._counts[place].tolist()) for place in self._order(limit)]

    def _count(self, places: Ints, counts: Ints) -> None:
        self._counts[places] += counts
        if len(self) > 2 * self._keep or self._bytes > 2 * self._most_bytes:
            self._drop()

    def _enter(self, labels: list[bytes]) -> None:
        """Labels that are new, at the next places."""
        before = len(self._labels)
        self._labels += labels
        self._bytes += sum(map(len, labels))
        more = len(self) - len(self._counts)
        if more > 0:
            room = np.zeros((max(more, len(self._counts)), self._counts.shape[1]), dtype=np.int64)
            self._counts = np.concatenate((self._counts, room))
        self._counts[before : len(self), 0] = self.error

    def _order(self, limit: int | None) -> list[int]:
        deciding = self._counts[: len(self), 0]
        places = np.arange(len(self))
        if limit is not None and limit < len(self):
            places = np.flatnonzero(deciding >= np.partition(deciding, -limit)[-limit])
        labels = [self._labels[place] for place in places.tolist()]
        ordered = sorted(zip((-deciding[places]).tolist(), labels, places.tolist(), strict=True))
        return [place for _, _, place in ordered[:limit]]

    def _drop(self) -> None:
        order = self._order(None)
        kept = order[: max(1, len(order) // 2)]
        self.error = int(self._counts[order[len(kept)], 0]) if len(order) > len(kept) else self.error
        self._labels = [self._labels[place] for place in kept]
        if len(self._keys):
            self._keys = Keys(self._keys.all()[kept])
        else:
            self._places = {label: place for place, label in enumerate(self._labels)}
        self._counts = self._counts[kept]
        self._bytes = sum(map(len, self._labels))
