"""How much of a table is rows that nobody can see any more?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_count, format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], limits: Limits, _server: Server) -> Verdict:
    """By the table with the greatest share; those with fewer than 10,000 dead rows do not count."""
    bad = [row for row in rows if limits.status(row["share"]) != "pass"]
    if not bad:
        return Verdict(observed="no table has many dead rows", value=rows[0]["share"] if rows else 0.0)
    many = format_counted(len(bad), "table")
    return Verdict(
        observed=f"{many}; {bad[0]['name']}: {format_count(bad[0]['dead'])} dead rows, {bad[0]['share']:.0%}",
        value=bad[0]["share"],
        objects=[f"{row['name']} ({row['share']:.0%} dead)" for row in bad],
        fix=f"VACUUM (ANALYZE) {bad[0]['name']}; and find what keeps autovacuum from it: perfctl db check transactions",
    )


# Autovacuum comes at 0.2 of the live rows by default, which is a sixth of all.
RULE = Rule(
    name="dead_tuples", area="vacuum", judge=judge, question="check_dead_tuples", limits=Limits(0.2, 0.5),
    unit="ratio", on_replica=False,
)  # fmt: skip
