"""Whoever expires next leaves first."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush


class TTL:
    """A heap of deadlines; those of keys that left are passed over, and swept out when they are the majority."""

    def __init__(self, seed: int = 0) -> None:
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
        self._ticket.pop(key, None)

    def evict(self) -> Hashable:
        """The nearest deadline; the last that came in takes its turn after the next one."""
        first = self._next()
        if first[1] != self._tickets or not self._ticket:
            return first[2]
        second = self._next()
        self._ticket[first[2]] = first[1]
        heappush(self._heap, first)
        return second[2]

    def __len__(self) -> int:
        return len(self._ticket)

    def _next(self) -> tuple[float, int, Hashable]:
        while True:
            entry = heappop(self._heap)
            if self._ticket.get(entry[2]) == entry[1]:
                del self._ticket[entry[2]]
                return entry

    def _sweep(self) -> None:
        self._heap = [entry for entry in self._heap if self._ticket.get(entry[2]) == entry[1]]
        heapify(self._heap)
