"""Rows for one caller alone: a row cannot be changed, but an array in it is a list, which can."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perfctl.db.rows import Record


def holds_lists(rows: Sequence[Record]) -> bool:
    """Whether a value in them can be changed."""
    return any(_can_change(row.values()) for row in rows)


def own_rows(rows: Sequence[Record]) -> list[Record]:
    """The same rows with lists of their own."""
    return [_own_row(row) for row in rows]


def _can_change(values: Iterable[Any]) -> bool:
    return any(type(value) is list or (_is_row(value) and _can_change(value.values())) for value in values)


def _is_row(value: Any) -> bool:
    """A value of a composite type is a row in a row."""
    return hasattr(value, "values")


def _own_row(row: Record) -> Record:
    from perfctl.db.postgres import records_of

    if not _can_change(row.values()):
        return row
    return records_of(tuple(row.keys()), [tuple(map(_own, row.values()))])[0]


def _own(value: Any) -> Any:
    if type(value) is list:
        return [_own(item) for item in value]
    return _own_row(value) if _is_row(value) else value
