"""Does a session hold a transaction open and do nothing? Its locks stay, and VACUUM removes nothing newer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_counted, format_duration_ms

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """By the one that sleeps longest."""
    if not rows:
        return Verdict(observed="none", value=0.0)
    many = format_counted(len(rows), "session")
    return Verdict(
        observed=f"{many}, the longest for {format_duration_ms(rows[0]['seconds'] * 1000)}",
        value=rows[0]["seconds"],
        objects=[f"pid {row['pid']} {row['username']} {row['application']}".rstrip() for row in rows],
        fix="perfctl db activity --idle-in-transaction; set idle_in_transaction_session_timeout",
    )


RULE = Rule(
    name="idle_in_transaction", area="transactions", judge=judge, question="check_idle_in_transaction",
    limits=Limits(60, 600), unit="seconds", per_database=False, needs_every_session=True,
)  # fmt: skip
