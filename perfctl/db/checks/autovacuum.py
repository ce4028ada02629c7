"""Does autovacuum come to the tables that change?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """Tables past their threshold that were not vacuumed for a week, or that autovacuum may not touch."""
    if not rows:
        return Verdict(observed="it comes to every table that changes", value=0.0)
    return Verdict(
        observed=f"{format_counted(len(rows), 'table')} past the threshold; {rows[0]['name']}: {_why(rows[0])}",
        value=len(rows),
        objects=[f"{row['name']} ({_why(row)})" for row in rows],
        fix=f"ALTER TABLE {rows[0]['name']} RESET (autovacuum_enabled); VACUUM {rows[0]['name']};"
        if rows[0]["is_off"]
        else f"VACUUM {rows[0]['name']}; and raise autovacuum_max_workers or autovacuum_vacuum_cost_limit",
    )


def _why(row: Record) -> str:
    if row["is_off"]:
        return "autovacuum_enabled is off"
    return "never vacuumed" if row["days"] is None else f"not vacuumed for {row['days']:.0f} days"


RULE = Rule(
    name="autovacuum", area="vacuum", judge=judge, question="check_autovacuum", limits=Limits(1), on_replica=False
)
