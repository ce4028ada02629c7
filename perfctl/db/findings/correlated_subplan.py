"""A subquery runs anew for each row.

100 runs (more than a page of a list has) and a tenth of the time, or fewer runs that read 100,000 rows: a join or a
lateral aggregate reads it all once.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ("not_in_subplan",)
MIN_LOOPS, FEWER_LOOPS, MIN_READ, MIN_SHARE = 100, 10, 100_000, 0.1


def look(study: Study) -> Iterator[Found]:
    """SubPlans that are not hashed."""
    for node in study.nodes:
        if node.parent_relationship != "SubPlan" or not node.loops:
            continue
        loops, share = study.repeats(node), study.tree_share(node)
        read = sum(study.read(one) for one in study.under(node) if not one.children)
        often = loops >= MIN_LOOPS or (loops >= FEWER_LOOPS and read >= MIN_READ)
        if not often or share < MIN_SHARE:
            continue
        yield study.found(
            node,
            severity="critical" if read >= 100 * MIN_READ and share >= 0.5 else "warning",
            share=max(share, 0.5),  # the rewrite changes the whole shape, whatever one run costs
            evidence=f"{node.subplan_name or 'a subquery'} ran {count(loops)} times and read {count(read)} rows:"
            f" {percent(share)} of the time",
            cause="the subquery refers to the row outside, so nothing of it is computed once",
            next_step="join it instead: LEFT JOIN (SELECT key, aggregate ... GROUP BY key), LATERAL, or EXISTS",
            about=tuple(_inside(study, node)),
        )


def _inside(study: Study, node: PlanNode) -> Iterator[PlanNode]:
    yield from study.under(node)
