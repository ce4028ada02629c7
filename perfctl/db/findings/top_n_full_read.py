"""The first rows of an order are found by reading all rows and keeping the best.

10,000 rows read, a hundred for each that is wanted, straight from a table: an index in this order gives the first rows
at once. Over the result of joins and aggregates no index helps, and small tables are read in a moment.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.served import index_advice
from perfctl.db.findings.study import SEQ_SCANS, Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ("missing_index", "implicit_cast", "function_on_column", "leading_wildcard", "deep_offset")
MIN_READ, MIN_RATIO, MIN_SHARE, LARGE_PAGES, LARGE_ROWS = 10_000, 19.0, 0.3, 512, 50_000
_PASSES = frozenset({"Result", "Subquery Scan", "Gather", "Gather Merge"})


def look(study: Study) -> Iterator[Found]:
    """Sorts under a Limit whose rows come straight from a sequential scan."""
    for node in study.nodes:
        limit = study.limit_over(node)
        if node.node_type != "Sort" or limit is None or not node.loops:
            continue
        scans = _scans(node)
        rows, wanted = sum(map(study.kept, scans)), max(study.kept(limit), 1.0)
        share = min(study.share(node) + sum(map(study.share, scans)), 1.0)
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
