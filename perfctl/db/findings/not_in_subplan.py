"""NOT IN (subquery): PostgreSQL cannot make an anti join of it, because of NULLs.

Unhashed it compares each row with each: 20,000 comparisons today are 2,000,000 when both sides are ten times as large.
Hashed it needs the whole subquery in memory, and turns quadratic when it outgrows work_mem: told from 10,000 rows on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_READ, MIN_HASHED, MIN_SHARE = 20_000, 10_000, 0.2
# 12-16 print (NOT (SubPlan 1)), 17 and later (NOT (ANY (id = (SubPlan 1).col1))); NOT EXISTS is an anti join mostly.
_NOT = re.compile(r"NOT \((?:ANY \()?.*?(hashed )?SubPlan (\d+)|<> ALL .*?(hashed )?SubPlan (\d+)")


def look(study: Study) -> Iterator[Found]:
    """Filters with NOT and a SubPlan under them."""
    for node in study.nodes:
        match = _NOT.search(node.filter or node.join_filter or "")
        if match is None:
            continue
        name = f"SubPlan {match.group(2) or match.group(4)}"
        plan = next((child for child in node.children if child.subplan_name == name), None)
        if plan is None or not plan.loops:
            continue
        is_hashed = plan.loops == 1 and bool(match.group(1) or match.group(3))
        compared = study.kept(plan)
        share = min(study.tree_share(plan) + study.share(node), 1.0)
        if share < MIN_SHARE or compared < (MIN_HASHED if is_hashed else MIN_READ):
            continue
        yield _found(study, node, plan, share, is_hashed=is_hashed)


def _found(study: Study, node: PlanNode, plan: PlanNode, share: float, *, is_hashed: bool) -> Found:
    rows = study.kept(plan)
    return study.found(
        node,
        severity="warning" if is_hashed or rows < 500 * MIN_READ else "critical",
        share=share,
        evidence=f"{count(rows)} rows kept in a hash table: {percent(share)} of the time"
        if is_hashed
        else f"{count(rows)} rows compared in {count(plan.loops or 0)} runs: {percent(share)} of the time",
        cause="NOT IN must mind NULLs, so it cannot be an anti join"
        + (
            "; past work_mem it compares row by row"
            if is_hashed
            else "; the rows did not fit into work_mem to be hashed"
        ),
        next_step="write NOT EXISTS (SELECT 1 FROM ... WHERE inner.key = outer.key)",
        about=tuple(study.under(plan)),
    )
