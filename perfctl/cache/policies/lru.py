"""Least recently used leaves first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class LRU:
    """One ordered dict: a use moves its key to the end."""

    def __init__(self, seed: int = 0) -> None:
        self._order: OrderedDict[Hashable, None] = OrderedDict()

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """The newcomer leaves last."""
        self._order[key] = None
        self._order.move_to_end(key)

    def hit(self, key: Hashable) -> None:
        """Whoever is read leaves last."""
        if key in self._order:
            self._order.move_to_end(key)

    def remove(self, key: Hashable) -> None:
        """Out of the order."""
        self._order.pop(key, None)

    def evict(self) -> Hashable:
        """The one whose last use is longest ago."""
        return self._order.popitem(last=False)[0]

    def __len__(self) -> int:
        return len(self._order)
