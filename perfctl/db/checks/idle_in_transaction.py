"""Does a session hold a transaction open and do nothing? Its locks stay, and VACUUM removes nothing newer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """By the one that sleeps longest."""
    if not rows:
        return Verdict(observed="none", value=0.0)
    return Verdict(
        observed=f"{len(rows)} sessions, the longest for {rows[0]['seconds']:.0f} s",
        value=rows[0]["seconds"],
        objects=[f"pid {row['pid']} {row['username']} {row['application']}".rstrip() for row in rows],
        fix="perfctl db activity --idle-in-transaction; set idle_in_transaction_session_timeout",
    )


RULE = Rule(
    name="idle_in_transaction", area="transactions", judge=judge, question="check_idle_in_transaction",
    limits=Limits(60, 600), unit="seconds", per_database=False, needs_every_session=True,
)  # fmt: skip
