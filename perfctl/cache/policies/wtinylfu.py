"""A window for newcomers; who leaves it stays only if it is asked for more often than the one it would displace.

W-TinyLFU (Einziger, Friedman, Manes: TinyLFU: a highly efficient cache admission policy, 2017): a window of recent
entries before a segmented LRU of frequent ones, and counts of uses that fade. Ours counts exactly, the residents and
two to four times as many that left; counts do not fade, but a use weighs twice as much after each period. A
challenger needs a quarter more uses, since in a loop it is always one ahead. The room is the number of residents. A
fifth of it is the window, half of the rest is protected, and who was asked for twice of late stays whoever it
displaces: over real traces that measures better than the paper's choices.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, NamedTuple

PROTECTED_SHARE: Final = 0.5
"""Of the room outside the window."""

_PERIOD = 10
"""After so many uses for each entry that there is room for, a use weighs twice as much."""

_GHOSTS_PER_ENTRY = 2
_HEAVIEST = 1 << 40
_LIGHTER = 32
_MOST_AT_ONCE = 8


class Shape(NamedTuple):
    """The share of the window, and after how many uses of late an entry stays whoever it displaces."""

    window_share: float
    welcome: float = math.inf


USUAL: Final = Shape(0.2, 2)


class WTinyLFU:
    """Three ordered dicts that share the residents, and dicts of the uses of residents and ghosts.

    Uses are in units of what a use weighs, an even number, so that the lowest bit is free to say that a key is in a
    sample. Ghosts are in two generations; when the younger is full, the older one is forgotten.
    """

    def __init__(self, seed: int = 0, shape: Shape = USUAL) -> None:
        self._shape = shape
        self._seed = seed
        self._uses: dict[Hashable, int] = {}
        self._window: OrderedDict[Hashable, None] = OrderedDict()
        self._probation: OrderedDict[Hashable, None] = OrderedDict()
        self._protected: OrderedDict[Hashable, None] = OrderedDict()
        self._ghosts: dict[Hashable, int] = {}
        self._old_ghosts: dict[Hashable, int] = {}
        self._use = 2
        self._room = self._left = 0
        self._is_filling = True
        self._outside_sample = 0
        self._tries = 0
        self._fit(1)

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """The newcomer enters the window with its past uses; one written anew enters it again."""
        uses = self._uses.get(key)
        if uses is None:
            uses = self._ghosts.pop(key, None) or self._old_ghosts.pop(key, None)
            if uses is None:
                uses = not hash((self._seed, key)) & self._outside_sample
        else:
            self._leave(key)
        self._uses[key] = uses = uses + self._use
        self._window[key] = None
        if uses & self._tries:
            self._try(key, uses)
        self._left -= 1
        if self._left <= 0:
            self._turn_period()

    def hit(self, key: Hashable) -> None:
        """Used once more: to the end of its segment, or from probation to the protected."""
        uses = self._uses.get(key)
        if uses is None:
            return
        self._uses[key] = uses = uses + self._use
        if key in self._protected:
            self._protected.move_to_end(key)
        elif key in self._window:
            self._window.move_to_end(key)
        else:
            self._promote(key)
        if uses & self._tries:
            self._try(key, uses)
        self._left -= 1
        if self._left <= 0:
            self._turn_period()

    def remove(self, key: Hashable) -> None:
        """Out of its segment; its uses are remembered for a while."""
        uses = self._uses.pop(key, None)
        if uses is not None:
            self._leave(key)
            self._ghosts[key] = uses
            if len(self._ghosts) > self._ghost_room:
                self._turn_generation()

    def evict(self) -> Hashable:
        """The oldest of the others while the window has room; then the loser between the oldest of both."""
        window, probation, uses = self._window, self._probation, self._uses
        excess = len(window) - self._window_room
        if excess > 1:
            excess = self._settle()
        main = probation or self._protected
        if not main:
            loser = window.popitem(last=False)[0]
        elif excess <= 0:
            loser = main.popitem(last=False)[0]
        else:
            loser = window.popitem(last=False)[0]
            defender = next(iter(main))
            challenge, defence = uses[loser], uses[defender]
            if challenge > defence + (defence >> 2) | 1 or challenge >= self._welcome:
                del main[defender]
                probation[loser] = None
                loser = defender
        self._ghosts[loser] = uses.pop(loser)
        if len(self._ghosts) > self._ghost_room:
            self._turn_generation()
        return loser

    def __len__(self) -> int:
        return len(self._uses)

    def _settle(self) -> int:
        """A window that is too long: at the first eviction the room is known, later on some entries go on each time."""
        if self._is_filling:
            self._is_filling = False
            self._fit(len(self._uses) - 1)
        window = self._window
        for _ in range(min(_MOST_AT_ONCE, len(window) - self._window_room - 1)):
            self._probation[window.popitem(last=False)[0]] = None
        return len(window) - self._window_room

    def _promote(self, key: Hashable) -> None:
        del self._probation[key]
        self._protected[key] = None
        if len(self._protected) > self._protected_room:
            self._probation[self._protected.popitem(last=False)[0]] = None

    def _leave(self, key: Hashable) -> None:
        for segment in (self._window, self._probation, self._protected):
            segment.pop(key, None)

    def _turn_generation(self) -> None:
        self._ghosts, self._old_ghosts = {}, self._ghosts

    def _try(self, key: Hashable, uses: int) -> None:
        """What a policy with shadows does with a key of the sample."""

    def _turn_period(self) -> None:
        """A use weighs twice as much; and the room may have changed with the sizes of the entries."""
        self._use *= 2
        if self._use > _HEAVIEST:
            self._use >>= _LIGHTER
            self._lighten()
        self._fit(len(self._uses))

    def _lighten(self) -> None:
        """The one walk over all residents, in every fortieth period."""
        for counts in (self._uses, self._ghosts, self._old_ghosts):
            lighten(counts)

    def _fit(self, room: int) -> None:
        """Share out a room that is known better now; while the cache fills up it is the size so far."""
        self._room = max(1, room)
        self._left = _PERIOD * self._room
        self._ghost_room = _GHOSTS_PER_ENTRY * self._room
        self._share_out()

    def _share_out(self) -> None:
        self._window_room = max(1, round(self._shape.window_share * self._room))
        self._protected_room = math.ceil(PROTECTED_SHARE * (self._room - self._window_room))
        self._welcome = self._shape.welcome * self._use


def lighten(counts: dict[Hashable, int]) -> None:
    """The same counts in units 2^32 times as large, each with its lowest bit kept."""
    for key, uses in counts.items():
        counts[key] = uses >> _LIGHTER & ~1 | uses & 1
