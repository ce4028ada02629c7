"""A function or an expression stands around the column, so an index on the bare column does not help.

`lower(email) = ...`, `date_trunc('day', at) = ...`, `at::date = ...`, `id + 1 = ...`: PostgreSQL computes it for every
row. It counts where at least 10,000 rows are dropped, and ten for each that is kept: where more are kept, a
scan is right anyway.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.hidden import hidden_columns
from perfctl.db.findings.served import index_on_column, index_on_expression
from perfctl.db.findings.study import Found, Study

YIELDS_TO = ("implicit_cast",)


def look(study: Study) -> Iterator[Found]:
    """Scans that filter by an expression over a column."""
    for node, condition, share, dropped in hidden_columns(study, "function"):
        table = study.table(node)
        plain = index_on_column(table, condition.column) if table else None
        exact = index_on_expression(table, condition.expression) if table else None
        unused = f"; {plain.name} is on the bare column" if plain else ""
        name = study.name(node)
        step = (
            f"ANALYZE {name}: {exact.name} has the expression, and was not used"
            if exact
            else f"compare the bare {condition.column} with a value or a range, or index the expression: "
            f"CREATE INDEX CONCURRENTLY ON {name} (({condition.expression}))"
        )
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{condition.text} computed for every row: {study.toll(dropped, share)}",
            cause=f"an index on {condition.column} is ordered by its values, not by {condition.expression}{unused}",
            next_step=step,
        )
