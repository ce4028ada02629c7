"""How much of the B-trees is air?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.bloat.estimating import Bloat, index_bloat
from perfctl.db.bloat.measuring import measured
from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_bytes, format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session

LEAST_WASTED = 32 * 1024**2
"""Less is not worth a rewrite."""


async def examine(
    session: Session, rows: Sequence[Record], limits: Limits, _server: Server, timeout_seconds: float
) -> Verdict:
    """By the one that wastes the greatest share, of those that waste 32 MB and more: estimated, and the worst of them
    measured where pgstattuple is there."""
    known = list(index_bloat(rows))
    unknown = len({row["oid"] for row in rows}) - len(known)
    suspects = [each for each in known if each.wasted_bytes >= LEAST_WASTED and limits.status(each.share) != "pass"]
    suspects = await measured(session, suspects, is_index=True, timeout_seconds=timeout_seconds)
    bad = [each for each in suspects if each.wasted_bytes >= LEAST_WASTED and limits.status(each.share) != "pass"]
    told = f"; {unknown} without statistics: ANALYZE" if unknown else ""
    if not bad:
        return Verdict(observed=f"none of size is bloated, of {len(known)} that were estimated{told}", value=0.0)
    worst = max(bad, key=lambda each: each.share)
    total = sum(each.wasted_bytes for each in bad)
    many = format_counted(len(bad), "index wastes", "indexes waste")
    return Verdict(
        observed=f"{many} {format_bytes(total)}; {_said(worst)}{told}",
        value=worst.share,
        objects=[_said(each) for each in sorted(bad, key=lambda each: -each.wasted_bytes)],
        fix=f"REINDEX INDEX CONCURRENTLY {worst.name};",
    )


def _said(bloat: Bloat) -> str:
    how = "measured" if bloat.is_measured else "estimated"
    return f"{bloat.name} {bloat.share:.0%} of {format_bytes(bloat.size_bytes)} ({how})"


RULE = Rule(
    name="index_bloat", area="bloat", examine=examine, question="check_index_bloat", limits=Limits(0.3, 0.6),
    unit="ratio", needs_every_table=True,
)  # fmt: skip
