"""Whether a table has an index that would serve a condition: what must never be advised twice."""

from __future__ import annotations

from collections.abc import Iterable

from perfctl.db.findings.catalog import IndexFacts, TableFacts
from perfctl.db.findings.conditions import Condition


def serving_index(table: TableFacts, wanted: Iterable[Condition]) -> IndexFacts | None:
    """A valid index without a predicate that leads with a column of the conditions."""
    columns = {one.column for one in wanted}
    return next(
        (
            index
            for index in table.indexes
            if index.is_valid and index.predicate is None and index.columns and _plain(index.columns[0]) in columns
        ),
        None,
    )


def index_on_column(table: TableFacts, column: str | None) -> IndexFacts | None:
    """A valid index that leads with the bare column, whether or not a condition can use it."""
    return next(
        (index for index in table.indexes if index.is_valid and index.columns and _plain(index.columns[0]) == column),
        None,
    )


def index_on_expression(table: TableFacts, expression: str | None) -> IndexFacts | None:
    """A valid index that leads with the expression, as PostgreSQL prints it."""
    wanted = _squeezed(expression or "")
    return next(
        (
            index
            for index in table.indexes
            if index.is_valid and _squeezed(index.columns[0] if index.columns else "") == wanted
        ),
        None,
    )


def _plain(column: str) -> str:
    return column.strip('"')


def _squeezed(text: str) -> str:
    return "".join(text.split()).strip("()")
