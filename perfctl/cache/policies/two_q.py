"""Newcomers pass through a queue; who is asked for again after it left the queue gets a place among the regulars.

2Q (Johnson, Shasha: 2Q: a low overhead high performance buffer management replacement algorithm, 1994), with the
sizes of the paper: a quarter for the queue, ghosts for half of the room. Ours takes the room to be the number of
residents, and never takes the last one that was added.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

_QUEUE_SHARE = 0.25
_GHOST_SHARE = 0.5


class TwoQ:
    """A1in, A1out and Am of the paper are `queue`, `ghosts` and `regulars`."""

    def __init__(self, seed: int = 0) -> None:
        self._queue: OrderedDict[Hashable, None] = OrderedDict()
        self._ghosts: OrderedDict[Hashable, None] = OrderedDict()
        self._regulars: OrderedDict[Hashable, None] = OrderedDict()
        self._last: Hashable = None

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """Among the regulars where it is remembered, else to the end of the queue; written anew, to the end, too."""
        self._last = key
        if key in self._regulars:
            self._regulars.move_to_end(key)
        elif key in self._ghosts:
            del self._ghosts[key]
            self._regulars[key] = None
        else:
            self._queue[key] = None
            self._queue.move_to_end(key)

    def hit(self, key: Hashable) -> None:
        """A regular leaves last of all; a place in the queue does not change."""
        if key in self._regulars:
            self._regulars.move_to_end(key)

    def remove(self, key: Hashable) -> None:
        """Out, and not remembered."""
        if key in self._queue:
            del self._queue[key]
        else:
            self._regulars.pop(key, None)

    def evict(self) -> Hashable:
        """The head of the queue while it has more than its share, and is remembered; else the oldest regular."""
        room = len(self) - 1
        if not self._takes_queue(max(1, int(_QUEUE_SHARE * room))):
            return self._regulars.popitem(last=False)[0]
        key = self._queue.popitem(last=False)[0]
        self._ghosts[key] = None
        while len(self._ghosts) > max(1, int(_GHOST_SHARE * room)):
            self._ghosts.popitem(last=False)
        return key

    def __len__(self) -> int:
        return len(self._queue) + len(self._regulars)

    def _takes_queue(self, share: int) -> bool:
        settled = len(self._queue) - (self._last in self._queue)
        if not settled:
            return not self._regulars
        return settled >= share or len(self._regulars) == (self._last in self._regulars)
