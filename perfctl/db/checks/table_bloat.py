"""How much of the tables is air?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.bloat.estimating import table_bloat
from perfctl.db.checks.bloated import judged
from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session


async def examine(
    session: Session, rows: Sequence[Record], limits: Limits, _server: Server, timeout_seconds: float
) -> Verdict:
    """Estimated, and the worst of them measured where pgstattuple is there."""
    return await judged(
        session,
        rows,
        list(table_bloat(rows)),
        limits,
        is_index=False,
        nouns=("table wastes", "tables waste"),
        fix=lambda each: f"VACUUM FULL {each.name}; locks it for the while; pg_repack does not",
        timeout_seconds=timeout_seconds,
    )


RULE = Rule(
    name="table_bloat", area="bloat", examine=examine, question="check_table_bloat", limits=Limits(0.3, 0.6),
    unit="ratio", needs_every_table=True,
)  # fmt: skip
