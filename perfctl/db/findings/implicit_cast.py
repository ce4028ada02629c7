"""A column is cast to another type before it is compared, so no index on it can be used.

`qty = 5.0` makes PostgreSQL compare `(qty)::numeric`: the literal's or parameter's type wins, row by row. It counts
where the scan drops at least 10,000 rows, and ten for each that it keeps: below, the cast is not what the time goes to.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.hidden import hidden_columns
from perfctl.db.findings.served import index_on_column
from perfctl.db.findings.study import Found, Study

YIELDS_TO = ()


def look(study: Study) -> Iterator[Found]:
    """Scans and joins that compare a cast column."""
    for node, condition, share, dropped in hidden_columns(study, "cast"):
        table = study.table(node)
        index = index_on_column(table, condition.column) if table else None
        known = table.column(condition.column or "") if table else None
        own = known.type if known else "the column's own type"
        unused = f"; {index.name} cannot be used for it" if index else ""
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{condition.text} on every row: {study.toll(dropped, share)}",
            cause=f"{condition.column} is compared as {condition.cast}, the type of the value it was given{unused}",
            next_step=f"give the value the column's type: {condition.column} {condition.operator} CAST(... AS {own})"
            if known
            else f"pass the value as the type that {condition.column} has, or cast the value and not the column",
        )
