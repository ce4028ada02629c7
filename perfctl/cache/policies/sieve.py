"""A hand goes round the queue and takes the first one that was not read since it came by.

SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi: SIEVE is Simpler than LRU, 2024): a hit only sets a mark, nobody changes
places, and newcomers stand where the hand comes last. Ours never takes the last one that was added.
"""

from __future__ import annotations

from collections.abc import Hashable


class _Place:
    __slots__ = ("after", "before", "key", "was_read")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.was_read = False
        self.before: _Place = self
        self.after: _Place = self


class Sieve:
    """A ring of places, the newest before the sentinel and the oldest after it; the hand walks towards the newest."""

    def __init__(self, seed: int = 0) -> None:
        self._places: dict[Hashable, _Place] = {}
        self._ring = _Place(None)
        self._hand = self._last = self._ring

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """A newcomer, unread, at the newest end."""
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = _Place(key)
            ring, newest = self._ring, self._ring.before
            place.before, place.after = newest, ring
            newest.after = ring.before = place
        else:
            place.was_read = True
        self._last = place

    def hit(self, key: Hashable) -> None:
        """The hand will pass it by once."""
        place = self._places.get(key)
        if place is not None:
            place.was_read = True

    def remove(self, key: Hashable) -> None:
        """Out of the ring; a hand that stood there stands at the next."""
        place = self._places.pop(key, None)
        if place is not None:
            self._unlink(place)

    def evict(self) -> Hashable:
        """The next one without a mark; marks are cleared on the way."""
        place = self._hand
        alone = len(self._places) == 1
        while True:
            if place is not self._ring:
                if alone or not (place.was_read or place is self._last):
                    break
                place.was_read = False
            place = place.after
        self._hand = place
        self._unlink(place)
        if self._hand is self._last:
            self._hand = self._ring
        del self._places[place.key]
        return place.key

    def __len__(self) -> int:
        return len(self._places)

    def _unlink(self, place: _Place) -> None:
        place.before.after = place.after
        place.after.before = place.before
        if self._hand is place:
            self._hand = place.after
        if self._last is place:
            self._last = self._ring
