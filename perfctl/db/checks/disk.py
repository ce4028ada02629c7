"""Does WAL pile up? (How much room is left on the disk no statement can tell.)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_bytes

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """WAL on disk by what max_wal_size and wal_keep_size allow."""
    row = rows[0]
    allowed = row["max_wal_bytes"] + row["keep_bytes"]
    return Verdict(
        observed=f"pg_wal holds {format_bytes(row['wal_bytes'])} of {format_bytes(allowed)} that are meant; what is "
        "free on the disk cannot be asked by SQL",
        value=row["wal_bytes"] / allowed,
        fix="perfctl db check replication archiving: a slot, a failing archiver or a replica keeps it",
    )


RULE = Rule(
    name="disk", area="disk", judge=judge, question="check_disk", limits=Limits(2, 5), unit="ratio",
    per_database=False, needs_every_session=True,
)  # fmt: skip
