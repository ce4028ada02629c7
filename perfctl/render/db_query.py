"""Drawing the rows of a read."""

from __future__ import annotations

from typing import Any

from perfctl.db.model.rows import QueryRows
from perfctl.document.envelope import dumps
from perfctl.render.inert import inert_line
from perfctl.render.view import Cell, Column, Table, Text, View, view
from perfctl.units import format_counted

_LONGEST = 500
_NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric", "oid", "money"})


def rows_view(result: QueryRows) -> View:
    """A row a line under the columns' names; NULL is told from an empty text by its dim sign."""
    columns = tuple(
        Column(
            inert_line(column.name),
            align="right" if column.type in _NUMBERS else "left",
            wraps=column.type not in _NUMBERS,
        )
        for column in result.columns
    )
    if not columns:
        return view(Text(f"{format_counted(result.total, 'row')} without a column"))
    rows = tuple(tuple(_cell(row[column.name]) for column in result.columns) for row in result.rows)
    empty = f"no row; columns: {', '.join(column.name for column in result.columns)}"
    return view(Table(columns, rows, empty=empty, stacks=True))


def _cell(value: Any) -> Cell | str:
    if value is None:
        return Cell("NULL", "dim")
    text = value if isinstance(value, str) else dumps(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
