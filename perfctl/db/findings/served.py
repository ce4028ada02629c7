"""Whether a table has an index that would serve a condition: what must never be advised twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.db.findings.catalog import IndexFacts, TableFacts
    from perfctl.db.findings.conditions import Condition
    from perfctl.db.findings.study import Study
    from perfctl.db.model.plans import PlanNode


def serving_index(table: TableFacts, wanted: Iterable[Condition]) -> IndexFacts | None:
    """An index that could find what the conditions ask for: valid, whole, and led by one of their columns."""
    conditions = tuple(wanted)
    return next(
        (index for index in table.indexes if _fits(index, conditions) and _why_not(index, conditions) is None), None
    )


def unusable_index(table: TableFacts, wanted: Iterable[Condition]) -> tuple[IndexFacts, str, str] | None:
    """An index that leads with a column of the conditions and cannot be used: it, why not, and what mends it."""
    conditions = tuple(wanted)
    for index in table.indexes:
        reason = _why_not(index, conditions) if _fits(index, conditions) else None
        if reason is not None:
            return index, *reason
    return None


def _fits(index: IndexFacts, conditions: tuple[Condition, ...]) -> bool:
    if not index.columns or index.method not in ("btree", "hash"):
        return False
    return _plain(index.columns[0]) in {one.column for one in conditions}


def _why_not(index: IndexFacts, conditions: tuple[Condition, ...]) -> tuple[str, str] | None:
    """Why an index on the right column does not serve, and what does; None where it does."""
    column = index.columns[0]
    asked = [one for one in conditions if one.column == _plain(column)]
    if not index.is_valid:
        return "it is invalid: its build failed", f"REINDEX INDEX CONCURRENTLY {index.name}"
    if index.predicate is not None:
        return f"it holds rows WHERE {index.predicate} alone", f"ask for {index.predicate} as well, or index all rows"
    if index.method == "hash" and all(one.kind != "equality" for one in asked):
        return "a hash index finds equal values alone", f"a btree index on ({column}) finds ranges"
    if all(one.operator == "~~" for one in asked) and "pattern" not in " ".join(index.operator_classes[:1]):
        return (
            "its order is the collation's, and LIKE needs the order of bytes",
            f"CREATE INDEX CONCURRENTLY ON ... ({column} text_pattern_ops)",
        )
    return None


def index_advice(study: Study, node: PlanNode, columns: Sequence[str], *, table_name: str | None = None) -> str:
    """The index that these columns want, as SQL; or the one that has them already, which is never advised again.

    A column may be followed by its order: `total DESC`.
    """
    table, name = study.table(node), table_name or study.name(node)
    plain = [_plain(column.partition(" ")[0].rpartition(".")[2]) for column in columns]
    has = next((index for index in table.indexes if _leads_with(index, plain)), None) if table else None
    if has is not None:
        return f"ANALYZE {name}: {has.name} has {', '.join(plain)}, and the planner passed it over"
    wanted = ", ".join(column.rpartition(".")[2] if "(" not in column else column for column in columns)
    if table_name is not None:
        return f"CREATE INDEX ON {name} ({wanted}), on the partitioned table; each write pays for it"
    return f"CREATE INDEX CONCURRENTLY ON {name} ({wanted}); each write pays for it"


def _leads_with(index: IndexFacts, columns: Sequence[str]) -> bool:
    first = [_plain(column) for column in index.columns[: len(columns)]]
    return index.is_valid and index.predicate is None and index.method == "btree" and set(first) == set(columns)


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
