"""A pattern that begins with a wildcard: no btree can look it up, and every row is matched.

It counts where at least 10,000 rows are dropped, and ten for each that is kept: where more are kept, a
scan is right anyway.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.hidden import hidden_columns
from perfctl.db.findings.study import Found, Study

YIELDS_TO = ("implicit_cast", "function_on_column")


def look(study: Study) -> Iterator[Found]:
    """Scans that filter by `LIKE '%...'`."""
    for node, condition, share, dropped in hidden_columns(study, "wildcard"):
        name = study.name(node)
        extension = "" if study.has_extension("pg_trgm") else "CREATE EXTENSION pg_trgm; "
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{condition.text} matched on every row: {study.toll(dropped, share)}",
            cause="a btree is ordered from the first character on, and the pattern leaves that open",
            next_step=f"{extension}CREATE INDEX CONCURRENTLY ON {name} USING gin ({condition.column} gin_trgm_ops) "
            "finds patterns of three characters and more anywhere",
        )
