"""How far are the replicas behind?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_bytes

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """By bytes of WAL that were written and not replayed."""
    known = [row for row in rows if row["bytes"] is not None]
    if not known:
        return Verdict(observed="no replica is connected" if not rows else "no replica says how far it is", value=0.0)
    worst = known[0]
    lasting = f", {worst['seconds']:.1f} s" if worst["seconds"] is not None else ""
    return Verdict(
        observed=f"{worst['name']} is {format_bytes(worst['bytes'])} behind{lasting}",
        value=max(worst["bytes"], 0.0),
        objects=[f"{row['name']} {row['state']} ({format_bytes(row['bytes'])})" for row in known],
        fix="look at the replica's disk and its long queries; perfctl db activity there",
    )


# Eight segments of WAL are a burst; a gigabyte is a replica that does not keep up.
RULE = Rule(
    name="replication_lag", area="replication", judge=judge, question="check_replication_lag",
    limits=Limits(128 * 1024**2, 1024**3), unit="bytes", per_database=False, needs_every_session=True,
)  # fmt: skip
