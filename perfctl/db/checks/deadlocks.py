"""Do transactions lock each other out?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """Deadlocks a day; each cost somebody its transaction."""
    row = rows[0]
    if not row["deadlocks"]:
        return Verdict(observed="none", value=0.0)
    daily = row["deadlocks"] / max(row["days"], 1.0)
    return Verdict(
        observed=f"{row['deadlocks']} in {row['days']:.1f} days",
        value=daily,
        fix="take locks in one order everywhere; the server's log names the statements",
    )


RULE = Rule(name="deadlocks", area="deadlocks", judge=judge, question="check_database_counters", limits=Limits(1, 100))
