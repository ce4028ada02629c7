"""The rows of a read, as they are drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from perfctl.db.model.rows import QueryRows, RowColumn
from perfctl.db.values import shown
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("db")
ANSWERS = {
    "query": QueryRows(
        columns=(
            RowColumn("symbol", "text"),
            RowColumn("price", "numeric"),
            RowColumn("at", "timestamptz"),
            RowColumn("doc", "jsonb"),
            RowColumn("note", "text"),
            RowColumn("open", "interval"),
        ),
        rows=(
            {
                "symbol": "AAPL",
                "price": Decimal("189.30"),
                "at": datetime(2024, 1, 2, 3, 4, tzinfo=UTC),
                "doc": '{"sector": "technology", "tags": ["a", "b"]}',
                "note": "a long note that wraps, as it does not fit into what is left of a narrow terminal",
                "open": timedelta(hours=6, minutes=30),
            },
            {"symbol": "NIX", "price": Decimal("NaN"), "at": None, "doc": None, "note": "", "open": None},
        ),
        total=3,
        has_more=True,
    ),
    "query-empty": QueryRows(
        columns=(RowColumn("symbol", "text"), RowColumn("n", "int8")), rows=(), total=0, has_more=False
    ),
    "query-wide": QueryRows(
        columns=tuple(RowColumn(f"column_{number}", "text") for number in range(12)),
        rows=tuple({f"column_{number}": "word " * number for number in range(12)} for _ in range(2)),
        total=2,
        has_more=False,
    ),
}


def drawn(name: str, output: str, width: int = 80) -> str:
    return drawn_as(shown(ANSWERS[name]), output, width, words=("db", "query"))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_drawing_is_the_golden_one(name: str, width: int) -> None:
    text = drawn(name, "table", width)
    assert text == _golden(f"{name}-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("output", ["plain", "json", "ndjson"])
@pytest.mark.parametrize("name", ANSWERS)
def test_other_outputs_are_the_golden_ones(name: str, output: str) -> None:
    text = drawn(name, output)
    assert text == _golden(f"{name}-{output}.txt", text)


def test_a_read_without_rows_still_has_its_header() -> None:
    assert drawn("query-empty", "csv") == "symbol,n\r\n"
