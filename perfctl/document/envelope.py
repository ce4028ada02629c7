"""The JSON document of an answer: plain values, the envelope around them, rows for NDJSON and CSV."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, Literal


@dataclasses.dataclass(frozen=True, slots=True)
class Meta:
    """What stands around an answer: its context, how much of it is shown, how long it took."""

    context: str
    total: int
    shown: int
    truncated: bool
    took_ms: float


def schema_name(words: tuple[str, ...]) -> str:
    """`perfctl.cache.stats/1` for the command `cache stats`."""
    return f"perfctl.{'.'.join(words)}/1"


def envelope(words: tuple[str, ...], result: object, meta: Meta, warnings: tuple[str, ...]) -> dict[str, Any]:
    """The one document that a command prints with `-o json`."""
    return {"schema": schema_name(words), "data": data_of(result), "meta": plain(meta), "warnings": list(warnings)}


def data_of(result: object) -> Any:
    """The `data` of a result: its fields, or the one field that it names in `unwrapped`."""
    inner = getattr(type(result), "unwrapped", None)
    return plain(getattr(result, inner) if inner else result)


def rows_of(result: object) -> list[Any]:
    """The rows of a result that lists something, else the result itself as the only row."""
    listing = getattr(type(result), "listing", None)
    return [plain(row) for row in getattr(result, listing)] if listing else [data_of(result)]


def shorten(result: Any, limit: int | None) -> tuple[Any, int, int]:
    """The result with at most `limit` rows (None or 0: all), how many there are, how many are shown."""
    listing = getattr(type(result), "listing", None)
    if listing is None:
        return result, 1, 1
    rows = getattr(result, listing)
    total = max(getattr(result, "total", None) or 0, len(rows))
    if not limit or len(rows) <= limit:
        return result, total, len(rows)
    return dataclasses.replace(result, **{listing: rows[:limit]}), total, limit


def or_more(result: Any) -> str:
    """What to say behind its total, where no more was counted than was read."""
    return " or more" if getattr(result, "has_more", False) else ""


def dumps(value: object, *, indent: int | None = None) -> str:
    """JSON in UTF-8 text, one form for every output."""
    import json

    return json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)


_MOST_BITS = 2048
_MAX_DEPTH = 320


def plain(value: object, depth: int = 0) -> Any:
    """A value as JSON knows it: dataclasses by field, times in ISO 8601, bytes in base64, NaN as null.

    What no reader of JSON could take is text: integers of more than 2,048 bits in hexadecimal, `...` for what nests
    deeper than 320 (a plan of 150 nodes under each other is 300 deep).
    """
    if value is None or isinstance(value, (bool, int, str)):
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            return hex(value)
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth > _MAX_DEPTH:
        return "..."
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), depth + 1) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in value]
    return _scalar(value)


def _key(key: object) -> str:
    return str(plain(key)) if isinstance(key, int) and key.bit_length() > _MOST_BITS else str(key)


def _scalar(value: object) -> Any:
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        import base64

        return base64.b64encode(bytes(value)).decode()
    from decimal import Decimal

    number = float(value) if isinstance(value, Decimal) and value.is_finite() else math.inf
    return number if math.isfinite(number) else str(value)


Output = Literal["table", "plain", "json", "ndjson", "csv"]
