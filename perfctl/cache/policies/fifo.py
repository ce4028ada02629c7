"""Whoever came in first leaves first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class FIFO:
    """One ordered dict, in the order of coming in; being read changes nothing, being written anew is coming in anew."""

    def __init__(self, seed: int = 0) -> None:
        self._queue: OrderedDict[Hashable, None] = OrderedDict()

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """To the end of the queue."""
        self._queue[key] = None
        self._queue.move_to_end(key)

    def hit(self, key: Hashable) -> None:
        """Reading changes no place."""

    def remove(self, key: Hashable) -> None:
        """Out of the queue."""
        self._queue.pop(key, None)

    def evict(self) -> Hashable:
        """The head of the queue."""
        return self._queue.popitem(last=False)[0]

    def __len__(self) -> int:
        return len(self._queue)
