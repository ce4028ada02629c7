"""A CTE is computed and stored whole, and then most of it is dropped.

Conditions outside a CTE that is MATERIALIZED, or read twice, do not reach its tables. A thousand rows stored for
nothing, nine for each that is kept, and a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_DROPPED, MIN_RATIO, MIN_SHARE = 1_000, 9.0, 0.2
_CANNOT_INLINE = ("Recursive Union", "Insert", "Update", "Delete", "Merge")


def look(study: Study) -> Iterator[Found]:
    """CTE scans with a filter."""
    for node in study.nodes:
        if node.node_type != "CTE Scan" or not node.filter:
            continue
        producer = _producer(study, node)
        if producer is None or producer.node_type in _CANNOT_INLINE:
            continue
        dropped, kept = study.dropped(node), study.kept(node)
        share = study.tree_share(node)
        if dropped < MIN_DROPPED or dropped < MIN_RATIO * kept or share < MIN_SHARE:
            continue
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{count(study.kept(producer))} rows stored, {count(kept)} kept of {count(dropped + kept)} read:"
            f" {percent(share)} of the time",
            cause=f"{node.filter} is asked of the stored rows of {node.relation}, not of the tables in it",
            next_step=f"WITH {node.relation} AS NOT MATERIALIZED (...), or write the condition inside of it",
            about=tuple(study.under(producer)),
        )


def _producer(study: Study, scan: PlanNode) -> PlanNode | None:
    return next((node for node in study.nodes if node.subplan_name == f"CTE {scan.relation}"), None)
