"""Redis itself: memory that runs out, a policy that does not fit, evictions, values that hold others up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Found
from perfctl.operations.optimizing.judged import found_of
from perfctl.operations.optimizing.model import Evidence, Finding, Gain
from perfctl.operations.optimizing.shared import cache_checks, shared_stats
from perfctl.units import format_bytes, format_count, format_ratio

if TYPE_CHECKING:
    from perfctl.cache.model.servers import NodeStats
    from perfctl.operations.optimizing.asked import Asked

NEAR_LIMIT = 0.8
MANY_EVICTED = 0.01
"""Of the server's look-ups: what was evicted and asked for again cannot be more."""
ELSEWHERE = ("memory", "evictions", "hit ratio", "keys without a TTL", "dictionary")
"""Checks that a finding of ours, or another source, says more of."""


async def look(asked: Asked) -> Sequence[Found]:
    """Of each node, and of each namespace's values."""
    stats, checks = await shared_stats(asked), await cache_checks(asked)
    nodes = [found for node in stats.nodes for found in (_policy(node), _evictions(node)) if found is not None]
    others = [
        found_of(check, "redis", otherwise=_shows(check.component), advice_first=True)
        for check in checks
        if check.status in ("warn", "fail") and check.check not in ELSEWHERE
    ]
    return [*nodes, *others]


def _shows(component: str) -> str:
    kind, _, name = component.partition(" ")
    if kind == "cache" and name:
        from perfctl.operations.optimizing.commands import shell

        return f"perfctl cache check -n {shell(name)}"
    return "perfctl cache stats --server"


def _policy(node: NodeStats) -> Found | None:
    """A full server that evicts nothing refuses writes."""
    if node.maxmemory_policy != "noeviction" or not node.max_memory_bytes or node.used_memory_bytes is None:
        return None
    share = node.used_memory_bytes / node.max_memory_bytes
    if share < NEAR_LIMIT:
        return None
    finding = Finding(
        id=f"redis:policy:{node.node}",
        source="redis",
        severity="critical" if share >= 0.95 else "warning",
        title=f"{node.node} is {format_ratio(share)} full and evicts nothing: then it refuses writes",
        subject=node.node,
        evidence=(
            Evidence("maxmemory-policy", "noeviction"),
            Evidence("memory", f"{format_bytes(node.used_memory_bytes)} used", float(node.used_memory_bytes), "bytes"),
            Evidence("maxmemory", format_bytes(node.max_memory_bytes), float(node.max_memory_bytes), "bytes"),
        ),
        gain=Gain("unknown", "it avoids refused writes (OOM); nothing gets faster by it"),
        risk="medium",
        risk_why="keys of other programs on this server are evicted, too; lasts until a restart unless CONFIG REWRITE",
        command="CONFIG SET maxmemory-policy allkeys-lfu",
        command_kind="redis",
        reverse="CONFIG SET maxmemory-policy noeviction",
        weight=min(share, 1.0),
    )
    return Found(finding)


def _evictions(node: NodeStats) -> Found | None:
    lookups = (node.hits or 0) + (node.misses or 0)
    evicted, limit = node.evicted_keys or 0, node.max_memory_bytes
    if not limit or not lookups or evicted < MANY_EVICTED * lookups:
        return None
    most = min(evicted, node.misses or 0) / lookups
    finding = Finding(
        id=f"redis:evictions:{node.node}",
        source="redis",
        severity="warning",
        title=f"{node.node} evicted {format_count(evicted)} keys before their time",
        subject=node.node,
        evidence=(
            Evidence("evicted", f"{format_count(evicted)} keys since it started", float(evicted), "count"),
            Evidence("hit ratio", format_ratio(node.hit_ratio), node.hit_ratio, "ratio"),
            Evidence("maxmemory", format_bytes(limit), float(limit), "bytes"),
            Evidence("maxmemory-policy", node.maxmemory_policy or "not told"),
        ),
        gain=Gain(
            f"at most {format_ratio(most)} more of the look-ups are hits",
            "as if each evicted key had been asked for once more: the true figure is lower",
            most,
            "ratio",
        ),
        risk="medium",
        risk_why="the machine must have that memory free; lasts until a restart unless CONFIG REWRITE follows",
        command=f"CONFIG SET maxmemory {limit * 2}",
        command_kind="redis",
        reverse=f"CONFIG SET maxmemory {limit}",
        weight=most,
    )
    return Found(finding)
