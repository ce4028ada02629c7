"""How much of the B-trees is air?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.bloat.estimating import index_bloat
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
        list(index_bloat(rows)),
        limits,
        is_index=True,
        nouns=("index wastes", "indexes waste"),
        fix=lambda each: f"REINDEX INDEX CONCURRENTLY {each.name};",
        timeout_seconds=timeout_seconds,
    )


RULE = Rule(
    name="index_bloat", area="bloat", examine=examine, question="check_index_bloat", limits=Limits(0.3, 0.6),
    unit="ratio", needs_every_table=True,
)  # fmt: skip
