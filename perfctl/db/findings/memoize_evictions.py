"""A Memoize node's cache is too small: entries leave before they are asked for again.

A tenth of the look-ups evicting, and a thousand of them. Where work_mem is under 1 MB and an index is looked up 20,000
times without any Memoize, the planner foresaw it: it leaves the cache out when too few entries would stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_EVICTIONS, MIN_RATIO, MIN_SHARE, MIN_LOOPS, SMALL_KB = 1_000, 0.1, 0.1, 20_000, 1_024


def look(study: Study) -> Iterator[Found]:
    """Memoize nodes that evict, and look-ups that are not cached for want of memory."""
    for node in study.nodes:
        if node.node_type == "Memoize":
            yield from _evicting(study, node)
        elif node.node_type.startswith("Nested Loop") and len(node.children) > 1:
            yield from _uncached(study, node)


def _evicting(study: Study, node: PlanNode) -> Iterator[Found]:
    parts = study.each_process(node)
    evictions = sum(one.cache_evictions or 0 for one in parts)
    overflows = sum(one.cache_overflows or 0 for one in parts)
    hits, misses = sum(one.cache_hits or 0 for one in parts), sum(one.cache_misses or 0 for one in parts)
    lost, share = evictions + overflows, study.tree_share(node)
    if lost < MIN_EVICTIONS or lost < MIN_RATIO * (hits + misses) or share < MIN_SHARE:
        return
    yield study.found(
        node,
        severity="warning",
        share=max(share, study.tree_share(study.parent(node) or node) * 0.9),
        evidence=f"{count(evictions)} evictions, {count(hits)} hits, {count(misses)} misses:"
        f" {percent(share)} of the time",
        cause="the cache of inner rows is bounded by work_mem x hash_mem_multiplier, and it is too small for the keys",
        next_step="SET LOCAL work_mem higher for this statement, or compare with enable_memoize = off",
        about=(*study.under(node), *([parent] if (parent := study.parent(node)) else [])),
    )


def _uncached(study: Study, node: PlanNode) -> Iterator[Found]:
    inner = node.children[1]
    memory = study.setting_kb("work_mem")
    share = min(study.tree_share(inner) + study.share(node), 1.0)
    if memory is None or memory >= SMALL_KB or "Index" not in inner.node_type:
        return
    if (inner.loops or 0) < MIN_LOOPS or share < 3 * MIN_SHARE or study.report.settings.get("enable_memoize") == "off":
        return
    yield study.found(
        node,
        severity="warning",
        share=share,
        evidence=f"{count(inner.loops or 0)} look-ups without a cache, work_mem = {memory:.0f} kB:"
        f" {percent(share)} of the time",
        cause="with so little work_mem a cache of inner rows would evict them before they are asked for again",
        next_step="SET LOCAL work_mem = '4MB' or more for this statement, so that a cache or a hash fits",
    )
