"""Which sequences come to their end? Then every insert fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], limits: Limits, _server: Server) -> Verdict:
    """By the one that used most of its room, which is that of its column where that is narrower."""
    hidden = sum(row["is_unreadable"] for row in rows)
    used = [row for row in rows if row["share"] is not None]
    told = f"; {hidden} may not be read by this role" if hidden else ""
    if not used:
        return Verdict(observed=f"no sequence was used{told}", value=0.0)
    bad, worst = [row for row in used if limits.status(row["share"]) != "pass"], used[0]
    where = f" (column {worst['column_name']} is {worst['column_type']})" if worst["column_name"] else ""
    return Verdict(
        observed=f"{worst['name']} used {worst['share']:.1%} of its room{where}{told}",
        value=worst["share"],
        objects=[f"{row['name']} ({row['share']:.0%})" for row in bad],
        fix=f"ALTER TABLE ... ALTER COLUMN ... TYPE bigint for {worst['column_name'] or worst['name']}: it rewrites "
        "the table, so plan it",
    )


RULE = Rule(
    name="sequences", area="sequences", judge=judge, question="check_sequences", limits=Limits(0.75, 0.9), unit="ratio"
)
