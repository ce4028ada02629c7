"""How many transactions are undone?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


LEAST = 1000
"""Fewer say nothing."""


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """The share of transactions that were rolled back. perfctl rolls its own back, few as they are."""
    row = rows[0]
    total = row["commits"] + row["rollbacks"]
    if total < LEAST:
        return Verdict(observed=f"too few transactions to tell ({total})")
    share = row["rollbacks"] / total
    return Verdict(
        observed=f"{share:.1%} of {total} transactions were rolled back",
        value=share,
        fix="look for errors in the applications' and the server's logs",
    )


RULE = Rule(
    name="rollbacks", area="transactions", judge=judge, question="check_database_counters", limits=Limits(0.1, 0.5),
    unit="ratio",
)  # fmt: skip
