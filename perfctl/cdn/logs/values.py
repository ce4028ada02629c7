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
_SIZES = np.arange(9, dtype=np.uint64) << np.uint64(56)
_ODD = np.array([secrets.randbits(64) | 1 for _ in range(3)], dtype=np.uint64)
"""Drawn anew in each process: no log can be written so that two values are taken for one."""

NO_VALUE = np.uint64(0)
"""The fingerprint of an empty value."""
ABSENT = np.uint64(ord("-") | 1 << 56)
"""That of `-`."""

_ASCII_ZEROS = np.uint64(0x3030303030303030)
_NOT_ABOVE = np.uint64(0x4646464646464646)
"""Added to a byte above `9` it sets the highest bit."""
_HIGH_BITS = np.uint64(0x8080808080808080)
_AT_COLONS, _COLONS = np.uint64(0x0000FF0000FF0000), np.uint64(0x00003A00003A0000)
_COLONS_FOR_ZEROS = _COLONS ^ np.uint64(0x0000300000300000)
_SHIFTS = np.array([0, *(8 * (8 - size) for size in range(1, 9))], dtype=np.uint64)
_ZEROS = np.array([0, *((1 << (8 * (8 - size))) - 1 & 0x3030303030303030 for size in range(1, 9))], dtype=np.uint64)
"""The zeros before a value of so many bytes."""
_BEHIND, _BEFORE, _ZERO = np.uint64(0xFFFFFF << 40), np.uint64(0xFFFFFFFF), np.uint64(0x30)
"""Of eight bytes that end in a point and three digits: those digits, what is before the point, and a zero for it."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column's different values: each line's as a number, and of each number the fingerprint and the value."""

    codes: Ints
    keys: Words
    values: Column

    @property
    def size(self) -> int:
        """How many different values."""
        return len(self.keys)

    def labels(self, places: Ints | None = None) -> list[bytes]:
        """The values of these numbers, of all where none are said."""
        return (self.values if places is None else self.values.chosen(places)).values()


def coded(column: Column) -> Coded:
    """The different values of a column."""
    if _is_constant(column):
        example = column.chosen(np.zeros(1, dtype=np.int64))
        return Coded(np.zeros(column.size, dtype=np.int64), fingerprints(example), example)
    keys = fingerprints(column)
    places, examples = grouped(keys)
    return Coded(places, keys[examples], column.chosen(examples))


def grouped(keys: Words) -> tuple[Ints, Ints]:
    """Each key as a number of its group, and where an example of each group stands.

    Without sorting: a table of 65,536 slots holds one key each; what meets another key there is sorted, as few do.
    """
    slots = slots_of(keys, 16)
    table = np.full(1 << 16, -1, dtype=np.int64)
    table[slots] = np.arange(len(keys))
    held = np.flatnonzero(table >= 0)
    examples = table[held]
    meets = np.flatnonzero(keys[table[slots]] != keys)
    table[held] = np.arange(len(held))
    groups = table[slots]
    if len(meets):
        _, first, inverse = np.unique(keys[meets], return_index=True, return_inverse=True)
        groups[meets] = inverse + len(held)
        examples = np.concatenate((examples, meets[first]))
    return groups, examples


def slots_of(keys: Words, bits: int) -> Ints:
    """Where fingerprints belong in a table of so many bits."""
    slots: Ints = ((keys * _ODD[0]) >> np.uint64(64 - bits)).astype(np.int64)
    return slots


def _is_constant(column: Column) -> bool:
    """Whether all values are one of 8 to 16 bytes, as dates are: two words tell all of it."""
    if not column.size or not 8 <= column.ends[0] - column.starts[0] <= 16:
        return False
    lengths = column.ends - column.starts
    if (lengths != lengths[0]).any():
        return False
    words = _view(column.data)
    heads, tails = words[column.starts], words[column.ends - 8]
    return bool((heads == heads[0]).all() and (tails == tails[0]).all())


def equals(column: Column, *values: bytes) -> Mask:
    """Where a column has one of these values, exactly."""
    lengths = column.ends - column.starts
    found = np.zeros(column.size, dtype=np.bool_)
    for value in values:
        lines = np.flatnonzero(lengths == len(value))
        found[lines[_are(column.chosen(lines), value)]] = True
    return found


def _are(column: Column, value: bytes) -> Mask:
    """Which of these values, all as long as `value`, are it: word by word."""
    words, same = _view(column.data), np.ones(column.size, dtype=np.bool_)
    for at in range(0, len(value), 8):
        wanted = value[at : at + 8]
        mask = _MASKS[len(wanted)]
        same &= (words[column.starts + at] & mask) == np.uint64(int.from_bytes(wanted, "little"))
    return same


def fingerprints(column: Column) -> Words:
    """64 bits of each value: values of up to seven bytes are told apart exactly, longer ones by a random hash.

    Two different long values share one with a chance of 1 in 2^64; the hash is drawn in each process.
    """
    lengths = column.ends - column.starts
    words = _view(column.data)
    most = int(lengths.max(initial=0))
    if lengths.min(initial=_SHORT + 1) > _SHORT:
        return _hashed(words, column.starts, lengths)
    short = lengths if most <= _SHORT else np.minimum(lengths, 8)
    keys: Words = words[column.starts] & _MASKS[short] | _SIZES[short]
    if most > _SHORT:
        long = np.flatnonzero(lengths > _SHORT)
        keys[long] = _hashed(words, column.starts[long], lengths[long])
    return keys


def _hashed(words: Words, starts: Ints, lengths: Ints) -> Words:
    """Word by word, of ever fewer values: multiply and fold, by odd multipliers drawn at random. None is empty."""
    hashes = _folded(words[starts] & _MASKS[np.minimum(lengths, 8)], lengths.astype(np.uint64) * _ODD[0])
    at, active = 8, np.flatnonzero(lengths > 8)
    while len(active):
        left = lengths[active] - at
        more = words[starts[active] + at] & _MASKS[np.minimum(left, 8)]
        hashes[active] = _folded(more, hashes[active])
        at += 8
        active = active[left > 8]
    hashes *= _ODD[2]
    return hashes ^ (hashes >> np.uint64(32))


def _folded(more: Words, hashes: Words) -> Words:
    now: Words = (hashes ^ more) * _ODD[1]
    return now ^ (now >> np.uint64(29))


def mixed(first: Words, second: Words) -> Words:
    """One fingerprint of two, in this order."""
    now = (first ^ (first >> np.uint64(31))) * _ODD[1] + second * _ODD[2]
    now = (now ^ (now >> np.uint64(29))) * _ODD[0]
    folded: Words = now ^ (now >> np.uint64(32))
    return folded


def integers(column: Column) -> Ints:
    """The values as integers; -1 for what is none: `-`, signs, points, letters, more than 18 digits."""
    numbers, is_done = _eight_digits(_right_aligned(column))
    slow = np.flatnonzero(~is_done)
    if len(slow):
        exact, behind = _decimals(column.chosen(slow))
        numbers[slow] = np.where(behind < 0, exact, -1)
    return numbers


def floats(column: Column) -> Floats:
    """The values of at most 18 digits and one point as the nearest floats (to 2^53); NaN for what is none."""
    aligned = _right_aligned(column)
    digits = (aligned & _BEHIND) | ((aligned & _BEFORE) << np.uint64(8)) | _ZERO
    numbers, is_done = _eight_digits(digits)
    is_done &= ((aligned >> np.uint64(32)) & np.uint64(255)) == 46
    values: Floats = numbers / 1000.0
    slow = np.flatnonzero(~is_done)
    if len(slow):
        exact, behind = _decimals(column.chosen(slow))
        values[slow] = np.where(exact < 0, np.nan, exact / np.power(10.0, np.maximum(behind, 0)))
    return values


def _right_aligned(column: Column) -> Words:
    """The last eight bytes of each value, zeros (the digit) before it; of a longer one, and of none, no digits."""
    lengths = column.ends - column.starts
    sizes = np.where((lengths > 8) | (lengths == 0), 0, lengths)
    words = _view(column.data)[column.starts] << _SHIFTS[sizes] | _ZEROS[sizes]
    return np.where(sizes == 0, np.uint64(0), words)


def _eight_digits(words: Words) -> tuple[Ints, Mask]:
    """The number that eight digits are, and where they are digits (Mula, Lemire: parsing eight digits by SWAR)."""
    is_digits = ((words + _NOT_ABOVE) | (words - _ASCII_ZEROS)) & _HIGH_BITS == 0
    pairs = ((words & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(2561)) >> np.uint64(8)
    fours = ((pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> np.uint64(16)
    eights = ((fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> np.uint64(32)
    return eights.astype(np.int64), is_digits


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


def clocks(column: Column) -> Ints:
    """Seconds of the day of HH:MM:SS; -1 for anything else."""
    words = _view(column.data)[column.starts]
    numbers, is_done = _eight_digits(words ^ _COLONS_FOR_ZEROS)
    hours, minutes, seconds = numbers // 1_000_000, numbers // 1_000 % 1_000, numbers % 1_000
    is_done &= (column.ends - column.starts == 8) & ((words & _AT_COLONS) == _COLONS)
    is_done &= (hours < 24) & (minutes < 60) & (seconds < 60)
    return np.where(is_done, hours * 3_600 + minutes * 60 + seconds, -1)


def as_bytes(data: bytes) -> Bytes:
    """The text as an array, without a copy."""
    return np.frombuffer(data, dtype=np.uint8)


def _view(data: bytes) -> Words:
    """Eight bytes from every place on, without a copy."""
    return np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
