"""The limit: with the whole future known, whoever is asked for furthest ahead leaves first.

MIN (Belady: A study of replacement algorithms for a virtual-storage computer, 1966), with bypass: the newcomer itself
leaves when nobody else is needed later. No policy that keeps entries of one size can have more hits.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from heapq import heappop, heappush


class OPT:
    """Each `add` and `hit` must be of the next key of `future`; after its end nobody is asked for again.

    The heap has turns alone: whose turn it is stands in `future`. Turns that went by are the smallest, so those that
    are due come first.
    """

    def __init__(self, future: Sequence[Hashable]) -> None:
        self._future = future
        self._never = len(future)
        self._uses = _next_uses(future)
        self._turn = 0
        self._due: dict[Hashable, int] = {}
        self._latest: list[int] = []
        self._done: list[Hashable] = []

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """Due at its next use."""
        self._foresee(key)

    def hit(self, key: Hashable) -> None:
        """Due at the use after this one."""
        if key in self._due:
            self._foresee(key)

    def remove(self, key: Hashable) -> None:
        """Its place is passed over later."""
        self._due.pop(key, None)

    def evict(self) -> Hashable:
        """One that nobody asks for again, else the one that is due last; it may be the newcomer."""
        while self._done:
            key = self._done.pop()
            if self._due.get(key) == self._never:
                del self._due[key]
                return key
        while True:
            due = -heappop(self._latest)
            key = self._future[due]
            if self._due.get(key) == due:
                del self._due[key]
                return key

    def __len__(self) -> int:
        return len(self._due)

    def _foresee(self, key: Hashable) -> None:
        due = self._uses[self._turn] if self._turn < self._never else self._never
        self._turn += 1
        self._due[key] = due
        if due == self._never:
            self._done.append(key)
        else:
            heappush(self._latest, -due)


def _next_uses(future: Sequence[Hashable]) -> list[int]:
    """For each turn, the turn at which the same key is asked for again."""
    never = len(future)
    following: dict[Hashable, int] = {}
    uses = [never] * never
    for turn in range(never - 1, -1, -1):
        key = future[turn]
        uses[turn] = following.get(key, never)
        following[key] = turn
    return uses
