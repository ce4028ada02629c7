"""Least frequently used leaves first, and fame fades.

LFU with dynamic aging (Arlitt, Cherkasova, Dilley, Friedrich, Jin: Evaluating content management techniques for Web
proxy caches, 2000): a key's rank is its uses plus the rank of the last one that left, so that a newcomer starts
level with the weakest and old fame is overtaken. Plain LFU loses up to 26 points of hit ratio where popularity
shifts. Ours keeps keys of one rank in the order of their last use, and finds the lowest rank with a heap of ranks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from heapq import heappop, heappush


class LFU:
    """Ranks in buckets: every operation is O(log of the number of ranks). The last that came in waits outside."""

    def __init__(self, seed: int = 0) -> None:
        self._rank: dict[Hashable, int] = {}
        self._buckets: dict[int, OrderedDict[Hashable, None]] = {}
        self._lowest: list[int] = []
        self._last: list[tuple[Hashable, int]] = []
        self._age = 0

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """One use more than whoever left last; or than it had, where it was written anew."""
        self._seat_last()
        rank = self._rank.pop(key, None)
        if rank is not None:
            self._leave(key, rank)
        self._last.append((key, max(rank or 0, self._age) + 1))

    def hit(self, key: Hashable) -> None:
        """One rank up."""
        self._seat_last()
        rank = self._rank.get(key)
        if rank is not None:
            self._leave(key, rank)
            self._place(key, max(rank, self._age) + 1)

    def remove(self, key: Hashable) -> None:
        """Out of its bucket."""
        self._seat_last()
        rank = self._rank.pop(key, None)
        if rank is not None:
            self._leave(key, rank)

    def evict(self) -> Hashable:
        """Of the lowest rank, the one whose last use is longest ago; its rank is the new age."""
        if not self._rank:
            return self._last.pop()[0]
        while not self._buckets.get(self._lowest[0]):
            heappop(self._lowest)
        self._age = self._lowest[0]
        key = next(iter(self._buckets[self._age]))
        self._leave(key, self._rank.pop(key))
        return key

    def __len__(self) -> int:
        return len(self._rank) + len(self._last)

    def _seat_last(self) -> None:
        if self._last:
            self._place(*self._last.pop())

    def _place(self, key: Hashable, rank: int) -> None:
        self._rank[key] = rank
        bucket = self._buckets.get(rank)
        if bucket is None:
            bucket = self._buckets[rank] = OrderedDict()
            heappush(self._lowest, rank)
            if len(self._lowest) > 2 * len(self._buckets) + 16:
                self._lowest = sorted(self._buckets)
        bucket[key] = None

    def _leave(self, key: Hashable, rank: int) -> None:
        bucket = self._buckets[rank]
        del bucket[key]
        if not bucket:
            del self._buckets[rank]
