"""Whoever expires next leaves first."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush


class TTL:
    """A heap of deadlines; those of keys that left are passed over, and swept out when they are the majority."""

    def __init__(self, capacity_bytes: int) -> None:
        self._ticket: dict[Hashable, int] = {}
        self._heap: list[tuple[float, int, Hashable]] = []
        self._tickets = 0

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """Into the heap; of equal deadlines the older entry leaves first."""
        self._tickets += 1
        self._ticket[key] = self._tickets
        heappush(self._heap, (expires_at, self._tickets, key))
        if len(self._heap) > 2 * len(self._ticket) + 16:
            self._sweep()

    def hit(self, key: Hashable) -> None:
        """Reading changes no deadline."""

    def remove(self, key: Hashable) -> None:
        """Its place in the heap is passed over later."""
        del self._ticket[key]

    def evict(self) -> Hashable:
        """The nearest deadline."""
        while True:
            _, ticket, key = heappop(self._heap)
            if self._ticket.get(key) == ticket:
                del self._ticket[key]
                return key

    def __len__(self) -> int:
        return len(self._ticket)

    def _sweep(self) -> None:
        self._heap = [entry for entry in self._heap if self._ticket.get(entry[2]) == entry[1]]
        heapify(self._heap)
