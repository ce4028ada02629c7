"""Values of PostgreSQL in a JSON document."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from perfctl.db.guard.reading import told_apart
from perfctl.db.model.rows import QueryRows, RowColumn
from perfctl.db.values import as_json, shown


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Decimal("1.50"), 1.5),
        (Decimal("12345678901234567890.5"), "12345678901234567890.5"),
        (Decimal("NaN"), "NaN"),
        (float("-inf"), "-Infinity"),
        (date.max, "infinity"),
        (datetime.min.replace(tzinfo=UTC), "-infinity"),
        (datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02T00:00:00+00:00"),
        (timedelta(days=2, seconds=3661, microseconds=500_000), "2 days 01:01:01.5"),
        (timedelta(seconds=-90), "-00:01:30"),
        (timedelta(), "00:00:00"),
        (b"\x00\xff", "\\x00ff"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([1, [None, Decimal("0.1")]], [1, [None, 0.1]]),
        ((1.0, 2.0), "(1.0,2.0)"),
    ],
)
def test_a_value_is_exact_or_a_text(value: object, told: object) -> None:
    assert as_json(value) == told


def test_json_columns_are_what_they_hold() -> None:
    answer = QueryRows((RowColumn("a", "jsonb"), RowColumn("b", "text")), ({"a": '{"x": [1.5]}', "b": "[]"},), 1, False)
    assert shown(answer).rows == ({"a": {"x": [1.5]}, "b": "[]"},)


def test_columns_of_one_name_are_told_apart() -> None:
    assert told_apart(["a", "a", "b", "a", "a_2"]) == ["a", "a_3", "b", "a_4", "a_2"]
