"""Does a slot that nobody reads keep WAL until the disk is full?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_bytes, format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """By the WAL that an inactive slot keeps; one whose WAL is lost is a no."""
    lost = [row["name"] for row in rows if row["wal_status"] == "lost"]
    if lost:
        return Verdict(
            observed=f"the WAL of slot {lost[0]} is lost: its reader cannot go on",
            objects=lost,
            fix=f"SELECT pg_drop_replication_slot('{lost[0]}'); and build its reader anew",
            status="fail",
        )
    idle = [row for row in rows if not row["is_active"]]
    if not idle:
        return Verdict(observed=f"{format_counted(len(rows), 'slot')}, each in use", value=0.0)
    return Verdict(
        observed=f"{len(idle)} of {len(rows)} slots have no reader; {idle[0]['name']} keeps "
        f"{format_bytes(idle[0]['bytes'])} of WAL",
        value=max(idle[0]["bytes"] or 0.0, 0.0),
        objects=[f"{row['name']} ({format_bytes(row['bytes'])})" for row in idle],
        fix=f"SELECT pg_drop_replication_slot('{idle[0]['name']}'); or bring its reader back",
    )


RULE = Rule(
    name="replication_slots", area="replication", judge=judge, question="check_replication_slots",
    limits=Limits(1024**3, 10 * 1024**3), unit="bytes", per_database=False,
)  # fmt: skip
