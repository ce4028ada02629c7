"""Are checkpoints forced by WAL? Each writes whole pages into the WAL anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


LEAST = 20
"""Fewer say nothing: a restart and a backup ask for one each."""


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """The share of those that were asked for before their time."""
    timed, requested = rows[0]["timed"], rows[0]["requested"]
    if timed + requested < LEAST:
        return Verdict(observed=f"too few to tell ({timed + requested})")
    share = requested / (timed + requested)
    return Verdict(
        observed=f"{requested} of {timed + requested} came before their time (max_wal_size {rows[0]['max_wal_size']})",
        value=share,
        fix="ALTER SYSTEM SET max_wal_size = ...; twice of now; SELECT pg_reload_conf();",
    )


RULE = Rule(
    name="checkpoints", area="checkpoints", judge=judge, question="check_checkpoints", limits=Limits(0.3), unit="ratio",
    per_database=False, on_replica=False,
)  # fmt: skip
