"""How long values live: namespaces that are computed again and again, or that never end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Found
from perfctl.operations.optimizing.commands import shell
from perfctl.operations.optimizing.judged import found_of
from perfctl.operations.optimizing.model import Evidence, Finding, Gain
from perfctl.operations.optimizing.shared import cache_checks, shared_stats
from perfctl.units import format_count, format_ratio

if TYPE_CHECKING:
    from perfctl.cache.model.shared import NamespaceStats
    from perfctl.config import CacheConfig
    from perfctl.operations.optimizing.asked import Asked

LEAST_LOOKUPS = 1000
LOW_HIT_RATIO = 0.8
REWRITTEN = 2.0
"""Writes for each key that is there: below it, keys are new ones, and a longer life would not help."""


async def look(asked: Asked) -> Sequence[Found]:
    """By namespace."""
    rows, checks = (await shared_stats(asked)).rows, await cache_checks(asked)
    config = asked.optimizer.settings.cache
    short = [found for row in rows if (found := _low(row, config)) is not None]
    endless = [
        found_of(check, "ttls", otherwise=f"perfctl cache top --by no-ttl -n {shell(check.component.split(' ', 1)[1])}")
        for check in checks
        if check.check == "keys without a TTL" and check.status in ("warn", "fail")
    ]
    return [*short, *endless]


def _low(row: NamespaceStats, config: CacheConfig) -> Found | None:
    lookups = row.hits + row.misses
    if lookups < LEAST_LOOKUPS or (row.hit_ratio or 0.0) >= LOW_HIT_RATIO:
        return None
    rewritten = row.sets / max(row.keys, 1)
    again = max(row.sets - row.keys, 0)
    is_short = rewritten >= REWRITTEN
    most = min(again, row.misses) / lookups
    ttl = next((each.ttl_seconds for each in config.namespaces if each.name == row.namespace), None)
    ttl = config.ttl_seconds if ttl is None else ttl
    longer = json.dumps(row.namespace, ensure_ascii=False)
    return Found(
        Finding(
            id=f"ttls:{row.namespace}",
            source="ttls",
            severity="warning" if (row.hit_ratio or 0.0) < 0.5 else "info",
            title=f"{format_ratio(row.hit_ratio)} of the look-ups in {row.namespace} are hits",
            subject=row.namespace,
            evidence=(
                Evidence("hit ratio", f"{format_ratio(row.hit_ratio)} of {format_count(lookups)} look-ups",
                         row.hit_ratio, "ratio"),
                Evidence("written", f"{rewritten:.1f} times for each key that is there", rewritten, "count"),
                Evidence("keys", f"{format_count(row.keys)} now", float(row.keys), "count"),
                Evidence("ttl", f"{ttl:g} s, where the caller names none", ttl, "seconds"),
            ),
            gain=Gain(
                f"at most {format_ratio(most)} more of the look-ups are hits",
                "as if no key had been written twice because its life was over",
                most,
                "ratio",
            )
            if is_short
            else Gain("unknown", "most keys are written once: a longer life does not bring them back, warming may"),
            risk="low" if is_short else "none",
            risk_why="answers may be older by as much; the memory for it must be there"
            if is_short
            else "shows which keys are asked for; nothing is changed",
            command=f"cache: {{namespaces: [{{name: {longer}, ttl_seconds: {ttl * 2:g}}}]}}"
            if is_short
            else f"perfctl cache top --by hot -n {shell(row.namespace)}",
            command_kind="yaml" if is_short else "perfctl",
            advice=None if is_short else "warm what is asked for (perfctl cache preload), leave out what is read once",
            reverse=f"cache: {{namespaces: [{{name: {longer}, ttl_seconds: {ttl:g}}}]}}" if is_short else None,
            weight=row.misses / lookups,
        )
    )  # fmt: skip
