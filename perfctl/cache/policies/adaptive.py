"""W-TinyLFU whose shape follows the requests: small shadow caches try every shape of it.

No fixed policy wins on all traces: each has some where another has 11-58 points more hits. What differs most is how
much recency counts, and W-TinyLFU says that with two numbers: the share of its window (1 % is nearly pure frequency,
100 % is LRU) and how hard it is to be let in. Caffeine climbs to a good window step by step (Einziger, Eytan,
Friedman, Manes: Adaptive software cache management, 2018); ours runs a miniature of each shape on a sample of the
keys (Waldspurger, Saemundsson, Ahmad, Park: Cache modeling and optimization using miniature simulations, 2017) and
takes the shape with the most hits of late. A change of shape rebuilds nothing: the window fills or drains.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Sequence

from perfctl.cache.policies.wtinylfu import PROTECTED_SHARE, USUAL, Shape, WTinyLFU, lighten

SHAPES = (USUAL, Shape(0.01), Shape(0.05, 0), Shape(0.5), Shape(1.0))
"""The first is where it starts; the third lets everybody in: a segmented LRU."""

_SHADOW_ROOM = 64
"""A shadow has room for so many entries or more: smaller ones choose badly, larger ones cost more."""

_MOST_HALVINGS = 5
"""The smallest sample, one key of 32: a smaller one saves nothing more, and is too few keys to choose well."""

_SAMPLE_BIT = 24
_EPOCH = 64
"""Sampled requests between two looks at the scores."""

_HALF_LIFE = 10
"""A hit counts half after so many sampled requests for each entry of a shadow."""

_LEAD = 1.01
"""So much better a shape must be than the present one."""

_SHARE_OF_WORK = 8
"""The shadows try one request of so many at most: where the sample is larger, they rest for some periods."""


class Adaptive(WTinyLFU):
    """A live W-TinyLFU and its shadows, which are told the uses that it counts."""

    def __init__(self, seed: int = 0) -> None:
        self._shadows: Sequence[Shadow] = ()
        self._halvings = 0
        self._epoch_left = _EPOCH
        self._warms_up = False
        self._rests = self._rests_left = 0
        super().__init__(seed)
        self._shadows = [Shadow(shape) for shape in SHAPES]
        self._tries = 1
        self._sample(0)
        self._fit(1)

    def _try(self, key: Hashable, uses: int) -> None:
        if self._outside_sample and hash((self._seed, key)) & self._outside_sample:
            self._uses[key] = uses - 1
            return
        for shadow in self._shadows:
            shadow.ask(key, uses)
        self._epoch_left -= 1
        if not self._epoch_left:
            self._epoch_left = _EPOCH
            self._choose()

    def _choose(self) -> None:
        """Take the shape of the shadow with the most hits of late, when it leads clearly."""
        if self._warms_up:
            self._warms_up = False
            for shadow in self._shadows:
                shadow.hits = 0
            return
        fading = 0.5 ** (_EPOCH / (_HALF_LIFE * self._shadows[0].room))
        for shadow in self._shadows:
            shadow.score = shadow.score * fading + shadow.hits
            shadow.hits = 0
        present = next(shadow for shadow in self._shadows if shadow.shape == self._shape)
        best = max(self._shadows, key=lambda shadow: shadow.score)
        if best.score > _LEAD * present.score:
            self._shape = best.shape
            self._share_out()

    def _turn_period(self) -> None:
        super()._turn_period()
        if self._rests_left:
            self._rests_left -= 1
            if not self._rests_left:
                self._tries, self._warms_up = 1, True
                self._epoch_left = 2 * self._shadows[0].room + 16
        elif self._rests and not self._is_filling:
            self._rests_left, self._tries = self._rests, 0

    def _lighten(self) -> None:
        super()._lighten()
        for shadow in self._shadows:
            shadow.lighten()

    def _fit(self, room: int) -> None:
        super()._fit(room)
        halvings = min(_MOST_HALVINGS, max(0, (self._room // _SHADOW_ROOM).bit_length() - 1))
        if halvings > self._halvings:
            self._sample(halvings)
        elif 2 * (self._room >> self._halvings) < _SHADOW_ROOM and halvings < self._halvings:
            self._sample(halvings)
            self._mark_all()
        for shadow in self._shadows:
            shadow.fit(max(1, self._room >> self._halvings), self._use)

    def _sample(self, halvings: int) -> None:
        """One key of 2^`halvings`; those marked for a larger sample lose their mark when they are used."""
        self._halvings = halvings
        self._outside_sample = ((1 << halvings) - 1) << _SAMPLE_BIT
        self._rests = -(-_SHARE_OF_WORK >> halvings) - 1

    def _mark_all(self) -> None:
        for key, uses in self._uses.items():
            self._uses[key] = uses & ~1 | (hash((self._seed, key)) & self._outside_sample == 0)


class Shadow:
    """A W-TinyLFU in miniature: the sampled keys alone, with the uses that the live one counts."""

    __slots__ = (
        "_probation",
        "_protected",
        "_protected_room",
        "_uses",
        "_welcome",
        "_window",
        "_window_room",
        "hits",
        "room",
        "score",
        "shape",
    )

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.score = 0.0
        self.hits = 0
        self._uses: dict[Hashable, int] = {}
        self._window: OrderedDict[Hashable, None] = OrderedDict()
        self._probation: OrderedDict[Hashable, None] = OrderedDict()
        self._protected: OrderedDict[Hashable, None] = OrderedDict()
        self.fit(1, 1)

    def ask(self, key: Hashable, uses: int) -> None:
        """Get or set a key that has so many uses now."""
        known = key in self._uses
        self._uses[key] = uses
        if not known:
            self._window[key] = None
            if len(self._window) > self._window_room:
                self._leave_window()
            elif len(self._uses) > self.room:
                self._drop_oldest()
            return
        self.hits += 1
        if key in self._protected:
            self._protected.move_to_end(key)
        elif key in self._window:
            self._window.move_to_end(key)
        else:
            del self._probation[key]
            self._protected[key] = None
            if len(self._protected) > self._protected_room:
                self._probation[self._protected.popitem(last=False)[0]] = None

    def fit(self, room: int, use: int) -> None:
        """Another room, where those go who are too many; and what a use weighs."""
        self.room = room
        self._welcome = self.shape.welcome * use
        self._window_room = max(1, round(self.shape.window_share * room))
        self._protected_room = math.ceil(PROTECTED_SHARE * (room - self._window_room))
        while len(self._window) > self._window_room:
            self._leave_window()
        while len(self._uses) > room:
            self._drop_oldest()

    def lighten(self) -> None:
        """The same uses in larger units."""
        lighten(self._uses)

    def _drop_oldest(self) -> None:
        del self._uses[(self._probation or self._protected).popitem(last=False)[0]]

    def _leave_window(self) -> None:
        uses, probation = self._uses, self._probation
        loser = self._window.popitem(last=False)[0]
        if len(uses) <= self.room:
            probation[loser] = None
            return
        main = probation or self._protected
        if main:
            defender = next(iter(main))
            challenge, defence = uses[loser], uses[defender]
            if challenge > defence + (defence >> 2) or challenge >= self._welcome:
                del main[defender]
                probation[loser] = None
                loser = defender
        del uses[loser]
