"""Values of PostgreSQL for eyes and documents: as JSON knows them, else as PostgreSQL writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from perfctl.db.model.rows import QueryRows

_JSON = frozenset({"json", "jsonb"})


def shown(answer: QueryRows) -> QueryRows:
    """The rows with values that JSON has: a number where it is exact, else the text; json and jsonb as what they hold.

    NaN and the infinities are `NaN`, `Infinity`, `-Infinity`; bytea is `\\x...`, an interval `1 day 02:03:04`, a range
    `[1,5)`. The driver counts a month of an interval as 30 days, a year as 365.
    """
    readers = {column.name: _loaded if column.type in _JSON else as_json for column in answer.columns}
    return replace(answer, rows=tuple(_read(row, readers) for row in answer.rows))


def as_json(value: Any) -> Any:
    """One value.

    >>> as_json([Decimal("1.10"), Decimal("0.30000000000000001"), float("nan"), b"\\xff", timedelta(days=1)])
    [1.1, '0.30000000000000001', 'NaN', '\\\\xff', '1 day']
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, Decimal)):
        return _number(value)
    if isinstance(value, (datetime, date, time)):
        return _moment(value)
    if isinstance(value, timedelta):
        return _interval(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {name: as_json(item) for name, item in value.items()}
    return _other(value)


def _read(row: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    return {name: readers[name](value) for name, value in row.items()}


def _loaded(value: Any) -> Any:
    """What a json column holds; numbers that no float has stay texts."""
    return as_json(json.loads(value, parse_float=Decimal)) if isinstance(value, str) else as_json(value)


def _number(value: float | Decimal) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    number = float(value)
    is_exact = isinstance(value, float) or (math.isfinite(number) and Decimal(repr(number)) == value)
    return number if is_exact else str(value)


def _moment(value: date | time) -> str:
    """ISO 8601; the driver has the first and the last moment that it knows for the infinities."""
    if isinstance(value, date):
        bare = value.replace(tzinfo=None) if isinstance(value, datetime) else value
        if bare in (datetime.max, date.max):
            return "infinity"
        if bare in (datetime.min, date.min):
            return "-infinity"
    return value.isoformat()


def _interval(value: timedelta) -> str:
    days, rest = divmod(value, timedelta(days=1)) if value >= timedelta() else (0, -value)
    minutes, seconds = divmod(rest, timedelta(minutes=1))
    clock = f"{minutes // 60:02}:{minutes % 60:02}:{seconds.seconds:02}"
    if seconds.microseconds:
        clock += f".{seconds.microseconds:06}".rstrip("0")
    told = f"{days} day{'' if days == 1 else 's'}" if days else ""
    return (
        " ".join(part for part in (told, clock if rest or not told else "") if part)
        if value >= timedelta()
        else f"-{clock}"
    )


def _other(value: Any) -> Any:
    """Ranges, points, bits, addresses and what else has a text."""
    if hasattr(value, "lower_inc"):
        return _range(value)
    if hasattr(value, "as_string"):
        return value.as_string()
    if isinstance(value, tuple):
        return f"({','.join(str(as_json(item)) for item in value)})"
    if hasattr(value, "radius"):
        return f"<{as_json(value.center)},{as_json(value.radius)}>"
    if hasattr(value, "is_closed"):
        inner = ",".join(str(as_json(point)) for point in value.points)
        return f"({inner})" if value.is_closed else f"[{inner}]"
    return str(value)


def _range(value: Any) -> str:
    if value.isempty:
        return "empty"
    low = "" if value.lower is None else as_json(value.lower)
    high = "" if value.upper is None else as_json(value.upper)
    return f"{'[' if value.lower_inc else '('}{low},{high}{']' if value.upper_inc else ')'}"
