"""The URLs that a distribution is known to serve, each with the weight of losing it: sorted, with prefix sums."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import isfinite, lcm
from operator import attrgetter, le, lt, sub
from typing import TYPE_CHECKING, Self, TypeVar

from perfctl.cdn.paths import encode_keys, is_tag
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cdn.planning.inventory_lines import Known

Number = TypeVar("Number", int, float)

MOST_WEIGHT = 1e200
"""Of a URL: so that what a million of them cost is still a number."""
MOST_PARTS = 1 << 64
"""A weight is kept to this part of one."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Keys in order, each once. Paths are literal: `/a` and `/a/`, `/A` and `/a`, `/a?b` and `/a` are different keys.

    >>> shop = Inventory.of([("/a/1", 5), ("/a/2", 7), ("/b", 1)])
    >>> shop.weight(*shop.under("/a/")), len(shop)
    (12.0, 3)
    """

    keys: Sequence[str] = ()
    sums: Sequence[int] = (0,)
    """Of the weights in front of each key, in parts; one more than there are keys."""
    parts: int = 1
    """The parts that make a weight of 1, so that sums are exact."""
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The keys that carry each tag, where lines said so; what CloudFront takes for no tag is left out."""

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, float]], *, tags: Mapping[str, Sequence[str]] | None = None) -> Self:
        """From keys and weights in any order; the weights of a key that is there twice add up."""
        listed = list(pairs)
        keys, weights = [key for key, _ in listed], [weight for _, weight in listed]
        return cls._of_sorted(*_in_order(keys, weights), tags or {})

    @classmethod
    def of_known(cls, rows: list[Known]) -> Self:
        """From what lines held."""
        tags: dict[str, list[str]] = {}
        for row in filter(attrgetter("tags"), rows):
            for tag in row.tags:
                tags.setdefault(tag.lower(), []).append(row.path)
        return cls._of_sorted(*_in_order([row.path for row in rows], [row.weight for row in rows]), tags)

    @classmethod
    def read(cls, path: str) -> Self:
        """From a file (`-` is stdin) of JSON lines {path, weight[, tags]}, or of plain paths. UsageError names the
        line that is neither."""
        from perfctl.cdn.planning.inventory_lines import read_known

        return cls.of_known(read_known(path))

    @classmethod
    def _of_sorted(cls, keys: list[str], weights: list[float], tags: Mapping[str, Sequence[str]]) -> Self:
        if not all(map(lt, keys, keys[1:])):
            keys, weights = _merged(keys, weights)
        parts = _parts(weights)
        sums = [0, *accumulate(weights if parts == 0 else (round(weight * parts) for weight in weights))]
        carried = {tag: tuple(dict.fromkeys(carriers)) for tag, carriers in tags.items() if is_tag(tag)}
        return cls(keys, sums, parts or 1, carried)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.keys)

    def under(self, prefix: str) -> tuple[int, int]:
        """The range of the keys that begin with it, itself included."""
        first = bisect_left(self.keys, prefix)
        return first, bisect_left(self.keys, next_text(prefix), first)

    def place(self, key: str) -> int | None:
        """Where the key stands; None where it is not known."""
        place = bisect_left(self.keys, key)
        return place if place < len(self.keys) and self.keys[place] == key else None

    def places(self, keys: Sequence[str]) -> list[int]:
        """Where each of some sorted keys stands, or would stand."""
        places, place = [], 0
        for key in keys:
            place = bisect_left(self.keys, key, place)
            places.append(place)
        return places

    def own(self, keys: Sequence[str], places: Sequence[int]) -> Iterator[int]:
        """The weight of each key at its place in parts; 0 where it is not known."""
        for key, place in zip(keys, places, strict=True):
            known = place < len(self.keys) and self.keys[place] == key
            yield self.sums[place + 1] - self.sums[place] if known else 0

    def whole(self, first: int, last: int) -> int:
        """The weight of a range in parts."""
        return self.sums[last] - self.sums[first]

    def weight(self, first: int, last: int) -> float:
        """The weight of a range."""
        return self.whole(first, last) / self.parts

    def as_sent(self) -> Self:
        """The same with every key written as an item of an invalidation would write it."""
        encoded = encode_keys(self.keys)
        if encoded is self.keys:
            return self
        keys, weights = _in_order(list(encoded), list(map(sub, self.sums[1:], self.sums)))
        if not all(map(lt, keys, keys[1:])):
            keys, weights = _merged(keys, weights)
        tags = {tag: tuple(dict.fromkeys(encode_keys(carriers))) for tag, carriers in self.tags.items()}
        return replace(self, keys=keys, sums=[0, *accumulate(weights)], tags=tags)

    @property
    def total(self) -> float:
        """The weight of everything."""
        return self.sums[-1] / self.parts


def next_text(prefix: str) -> str:
    """The first text behind all that begin with the prefix."""
    kept = prefix.rstrip("\U0010ffff")
    return kept[:-1] + chr(ord(kept[-1]) + 1) if kept else "\U0010ffff" * (len(prefix) + 1)


def _in_order(keys: list[str], weights: list[Number]) -> tuple[list[str], list[Number]]:
    """Both by key. The keys are sorted as texts with their weights behind them, and are made anew: that takes half the
    time of sorting pairs, and later look-ups find neighbours beside each other."""
    if all(map(le, keys, keys[1:])):
        return keys, weights
    apart = "\0".join(sorted([f"{key}\0{weight}" for key, weight in zip(keys, weights, strict=True)])).split("\0")
    if len(apart) != 2 * len(keys):
        order = sorted(range(len(keys)), key=keys.__getitem__)
        return [keys[place] for place in order], [weights[place] for place in order]
    number: type[Number] = int if set(map(type, weights)) == {int} else float  # type: ignore[assignment]
    return apart[::2], list(map(number, apart[1::2]))


def _merged(keys: list[str], weights: list[Number]) -> tuple[list[str], list[Number]]:
    """Sorted keys, each once, with the sum of its weights."""
    once: list[str] = []
    sums: list[Number] = []
    last = None
    for key, weight in zip(keys, weights, strict=True):
        if key == last:
            sums[-1] += weight
        else:
            once.append(key)
            sums.append(weight)
            last = key
    return once, sums


def _parts(weights: list[float]) -> int:
    """0 where every weight is a whole number already. UsageError for what is no weight."""
    is_bounded = min(weights, default=0) >= 0 and max(weights, default=0) <= MOST_WEIGHT
    if is_bounded and set(map(type, weights)) <= {int}:
        return 0
    if is_bounded and isfinite(sum(weights)):
        return _fraction(weights)
    wrong = next(weight for weight in weights if not 0 <= weight <= MOST_WEIGHT)
    told = f"the weight {'over 1e200' if wrong > MOST_WEIGHT else format(wrong, 'g')} of a URL"
    raise UsageError(f"{told}: a number from 0 on is one, up to {MOST_WEIGHT:g}", hint="leave it out for 1")


def _fraction(weights: list[float]) -> int:
    parts = 1
    for weight in weights:
        parts = lcm(parts, weight.as_integer_ratio()[1])
        if parts >= MOST_PARTS:
            return MOST_PARTS
    return parts
