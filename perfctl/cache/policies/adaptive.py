"""W-TinyLFU whose window follows the requests: small shadow caches try every size of it all the time.

No fixed policy wins on all traces: each has some where another has 11-58 points more hits. What differs most is how
much recency counts, and W-TinyLFU says that with one number, the share of its window: 1 % is nearly pure frequency,
100 % is LRU. Caffeine climbs to a good share step by step (Einziger, Eytan, Friedman, Manes: Adaptive software cache
management, 2018); ours runs a miniature of each share on a sample of the keys (Waldspurger, Saemundsson, Ahmad, Park:
Cache modeling and optimization using miniature simulations, 2017) and takes the share of the one with the most hits
of late. A change of share rebuilds nothing: the window fills or drains.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Sequence

from perfctl.cache.policies.wtinylfu import PROTECTED_SHARE, Uses, WTinyLFU

WINDOW_SHARES = (0.01, 0.05, 0.2, 0.5, 1.0)
_FIRST_SHARE = 0.2

_SHADOW_ROOM = 64
"""A shadow has room for so many entries, and up to twice as many: smaller ones choose badly, larger ones cost more."""

_SAMPLE_SHIFT = 20
_EPOCH = 64
"""Sampled requests between two looks at the scores."""

_HALF_LIFE = 10
"""A hit counts half after so many sampled requests for each entry of a shadow."""

_LEAD = 1.01
"""So much better a share must be than the present one."""


class Adaptive(WTinyLFU):
    """A live W-TinyLFU and its shadows, which share its counts of uses."""

    def __init__(self, seed: int = 0) -> None:
        self._shadows: Sequence[Shadow] = ()
        self._unsampled = 0
        self._left = _EPOCH
        super().__init__(seed, window_share=_FIRST_SHARE)
        self._shadows = [Shadow(share, self.uses) for share in WINDOW_SHARES]

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """Enters the window, and is asked for in the shadows."""
        hashed = self._enter(key)
        if not hashed & self._unsampled:
            self._ask_shadows(key, hashed)

    def hit(self, key: Hashable) -> None:
        """Used once more, and is asked for in the shadows."""
        hashed = self._use(key)
        if hashed is not None and not hashed & self._unsampled:
            self._ask_shadows(key, hashed)

    def _ask_shadows(self, key: Hashable, hashed: int) -> None:
        for shadow in self._shadows:
            shadow.ask(key, hashed)
        self._left -= 1
        if not self._left:
            self._left = _EPOCH
            self._choose()

    def _choose(self) -> None:
        """Take the share of the shadow with the most hits of late, when it leads clearly."""
        fading = 0.5 ** (_EPOCH / (_HALF_LIFE * self._shadows[0].room))
        for shadow in self._shadows:
            shadow.score = shadow.score * fading + shadow.hits
            shadow.hits = 0
        present = next(shadow for shadow in self._shadows if shadow.window_share == self._window_share)
        best = max(self._shadows, key=lambda shadow: shadow.score)
        if best.score > _LEAD * present.score:
            self._window_share = best.window_share
            self._share_out()

    def _fit(self, room: int) -> None:
        super()._fit(room)
        halvings = max(0, (room // _SHADOW_ROOM).bit_length() - 1)
        self._unsampled = ((1 << halvings) - 1) << _SAMPLE_SHIFT
        for shadow in self._shadows:
            shadow.fit(max(1, room >> halvings), self._unsampled)


class Shadow:
    """A W-TinyLFU in miniature: keys and hits only, of the sampled keys."""

    __slots__ = (
        "_main_room",
        "_probation",
        "_protected",
        "_protected_room",
        "_uses",
        "_window",
        "_window_room",
        "hits",
        "room",
        "score",
        "window_share",
    )

    def __init__(self, window_share: float, uses: Uses) -> None:
        self.window_share = window_share
        self.score = 0.0
        self.hits = 0
        self._uses = uses
        self._window: OrderedDict[Hashable, int] = OrderedDict()
        self._probation: OrderedDict[Hashable, int] = OrderedDict()
        self._protected: OrderedDict[Hashable, int] = OrderedDict()
        self.fit(1, 0)

    def ask(self, key: Hashable, hashed: int) -> None:
        """Get or set."""
        if key in self._protected:
            self._protected.move_to_end(key)
            self.hits += 1
        elif key in self._window:
            self._window.move_to_end(key)
            self.hits += 1
        elif key in self._probation:
            del self._probation[key]
            self._protected[key] = hashed
            if len(self._protected) > self._protected_room:
                oldest, past = self._protected.popitem(last=False)
                self._probation[oldest] = past
            self.hits += 1
        else:
            self._window[key] = hashed
            if len(self._window) > self._window_room:
                self._leave_window()

    def fit(self, room: int, unsampled: int) -> None:
        """Another room, or another sample: let those go that are too many or outside."""
        self.room = room
        self._window_room = max(1, round(self.window_share * room))
        self._main_room = room - self._window_room
        self._protected_room = math.ceil(PROTECTED_SHARE * self._main_room)
        for segment in (self._window, self._probation, self._protected):
            for key in [key for key, hashed in segment.items() if hashed & unsampled]:
                del segment[key]
        while len(self._window) > self._window_room:
            self._leave_window()
        while len(self._probation) + len(self._protected) > self._main_room:
            (self._probation or self._protected).popitem(last=False)

    def _leave_window(self) -> None:
        candidate, challenge = self._window.popitem(last=False)
        if len(self._probation) + len(self._protected) < self._main_room:
            self._probation[candidate] = challenge
            return
        main = self._probation or self._protected
        if main:
            victim, defence = next(iter(main.items()))
            if self._uses.of(challenge) > self._uses.of(defence):
                del main[victim]
                self._probation[candidate] = challenge
