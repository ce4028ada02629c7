"""Which foreign keys have no index? Each delete of a parent, and each update of its key, reads the whole child."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


LEAST_ROWS = 1000.0
"""A smaller child is read in no time."""


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """Those of tables with a thousand rows and more (partitioned ones count as a whole)."""
    bad = [row for row in rows if row["table_rows"] >= LEAST_ROWS]
    if not bad:
        return Verdict(observed="every foreign key of a table of size has an index", value=0.0)
    many = format_counted(len(bad), "foreign key")
    return Verdict(
        observed=f"{many} without an index; {bad[0]['table_name']} ({bad[0]['columns']})",
        value=len(bad),
        objects=[f"{row['name']} on {row['table_name']} ({row['columns']})" for row in bad],
        fix=f"CREATE INDEX CONCURRENTLY ON {bad[0]['table_name']} ({bad[0]['columns']});",
    )


RULE = Rule(name="foreign_keys", area="foreign_keys", judge=judge, question="check_foreign_keys", limits=Limits(1))
