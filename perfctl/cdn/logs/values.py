"""A column's values: where each begins and ends in the text, and what it is as a number or as one of few words."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from perfctl.cdn.logs.arrays import Bytes, Floats, Ints, Mask, Words, np

MAX_DIGITS = 18
"""What a signed integer of 64 bits holds whatever the digits; a longer one is no number of a log."""
_SHORT = 7
"""So many bytes and their length are one word: equal words are equal values."""
_MASKS = np.array([(1 << (8 * size)) - 1 for size in range(8)] + [(1 << 64) - 1], dtype=np.uint64)
_ODD = np.array([secrets.randbits(64) | 1 for _ in range(3)], dtype=np.uint64)
"""Drawn anew in each process: no log can be written so that two values are taken for one."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One field of every line: `data` is the text (with eight bytes of room at its end), [start, end) each value."""

    data: bytes
    starts: Ints
    ends: Ints

    @property
    def size(self) -> int:
        """How many lines."""
        return len(self.starts)

    def at(self, index: int) -> bytes:
        """One value."""
        return self.data[self.starts[index] : self.ends[index]]

    def values(self) -> list[bytes]:
        """All of them, one by one: for few."""
        return [self.data[s:e] for s, e in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]

    def chosen(self, mask: Mask | Ints) -> Column:
        """That of some lines alone."""
        return Column(self.data, self.starts[mask], self.ends[mask])


def codes(column: Column) -> tuple[Ints, list[bytes]]:
    """Each line's value as a number, and the values in the order of those numbers."""
    keys = fingerprints(column)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return inverse.astype(np.int64, copy=False), column.chosen(first).values()


def fingerprints(column: Column) -> Words:
    """64 bits of each value: values of up to seven bytes are told apart exactly, longer ones by a random hash.

    Two different long values share one with a chance of 1 in 2^64; the hash is drawn in each process.
    """
    lengths = column.ends - column.starts
    words = _view(column.data)
    keys: Words = words[column.starts] & _MASKS[np.minimum(lengths, 8)]
    keys |= np.minimum(lengths, 8).astype(np.uint64) << np.uint64(56)
    long = np.flatnonzero(lengths > _SHORT)
    if len(long):
        keys[long] = _hashed(words, column.starts[long], lengths[long])
    return keys


def _hashed(words: Words, starts: Ints, lengths: Ints) -> Words:
    """Word by word, of ever fewer values: multiply and fold, as in wyhash, with odd multipliers drawn at random."""
    hashes = (lengths.astype(np.uint64) + np.uint64(1)) * _ODD[0]
    active, at = np.arange(len(starts)), 0
    while len(active):
        left = lengths[active] - at
        more = words[starts[active] + at] & _MASKS[np.minimum(left, 8)]
        now = (hashes[active] ^ more) * _ODD[1]
        hashes[active] = now ^ (now >> np.uint64(29))
        at += 8
        active = active[left > 8]
    hashes *= _ODD[2]
    folded: Words = hashes ^ (hashes >> np.uint64(32))
    return folded


def mixed(first: Words, second: Words) -> Words:
    """One fingerprint of two, in this order."""
    now = (first ^ (first >> np.uint64(31))) * _ODD[1] + second * _ODD[2]
    now = (now ^ (now >> np.uint64(29))) * _ODD[0]
    folded: Words = now ^ (now >> np.uint64(32))
    return folded


def integers(column: Column) -> Ints:
    """The values as integers; -1 for what is none: `-`, signs, points, letters, more than 18 digits."""
    numbers, behind = _decimals(column)
    return np.where(behind < 0, numbers, -1)


def floats(column: Column) -> Floats:
    """The values of at most 18 digits and one point as the nearest floats (to 2^53); NaN for what is none."""
    numbers, behind = _decimals(column)
    exact: Floats = numbers.astype(np.float64) / np.power(10.0, np.maximum(behind, 0))
    return np.where(numbers < 0, np.nan, exact)


def _decimals(column: Column) -> tuple[Ints, Ints]:
    """The digits as one integer (-1: no number), and how many of them follow the point (-1: there is none)."""
    buffer = as_bytes(column.data)
    starts, lengths = column.starts, column.ends - column.starts
    numbers = np.zeros(len(starts), dtype=np.int64)
    behind = np.full(len(starts), -1, dtype=np.int64)
    bad = (lengths == 0) | (lengths > MAX_DIGITS + 1)
    for place in range(int(lengths.max(initial=0, where=~bad))):
        here = (lengths > place) & ~bad
        letters = buffer[np.where(here, starts + place, 0)]
        is_digit, is_point = here & (letters - np.uint8(48) < 10), here & (letters == 46) & (behind < 0)
        bad |= here & ~is_digit & ~is_point
        numbers = np.where(is_digit, numbers * 10 + letters - 48, numbers)
        behind += is_point | (is_digit & (behind >= 0))
    digits = lengths - (behind >= 0)
    bad |= (digits == 0) | (digits > MAX_DIGITS)
    return np.where(bad, -1, numbers), behind


def as_bytes(data: bytes) -> Bytes:
    """The text as an array, without a copy."""
    return np.frombuffer(data, dtype=np.uint8)


def _view(data: bytes) -> Words:
    """Eight bytes from every place on, without a copy."""
    return np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
