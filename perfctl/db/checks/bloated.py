"""What bloat comes to: the judgement that the checks of tables and of B-trees share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from perfctl.db.bloat.estimating import Bloat
from perfctl.db.bloat.measuring import measured
from perfctl.db.checks.rule import Limits, Verdict
from perfctl.units import format_bytes, format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session

LEAST_WASTED = 32 * 1024**2
"""Less is not worth a rewrite."""


async def judged(
    session: Session,
    rows: Sequence[Record],
    known: Sequence[Bloat],
    limits: Limits,
    *,
    is_index: bool,
    nouns: tuple[str, str],
    fix: Callable[[Bloat], str],
    timeout_seconds: float,
) -> Verdict:
    """By the one that wastes the greatest share, of those that waste 32 MB and more: estimated (`known`, of what
    stands in `rows`), and the worst of them measured where pgstattuple is there. `nouns` for one and for several."""

    def bloated(each: Bloat) -> bool:
        return each.wasted_bytes >= LEAST_WASTED and limits.status(each.share) != "pass"

    unknown = len({row["oid"] for row in rows}) - len(known)
    suspects = [each for each in known if bloated(each)]
    suspects = await measured(session, suspects, is_index=is_index, timeout_seconds=timeout_seconds)
    bad = [each for each in suspects if bloated(each)]
    told = f"; {unknown} without statistics: ANALYZE" if unknown else ""
    if not bad:
        return Verdict(observed=f"none of size is bloated, of {len(known)} that were estimated{told}", value=0.0)
    worst = max(bad, key=lambda each: each.share)
    total = sum(each.wasted_bytes for each in bad)
    return Verdict(
        observed=f"{format_counted(len(bad), *nouns)} {format_bytes(total)}; {_said(worst)}{told}",
        value=worst.share,
        objects=[_said(each) for each in sorted(bad, key=lambda each: -each.wasted_bytes)],
        fix=fix(worst),
    )


def _said(bloat: Bloat) -> str:
    how = "measured" if bloat.is_measured else "estimated"
    return f"{bloat.name} {bloat.share:.0%} of {format_bytes(bloat.size_bytes)} ({how})"
