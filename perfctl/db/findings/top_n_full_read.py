"""The first rows of an order are found by reading all rows and keeping the best.

10,000 rows read, a hundred for each that is wanted, straight from a table: an index in this order gives the first rows
at once. So it does through a join, where all columns of the order are of one table and most of its rows find their
partner. Over aggregates, and joins that drop most rows, no index helps; small tables are read in a moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perfctl.db.findings.served import index_advice
from perfctl.db.findings.study import SEQ_SCANS, Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ("missing_index", "implicit_cast", "function_on_column", "leading_wildcard", "deep_offset")
MIN_READ, MIN_RATIO, MIN_SHARE, LARGE_PAGES, LARGE_ROWS = 10_000, 19.0, 0.3, 512, 50_000
KEPT_BY_JOIN = 0.5
_PASSES = frozenset({"Result", "Subquery Scan", "Gather", "Gather Merge"})
_ALIAS_OF_KEY = re.compile(r"([a-z_][a-z0-9_$]*)\.[a-z_][a-z0-9_$]*(?: (?:COLLATE|USING|DESC|NULLS)\b.*)?")
_OUTER_SIDE = {"Left": 0, "Right": 1}
"""The child of an outer join whose rows all come out."""


def look(study: Study) -> Iterator[Found]:
    """Sorts under a Limit whose rows come straight from a sequential scan."""
    for node in study.nodes:
        limit = study.limit_over(node)
        if node.node_type != "Sort" or limit is None or not node.loops:
            continue
        scans = _scans(node) or _joined_scan(study, node)
        is_joined = any(one.join_type for one in study.under(node))
        rows, wanted = sum(map(study.kept, scans)), max(study.kept(limit), 1.0)
        own = study.share(node) + sum(map(study.share, scans))
        share = study.tree_share(node) if is_joined else min(own, 1.0)
        if not scans or rows < MIN_READ or rows < MIN_RATIO * wanted or share < MIN_SHARE:
            continue
        is_large = sum(map(study.blocks, scans)) >= LARGE_PAGES or rows >= LARGE_ROWS
        keys = ", ".join(node.sort_key)
        name = study.name(scans[0])
        yield study.found(
            node,
            severity="warning" if is_large else "info",
            share=share,
            evidence=f"{count(rows)} rows read and compared for the first {count(wanted)}:"
            f" {percent(share)} of the time",
            cause=f"no index has the order of {keys}",
            next_step=index_advice(study, scans[0], node.sort_key),
            about=tuple(scans),
            subject=name,
        )


def _scans(node: PlanNode) -> tuple[PlanNode, ...]:
    """The scans that the rows come from, unless a join or an aggregate makes them."""
    found: list[PlanNode] = []
    for child in node.children:
        if child.node_type in SEQ_SCANS:
            found.append(child)
        elif child.node_type in _PASSES or child.node_type.endswith("Append"):
            found += _scans(child)
        else:
            return ()
    return tuple(found)


def _joined_scan(study: Study, node: PlanNode) -> tuple[PlanNode, ...]:
    """The scan that all columns of the order are of, through joins that keep most of its rows."""
    aliases = {match[1] if (match := _ALIAS_OF_KEY.fullmatch(key)) else None for key in node.sort_key}
    if len(aliases) != 1 or None in aliases:
        return ()
    scan = next((one for one in study.under(node) if one.alias in aliases and one.node_type in SEQ_SCANS), None)
    if scan is None:
        return ()
    below = scan
    for above in study.above(scan):
        if above is node:
            return (scan,)
        is_join = above.join_type == "Inner" or (
            above.join_type in _OUTER_SIDE and below is above.children[_OUTER_SIDE[above.join_type]]
        )
        if is_join and study.kept(above) < KEPT_BY_JOIN * study.kept(scan):
            return ()
        if not is_join and above.node_type not in _PASSES and above.node_type != "Hash":
            return ()
        below = above
    return ()
