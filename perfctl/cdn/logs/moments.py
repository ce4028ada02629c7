"""When requests were: of date and time, or of a timestamp."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from perfctl.cdn.logs.arrays import Ints, np
from perfctl.cdn.logs.values import clocks

if TYPE_CHECKING:
    from perfctl.cdn.logs.columns import Block

_EPOCH = date(1970, 1, 1).toordinal()
_DAY = 86_400


def seconds_of(block: Block) -> Ints:
    """Seconds since 1970 (UTC) of each request; -1 where its date or its time is none."""
    if block.has("date") and block.has("time"):
        days, seconds = _days(block), clocks(block.text("time"))
        return np.where((days >= 0) & (seconds >= 0), days * _DAY + seconds, -1)
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
