"""An index finds many rows, and a filter then drops nine in ten: the index lacks a column.

Each such row costs a visit of the table, mostly of another page. 500 visits are a millisecond warm and a tenth of a
second cold; from there on, and where it is a fifth of the work, it is told. A look-up of a join that finds under ten
rows each time costs its descent of the index, whatever columns that has. A walk in the index's order under a LIMIT is
`order_limit_wrong_index`, or short.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.conditions import indexable, parts
from perfctl.db.findings.served import index_advice
from perfctl.db.findings.study import Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = (
    "order_limit_wrong_index",
    "implicit_cast",
    "function_on_column",
    "leading_wildcard",
    "not_in_subplan",
    "correlated_subplan",
)
MIN_DROPPED, MIN_RATIO, MIN_SHARE, MIN_FOUND = 500, 9.0, 0.2, 10


def look(study: Study) -> Iterator[Found]:
    """Index scans, index-only scans and bitmap scans with a filter."""
    for node in study.nodes:
        if not _is_by_index(node) or not node.filter:
            continue
        dropped, kept = study.dropped(node), study.kept(node)
        share = study.tree_share(node) if "Bitmap" in node.node_type else study.share(node)
        if dropped < MIN_DROPPED or dropped < MIN_RATIO * kept or share < MIN_SHARE:
            continue
        is_lookup = study.repeats(node) > 1 and study.read(node) < MIN_FOUND * study.repeats(node)
        is_walk = study.limit_over(node) is not None and study.is_whole_walk(node)
        if is_lookup or is_walk:
            continue
        index = node.index or next((one.index for one in study.under(node) if one.index), None) or "the index"
        columns = tuple(one for one in indexable(node.filter) if one.column)
        found_by = tuple(one for text in (node.index_condition, node.recheck_condition) for one in parts(text))
        wanted = sorted((*found_by, *columns), key=lambda one: one.kind != "equality")
        plain = [one.text for one in parts(node.filter)]
        step = (
            index_advice(study, node, tuple(dict.fromkeys(one.column for one in wanted if one.column)))
            if columns
            else f"no btree finds {plain[0] if plain else 'the filter'}: index the expression, or narrow the rest"
        )
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{count(dropped + kept)} rows found by {index}, {count(kept)} kept: {percent(share)} of the time",
            cause=f"{index} does not hold what the filter asks for: {node.filter}",
            next_step=step,
        )


def _is_by_index(node: PlanNode) -> bool:
    return "Index Scan" in node.node_type or "Index Only Scan" in node.node_type or "Bitmap Heap" in node.node_type
