"""A window for newcomers; who leaves it stays only if it is asked for more often than the one it would displace.

W-TinyLFU (Einziger, Friedman, Manes: TinyLFU: a highly efficient cache admission policy, 2017): a window of recent
entries before a segmented LRU of frequent ones, and counts of uses that fade. Ours halves its counts in one pass over
a table of bytes, takes the room to be the number of residents, gives a fifth of it to the window and half of the rest
to the protected: over real traces that measures better than the paper's hundredth and four fifths.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

PROTECTED_SHARE: Final = 0.5
"""Of the room outside the window."""

_SLOTS_PER_ENTRY = 32
_USES_PER_ENTRY = 10
_DRAIN = 8
_HALVES = bytes(count >> 1 for count in range(256))


class Uses:
    """How often each key was asked for of late, 0-15: a count-min sketch with conservative update, two bytes a key.

    All bytes are halved after ten uses for each entry that there is room for.
    """

    def __init__(self) -> None:
        self.table = bytearray(_SLOTS_PER_ENTRY)
        self.mask = _SLOTS_PER_ENTRY - 1
        self._period = self._left = _USES_PER_ENTRY

    def fit(self, room: int) -> None:
        """Be large enough for `room` entries; doubling the table loses nothing, since both halves hold each count."""
        while len(self.table) < _SLOTS_PER_ENTRY * room:
            self.table = self.table * 2
        self.mask = len(self.table) - 1
        self._left += _USES_PER_ENTRY * room - self._period
        self._period = _USES_PER_ENTRY * room

    def count(self, hashed: int) -> None:
        """One use more."""
        table, mask = self.table, self.mask
        first, second = hashed & mask, hashed >> 32 & mask
        here, there = table[first], table[second]
        if here < there:
            table[first] = here + 1
        elif there < here:
            table[second] = there + 1
        elif here < 15:
            table[first] = table[second] = here + 1
        self._left -= 1
        if self._left <= 0:
            self._left = self._period
            self.table = table.translate(_HALVES)

    def of(self, hashed: int) -> int:
        """How often; more when others share both of its bytes."""
        here, there = self.table[hashed & self.mask], self.table[hashed >> 32 & self.mask]
        return here if here < there else there


class WTinyLFU:
    """Three ordered dicts from key to its hash, which is salted so that nobody outside can make keys collide."""

    def __init__(self, seed: int = 0, *, window_share: float = 0.2) -> None:
        self.uses = Uses()
        self._seed = seed
        self._window: OrderedDict[Hashable, int] = OrderedDict()
        self._probation: OrderedDict[Hashable, int] = OrderedDict()
        self._protected: OrderedDict[Hashable, int] = OrderedDict()
        self._size = 0
        self._window_share = window_share
        self._fit(1)

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """The newcomer enters the window; one written anew enters it again, and its past uses count for it."""
        self._enter(key)

    def hit(self, key: Hashable) -> None:
        """Used once more."""
        self._use(key)

    def remove(self, key: Hashable) -> None:
        """Out of its segment; its uses are remembered for a while."""
        for segment in (self._window, self._probation, self._protected):
            if segment.pop(key, None) is not None:
                self._size -= 1
                return

    def evict(self) -> Hashable:
        """From the others while the window has room; then the loser between the oldest of both."""
        self._size -= 1
        if not self._least <= self._size <= self._most:
            self._fit(self._size)
        window = self._window
        main = self._probation or self._protected
        if not main:
            return window.popitem(last=False)[0]
        if len(window) <= self._window_room:
            return main.popitem(last=False)[0]
        candidate, challenge = window.popitem(last=False)
        victim, defence = next(iter(main.items()))
        if self.uses.of(challenge) <= self.uses.of(defence):
            return candidate
        del main[victim]
        self._probation[candidate] = challenge
        return victim

    def __len__(self) -> int:
        return self._size

    def _enter(self, key: Hashable) -> int:
        """Into the window, which first lets those go on who are too many for it; the key's hash."""
        if key in self._window or key in self._probation or key in self._protected:
            self.remove(key)
        window = self._window
        if len(window) > self._window_room:
            for _ in range(min(_DRAIN, len(window) - self._window_room)):
                oldest, past = window.popitem(last=False)
                self._probation[oldest] = past
        hashed = hash((self._seed, key))
        window[key] = hashed
        self.uses.count(hashed)
        self._size += 1
        if self._size > self._most:
            self._fit(self._size)
            self._least = self._size + 1
        return hashed

    def _use(self, key: Hashable) -> int | None:
        """To the end of its segment, or from probation to the protected; the key's hash, None when it is not there."""
        hashed = self._protected.get(key)
        if hashed is not None:
            self._protected.move_to_end(key)
        else:
            hashed = self._window.get(key)
            if hashed is not None:
                self._window.move_to_end(key)
            else:
                hashed = self._probation.pop(key, None)
                if hashed is None:
                    return None
                self._protected[key] = hashed
                if len(self._protected) > self._protected_room:
                    oldest, past = self._protected.popitem(last=False)
                    self._probation[oldest] = past
        self.uses.count(hashed)
        return hashed

    def _fit(self, room: int) -> None:
        """Share out a room that is known better now: while filling up it is the size, and surely too small."""
        room = max(1, room)
        self._least, self._most = room - room // 16, room + room // 16 + 1
        self._room = room
        self.uses.fit(room)
        self._share_out()

    def _share_out(self) -> None:
        self._window_room = max(1, round(self._window_share * self._room))
        self._protected_room = math.ceil(PROTECTED_SHARE * (self._room - self._window_room))
