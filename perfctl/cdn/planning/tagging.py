"""Which cache tags to send beside paths: a weighted set cover, greedy on what a tag saves, then mended.

The greedy step is Chvátal's (1979); ours alternates it with the exact cover of what is left: first every changed path
is worth an item, then those under the wildcards of that cover are worth nothing; last, tags are left out one by one
where that is cheaper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING

from perfctl.cdn.planning.inventory import Inventory

if TYPE_CHECKING:
    from perfctl.cdn.planning.solver import Solution
    from perfctl.cdn.planning.trie import Demand

Solve = Callable[[Sequence[str]], "Solution | None"]

_MOST_TRIALS = 64
"""Covers that are computed to leave tags out, for a thousand changed paths; fewer for more."""


class Tagging:
    """What each tag purges, of the tags that changed keys carry."""

    def __init__(self, carried: Mapping[str, Sequence[str]], changed: frozenset[str], inventory: Inventory) -> None:
        self.carried = {tag: keys for tag, keys in carried.items() if any(key in changed for key in keys)}
        self.changed = changed
        self._inventory = inventory

    def purged(self, tags: Sequence[str]) -> set[str]:
        """Every key that carries one of them."""
        return {key for tag in tags for key in self.carried[tag]}

    def collateral(self, tags: Sequence[str]) -> int:
        """The weight of what they purge without its having changed, in parts."""
        return self.weight(self.purged(tags) - self.changed)

    def weight(self, keys: set[str]) -> int:
        """In parts; what is not known weighs nothing."""
        places = (self._inventory.place(key) for key in keys)
        return sum(self._inventory.whole(place, place + 1) for place in places if place is not None)


@dataclass(slots=True)
class _Left:
    """What is still worth an item, and what has not been purged yet."""

    worth: set[str]
    purged: set[str]


def improved(
    tagging: Tagging, demands: Sequence[Demand], paths: Solution | None, solve: Solve, item: int, miss: int
) -> Solution | None:
    """The best found of paths alone, and tags with the cover of what they leave over."""
    best = paths
    texts = {demand.text for demand in demands if not demand.is_prefix}
    worth = set(texts)
    for _ in range(4):
        tags = _greedy(tagging, worth, item, miss)
        found = solve(tags) if tags else None
        if found is None or (best is not None and found.rank(item, miss) >= best.rank(item, miss)):
            if best is None or worth != texts:
                break
        else:
            best = found
        worth = {text for text in texts if best is not None and not text.startswith(best.wildcards or ("\0",))}
    return _without_needless(best, solve, len(texts), item, miss)


def _greedy(tagging: Tagging, worth: set[str], item: int, miss: int) -> list[str]:
    """Tags by what each saves against an item for every path that it covers, while one saves anything."""
    left = _Left(set(worth), set())
    queue = [(-_saving(tagging, tag, left, item, miss), tag) for tag in tagging.carried]
    heapify(queue)
    chosen: list[str] = []
    while queue and queue[0][0] < 0:
        tag = queue[0][1]
        saving = _saving(tagging, tag, left, item, miss)
        if -saving > queue[0][0]:
            heapreplace(queue, (-saving, tag))
            continue
        heappop(queue)
        chosen.append(tag)
        left.worth.difference_update(tagging.carried[tag])
        left.purged.update(tagging.carried[tag])
    return chosen


def _saving(tagging: Tagging, tag: str, left: _Left, item: int, miss: int) -> int:
    keys = tagging.carried[tag]
    covered = sum(1 for key in keys if key in left.worth)
    besides = {key for key in keys if key not in tagging.changed and key not in left.purged}
    return item * (covered - 1) - miss * tagging.weight(besides)


def _without_needless(best: Solution | None, solve: Solve, demands: int, item: int, miss: int) -> Solution | None:
    """The solution without the tags that are cheaper left out, one after the other."""
    if best is None:
        return None
    trials = _MOST_TRIALS * 1000 // (1000 + demands)
    for tag in best.tags[:trials]:
        found = solve([other for other in best.tags if other != tag])
        if found is not None and found.rank(item, miss) < best.rank(item, miss):
            best = found
    return best
