"""A nested loop looks its inner side up very many times, where one hash or merge join would read it once.

20,000 look-ups of some microseconds each are where a hash join of the same tables is mostly cheaper; it counts where
they are 30 % of the time and more. What a Memoize node answered from its cache is no look-up.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ("nestloop_inner_seqscan", "materialize_loops", "order_limit_wrong_index", "deep_offset")
MIN_LOOPS, MIN_SHARE = 20_000, 0.3
_INNER_SCANS = ("Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Memoize")


def look(study: Study) -> Iterator[Found]:
    """Nested loops with an index on the inner side."""
    for node in study.nodes:
        if not node.node_type.startswith("Nested Loop") or len(node.children) < 2:
            continue
        outer, inner = node.children[0], node.children[1]
        loops = _lookups(study, inner)
        share = min(study.tree_share(inner) + study.share(node), 1.0)
        if loops < MIN_LOOPS or share < MIN_SHARE or not _is_lookup(study, inner):
            continue
        expected = max(outer.plan_rows, 1.0) * max(outer.loops or 1.0, 1.0)
        off = [name for name in ("enable_hashjoin", "enable_mergejoin") if study.report.settings.get(name) == "off"]
        wrong = loops > 9 * expected
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{count(loops)} look-ups by {study.label(_scan(study, inner))}: {percent(share)} of the time"
            + (f"; {count(expected)} outer rows were expected" if wrong else ""),
            cause="too few outer rows were expected, so a nested loop looked cheap"
            if wrong
            else f"{' and '.join(off)} off: the planner had no other join"
            if off
            else "each outer row costs a descent of the index; a hash join would read the inner side once",
            next_step=f"RESET {off[0]}"
            if off
            else "mend the estimate of the outer side (ANALYZE, CREATE STATISTICS)"
            if wrong
            else "compare with SET LOCAL enable_nestloop = off; more work_mem lets a hash fit",
            about=(inner,),
        )


def _scan(study: Study, inner: PlanNode) -> PlanNode:
    return next((one for one in study.under(inner) if one.relation), inner)


def _lookups(study: Study, inner: PlanNode) -> float:
    """How often the index was asked: a cache above it answers the rest."""
    if inner.node_type != "Memoize":
        return inner.loops or 0.0
    return float(sum(one.cache_misses or 0 for one in study.each_process(inner)))


def _is_lookup(study: Study, inner: PlanNode) -> bool:
    return any(one.node_type.removeprefix("Parallel ").startswith(_INNER_SCANS) for one in study.under(inner))
