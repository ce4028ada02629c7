"""Does a session wait for a lock of another?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_counted, format_duration_ms

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """By the one that waits longest."""
    if not rows:
        return Verdict(observed="nobody waits for a lock", value=0.0)
    many, longest = format_counted(len(rows), "session waits", "sessions wait"), rows[0]["seconds"]
    return Verdict(
        observed=f"{many}, the longest for {format_duration_ms(longest * 1000)}",
        value=rows[0]["seconds"],
        objects=[f"pid {row['pid']} {row['username']} ({row['seconds']:.0f} s)" for row in rows],
        fix="perfctl db locks shows who holds them up",
    )


RULE = Rule(
    name="blocked", area="transactions", judge=judge, question="check_blocked", limits=Limits(10, 60),
    unit="seconds", per_database=False, needs_every_session=True,
)  # fmt: skip
