"""Columns that a function, a cast or a leading wildcard hides from an index: where they cost a scan."""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.conditions import Condition, Kind, parts
from perfctl.db.findings.study import SEQ_SCANS, Study
from perfctl.db.model.plans import PlanNode

MIN_DROPPED, MIN_RATIO, MIN_SHARE = 10_000, 10.0, 0.1
ESTIMATED_COST = 1_000.0
"""Where nothing was run: a scan of some hundred pages."""


def hidden_columns(study: Study, kind: Kind) -> Iterator[tuple[PlanNode, Condition, float, float]]:
    """Scans with a filter of that kind that drop most of what they read: node, condition, share, rows dropped."""
    for node in study.nodes:
        if node.node_type not in SEQ_SCANS and "Index" not in node.node_type and "Bitmap Heap" not in node.node_type:
            continue
        found = next((one for one in parts(node.filter) if one.kind == kind), None)
        if found is None:
            continue
        dropped, share = study.dropped(node), study.share(node)
        if study.report.analyzed:
            if dropped >= MIN_DROPPED and dropped >= MIN_RATIO * study.kept(node) and share >= MIN_SHARE:
                yield node, found, share, dropped
        elif node.node_type in SEQ_SCANS and node.total_cost >= ESTIMATED_COST and share >= MIN_SHARE:
            yield node, found, share, 0.0
