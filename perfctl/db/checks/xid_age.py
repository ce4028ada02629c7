"""How much of the room for transaction ids is used up? At the end the server refuses to write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_count

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


ROOM = 2_147_483_647
"""Ids that can be told apart (routine vacuuming, "Preventing Transaction ID Wraparound Failures")."""


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """By the oldest database; autovacuum should have frozen it long before."""
    oldest = max(rows, key=lambda row: row["age"])
    late = [row for row in rows if row["age"] > row["autovacuum_at"]]
    told = f"; autovacuum should have frozen it at {oldest['autovacuum_at']:,}" if late else ""
    return Verdict(
        observed=f"{oldest['kind']} {oldest['name']} is {format_count(oldest['age'])} ids old{told}",
        value=oldest["age"] / ROOM,
        objects=[f"{row['kind']} {row['name']} ({format_count(row['age'])})" for row in rows],
        fix="VACUUM (FREEZE) the oldest tables; end old transactions, prepared ones and unused replication slots first",
    )


RULE = Rule(
    name="xid_age", area="wraparound", judge=judge, question="check_xid_age", limits=Limits(0.5, 0.8), unit="ratio",
    per_database=False,
)  # fmt: skip
