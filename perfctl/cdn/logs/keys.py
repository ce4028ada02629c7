"""A table of fingerprints, looked up thousands at a time."""

from __future__ import annotations

from perfctl.cdn.logs.arrays import Ints, Words, np
from perfctl.cdn.logs.values import slots_of

_FREE = -1


class Keys:
    """The place of each of many fingerprints, in the order in which they came.

    Open addressing with linear probing; the table is at most half full. It begins with these different ones.
    """

    def __init__(self, keys: Words) -> None:
        self._size = len(keys)
        self._keys = keys
        self._table = np.zeros(0, dtype=np.int64)
        self._make(len(keys))

    def __len__(self) -> int:
        return self._size

    def all(self) -> Words:
        """The fingerprints in the order of their places."""
        return self._keys[: self._size]

    def places(self, keys: Words) -> Ints:
        """The places of different fingerprints; those that are new get the next ones."""
        if 2 * (self._size + len(keys)) > len(self._table):
            self._make(self._size + len(keys))
        return self._placed(keys)

    def _placed(self, keys: Words) -> Ints:
        places = np.empty(len(keys), dtype=np.int64)
        left, slots = np.arange(len(keys)), slots_of(keys, self._bits)
        while len(left):
            self._claim(keys, left, slots)
            held = self._table[slots]
            is_other = self._keys[held] != keys[left]
            places[left] = held
            left, slots = left[is_other], (slots[is_other] + 1) & (len(self._table) - 1)
        return places

    def _claim(self, keys: Words, left: Ints, slots: Ints) -> None:
        """Each free slot takes one of those that come to it."""
        comers = np.flatnonzero(self._table[slots] == _FREE)
        if not len(comers):
            return
        free = slots[comers]
        self._table[free] = comers
        winners = comers[self._table[free] == comers]
        end = self._size + len(winners)
        self._table[slots[winners]] = np.arange(self._size, end)
        self._keys[self._size : end] = keys[left[winners]]
        self._size = end

    def _make(self, room: int) -> None:
        """A new table with room for so many: what is known stays at its place."""
        self._bits = max(10, (4 * room - 1).bit_length())
        self._table = np.full(1 << self._bits, _FREE, dtype=np.int64)
        keys, self._keys = self.all(), np.zeros(1 << (self._bits - 1), dtype=np.uint64)
        self._keys[: len(keys)] = keys
        left, slots = np.arange(len(keys)), slots_of(keys, self._bits)
        while len(left):
            free = np.flatnonzero(self._table[slots] == _FREE)
            self._table[slots[free]] = left[free]
            is_out = self._table[slots] != left
            left, slots = left[is_out], (slots[is_out] + 1) & (len(self._table) - 1)
