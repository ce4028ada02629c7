"""ORDER BY ... LIMIT walks an index in its order and throws rows away until enough have passed.

The planner bets that matching rows are spread evenly along the index; where they are all at the far end it reads nearly
everything. 5,000 rows dropped, and nine for each that is wanted, is a bet that was lost; a thousand are told as info.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.conditions import indexable, parts
from perfctl.db.findings.served import index_advice
from perfctl.db.findings.study import Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ("deep_offset",)
MIN_DROPPED, MANY_DROPPED, MIN_RATIO, MIN_SHARE = 1_000, 5_000, 9.0, 0.2


def look(study: Study) -> Iterator[Found]:
    """Ordered index scans under a Limit, that drop rows themselves or whose join drops them."""
    for node in study.nodes:
        limit = study.limit_over(node)
        if limit is None or not _walks(node) or limit.actual_rows is None:
            continue
        wanted = max(study.kept(limit), 1.0)
        passed = study.kept(_top_under(study, node, limit))
        dropped = max(study.dropped(node), study.read(node) - passed)
        share = study.tree_share(limit)
        if dropped < MIN_DROPPED or dropped < MIN_RATIO * wanted or dropped < MIN_RATIO * passed or share < MIN_SHARE:
            continue
        yield study.found(
            node,
            severity="warning" if dropped >= MANY_DROPPED else "info",
            share=share,
            evidence=f"{count(study.read(node))} rows walked in the order of {node.index},"
            f" {count(study.kept(limit))} passed: {percent(share)} of the time",
            cause="the planner took the index that gives the order, hoping to meet matching rows early",
            next_step=_next_step(study, node),
        )


def _next_step(study: Study, node: PlanNode) -> str:
    """An index that has what the filter asks for, and then the order."""
    columns = tuple(dict.fromkeys(one.column for one in indexable(node.filter) if one.column))
    table = study.table(node)
    order = next((index.columns for index in table.indexes if index.name == node.index), ()) if table else ()
    if columns and order:
        return index_advice(study, node, (*columns, *order))
    first = f"({', '.join(columns)}, then what it is ordered by)" if columns else "by the filter, then by the order,"
    return f"an index {first} finds them in order; ORDER BY (column + 0) keeps the planner off {node.index}"


def _walks(node: PlanNode) -> bool:
    """Whether it reads an index for its order: without a condition, or with a range alone."""
    if ("Index Scan" not in node.node_type and "Index Only Scan" not in node.node_type) or "Bitmap" in node.node_type:
        return False
    return all(one.kind != "equality" for one in parts(node.index_condition))


def _top_under(study: Study, node: PlanNode, limit: PlanNode) -> PlanNode:
    """The Limit's own input, on the way down to the node."""
    return next((one for one in (node, *study.above(node)) if study.parent(one) is limit), node)
