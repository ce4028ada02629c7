"""Durations as people write them (`200ms`, `5m`); durations, sizes and counts as people read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from perfctl.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = r"(?i)(\d+(?:\.\d+)?)\s*([a-z]*)"


def parse_duration(text: str, *, where: str) -> float:
    """Seconds of `1.5s`, `200ms`, `15m`, `24h`, `7d`; a bare number is seconds. UsageError names `where`.

    >>> parse_duration("1.5m", where="--timeout")
    90.0
    """
    match = re.fullmatch(_DURATION, text.strip())
    unit = (match.group(2).lower() or "s") if match else ""
    if match is None or unit not in _SECONDS:
        accepted = "a duration such as 200ms, 5s, 15m, 24h or 7d"
        raise UsageError(f"{where}: {text!r} is not {accepted}", hint=f"write {accepted}", where=where)
    return float(match.group(1)) * _SECONDS[unit]


def moment(text: str | None, where: str) -> datetime | None:
    """`24h`: so long ago; `2026-01-31` or `2026-01-31T08:00`: then, in UTC where no zone is said. UsageError else."""
    if text is None:
        return None
    from datetime import UTC, datetime, timedelta

    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return said if said.tzinfo else said.replace(tzinfo=UTC)
    try:
        return datetime.now(UTC) - timedelta(seconds=parse_duration(text, where=where))
    except (UsageError, OverflowError) as error:
        raise UsageError(
            f"{where}: {text!r} is neither a duration nor a time",
            hint="write 24h (ago), 2026-01-31 or 2026-01-31T08:00",
            where=where,
        ) from error


def format_duration_ms(milliseconds: float | None) -> str:
    """Three digits and the unit that suits: `0.42 ms`, `12.4 ms`, `1.25 s`, `3 min 4 s`, `2 h`."""
    if milliseconds is None:
        return "-"
    if milliseconds < 1000:
        return f"{_three_digits(milliseconds)} ms"
    seconds = milliseconds / 1000
    if seconds < 120:
        return f"{_three_digits(seconds)} s"
    minutes = int(seconds // 60)
    text = f"{minutes} min {int(seconds % 60)} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
    return text.removesuffix(" 0 s").removesuffix(" 0 min")


def format_bytes(size: float | None) -> str:
    """Three digits and a decimal unit: `812 B`, `12.4 kB`, `1.25 GB`."""
    if size is None:
        return "-"
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{_three_digits(size)} {unit}"
        size /= 1000
    return f"{_three_digits(size)} TB"


def format_count(number: float | None) -> str:
    """Thousands apart, for eyes: `1 204 311`."""
    return "-" if number is None else f"{number:,.0f}".replace(",", " ")


def format_counted(number: int, noun: str, several: str | None = None) -> str:
    """A number of things: `1 index`, `12 indexes`; with `s` where `several` is not told.

    >>> format_counted(1, "index", "indexes"), format_counted(1200, "session")
    ('1 index', '1 200 sessions')
    """
    return f"{format_count(number)} {noun if number == 1 else several or noun + 's'}"


def format_ratio(ratio: float | None) -> str:
    """A share of 0..1 as a percentage: `96.4 %`; `-` where it was not measured."""
    return "-" if ratio is None else f"{ratio * 100:.1f} %"


def _three_digits(number: float) -> str:
    digits = 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
    return f"{number:.{digits}f}"
