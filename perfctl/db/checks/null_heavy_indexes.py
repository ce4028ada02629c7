"""Which indexes hold mostly NULLs, which no `=` asks for?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_bytes, format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], limits: Limits, _server: Server) -> Verdict:
    """By the greatest share of NULLs; a partial index would be smaller by it."""
    bad = [row for row in rows if limits.status(row["share"]) != "pass"]
    if not bad:
        return Verdict(observed="no index of size is mostly NULL", value=rows[0]["share"] if rows else 0.0)
    worst = max(bad, key=lambda row: row["share"])
    return Verdict(
        observed=f"{format_counted(len(bad), 'index', 'indexes')}; {worst['name']}: {worst['share']:.0%} NULL",
        value=worst["share"],
        objects=[f"{row['name']} ({row['share']:.0%} of {format_bytes(row['size_bytes'])})" for row in bad],
        fix=f'make it partial: ... WHERE "{worst["column_name"]}" IS NOT NULL, then drop {worst["name"]}',
    )


RULE = Rule(
    name="null_heavy_indexes", area="indexes", judge=judge, question="check_null_heavy_indexes", limits=Limits(0.8),
    unit="ratio", needs_every_table=True,
)  # fmt: skip
