"""Does the planner know the tables as they are? Autovacuum analyzes at a tenth of changed rows by default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_count, format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], limits: Limits, _server: Server) -> Verdict:
    """By the table of which the greatest share changed; small tables do not count."""
    stale = [row for row in rows if limits.status(row["share"]) != "pass"]
    if not stale:
        return Verdict(observed="no table changed much since it was analyzed", value=rows[0]["share"] if rows else 0.0)
    worst = stale[0]
    many = format_counted(len(stale), "table")
    return Verdict(
        observed=f"{many} changed since the last ANALYZE; {worst['name']}: {format_count(worst['changed'])} rows",
        value=worst["share"],
        objects=[f"{row['name']} ({row['share']:.0%} changed)" for row in stale],
        fix=f"ANALYZE {worst['name']};",
    )


# Twice what autovacuum waits for: then it is off for the table, or does not keep up.
RULE = Rule(
    name="stale_statistics", area="statistics", judge=judge, question="check_stale_statistics", limits=Limits(0.2),
    unit="ratio",
)  # fmt: skip
