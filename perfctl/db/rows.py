"""Rows as Python's own values, so that they can be kept elsewhere and come back."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
"""A row: `row["symbol"]`, `row[0]`, `dict(row)`."""


def plain_rows(records: Sequence[Record]) -> tuple[tuple[str, ...], list[tuple[Any, ...]] | None]:
    """The columns, and the rows as tuples of Python's own types; None for those where a value is of another type."""
    if not records:
        return (), []
    columns = tuple(records[0].keys())
    rows = [tuple(map(_plain, record.values())) for record in records]
    return columns, None if _OTHER in map(type, _each(rows)) else rows


class Places(dict[str, int]):
    """Where a column stands, the last of equal names; the names themselves are all there, in order."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__((name, place) for place, name in enumerate(columns))
        self._columns = tuple(columns)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)


class _OTHER:
    """Stands for a value that only the driver can make."""


_PLAIN = (
    str, int, bool, float, bytes, type(None), decimal.Decimal, uuid.UUID,
    datetime.date, datetime.datetime, datetime.time, datetime.timedelta,
)  # fmt: skip


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list:
        return [_plain(item) for item in value]
    return uuid.UUID(int=value.int) if isinstance(value, uuid.UUID) else _OTHER()


def _each(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _each(value)
        else:
            yield value
