"""When requests were: of date and time, or of a timestamp."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from perfctl.cdn.logs.arrays import Ints, np
from perfctl.cdn.logs.values import Column, as_bytes

if TYPE_CHECKING:
    from perfctl.cdn.logs.columns import Block

_EPOCH = date(1970, 1, 1).toordinal()
_DAY = 86_400
_CLOCK_SIZE = 8
_DIGITS = ((0, 36_000), (1, 3_600), (3, 600), (4, 60), (6, 10), (7, 1))
"""Where the digits of HH:MM:SS stand, and how many seconds one of each is."""


def seconds_of(block: Block) -> Ints:
    """Seconds since 1970 (UTC) of each request; -1 where its date or its time is none."""
    if block.has("date") and block.has("time"):
        days, clocks = _days(block), _clocks(block.text("time"))
        return np.where((days >= 0) & (clocks >= 0), days * _DAY + clocks, -1)
    if block.has("timestamp"):
        return np.where(np.isnan(now := block.float("timestamp")), -1, now).astype(np.int64)
    milliseconds = block.int("timestamp(ms)")
    return np.where(milliseconds < 0, -1, milliseconds // 1000)


def _days(block: Block) -> Ints:
    codes, dates = block.codes("date")
    return np.array([_day(text) for text in dates], dtype=np.int64)[codes] if block.size else codes


def _day(text: bytes) -> int:
    """Days since 1970; -1 for what is no date from then on."""
    try:
        return date.fromisoformat(text.decode("ascii")).toordinal() - _EPOCH if len(text) == 10 else -1
    except ValueError:
        return -1


def _clocks(column: Column) -> Ints:
    """Seconds of the day of HH:MM:SS; -1 for anything else."""
    buffer = as_bytes(column.data)
    good = column.ends - column.starts == _CLOCK_SIZE
    starts = np.where(good, column.starts, 0)
    clock = np.zeros(column.size, dtype=np.int64)
    for place, seconds in _DIGITS:
        digit = buffer[starts + place] - np.uint8(48)
        good &= digit < (10 if seconds in (1, 60, 3_600) else 6 if seconds < 36_000 else 3)
        clock += digit.astype(np.int64) * seconds
    good &= (buffer[starts + 2] == 58) & (buffer[starts + 5] == 58) & (clock < _DAY)
    return np.where(good, clock, -1)
