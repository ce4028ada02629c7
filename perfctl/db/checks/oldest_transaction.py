"""How old is the oldest open transaction? VACUUM removes nothing that it might still see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_duration_ms

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """By the oldest, prepared transactions included."""
    if not rows:
        return Verdict(observed="none is open", value=0.0)
    return Verdict(
        observed=f"the oldest is open for {format_duration_ms(rows[0]['seconds'] * 1000)}",
        value=rows[0]["seconds"],
        objects=[f"{row['name']} ({row['seconds']:.0f} s)" for row in rows],
        fix="perfctl db activity; a prepared one ends by COMMIT PREPARED or ROLLBACK PREPARED",
    )


RULE = Rule(
    name="oldest_transaction", area="transactions", judge=judge, question="check_oldest_transaction",
    limits=Limits(900, 3600), unit="seconds", per_database=False, needs_every_session=True,
)  # fmt: skip
