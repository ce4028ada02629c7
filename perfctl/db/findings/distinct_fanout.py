"""Joins multiply rows, and DISTINCT (or GROUP BY without an aggregate) removes them again.

Twice as many rows as the table that the result is of, 10,000 of them removed: EXISTS asks only whether there is one.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ()
MIN_REMOVED, MIN_RATIO, MIN_SHARE = 10_000, 2.0, 0.2
_OPERATOR_COST = 0.0025
"""cpu_operator_cost's default: without an aggregate, hashing costs so much for each row and column (cost_agg)."""


def look(study: Study) -> Iterator[Found]:
    """Nodes that remove duplicates above a join."""
    for node in study.nodes:
        if not node.children or not node.loops or not _removes_duplicates(node):
            continue
        join = _join_under(node)
        if join is None:
            continue
        came, left = study.kept(join), study.kept(node)
        share = min(study.share(node) + study.tree_share(join), 1.0)
        own = max((study.kept(scan) for scan in _owners(study, node, join)), default=0.0)
        multiplied = own > 0 and came >= MIN_RATIO * own
        if came - left < MIN_REMOVED or came < MIN_RATIO * left or share < MIN_SHARE or not multiplied:
            continue
        yield study.found(
            node,
            severity="warning",
            share=share,
            evidence=f"{count(own)} rows became {count(came)} in the join, {count(left)} are left:"
            f" {percent(share)} of the time",
            cause="the join makes a row for each match, and only whether there is one matters",
            next_step="replace the join by WHERE EXISTS (SELECT 1 ...), and drop DISTINCT",
            about=(join, *(one for one in study.under(node) if one.node_type == "Sort")),
        )


def _removes_duplicates(node: PlanNode) -> bool:
    """Unique and Group never aggregate; of a HashAggregate its cost tells."""
    if node.node_type in ("Unique", "Group"):
        return True
    if not node.node_type.endswith("HashAggregate") or not node.group_key:
        return False
    below = node.children[0]
    rows = max(below.plan_rows, 1.0)
    columns = (node.startup_cost - below.total_cost) / (rows * _OPERATOR_COST)
    return abs(columns - len(node.group_key)) < 0.3 or (
        bool(node.planned_partitions) and node.width_bytes <= below.width_bytes
    )


def _join_under(node: PlanNode) -> PlanNode | None:
    """The join that its rows come from."""
    below = node.children[0]
    while below.children:
        if "Join" in below.node_type or below.node_type.startswith("Nested Loop"):
            return below
        if below.node_type.removeprefix("Parallel ") not in (
            "Sort", "Incremental Sort", "Gather", "Gather Merge", "Subquery Scan", "Result", "Unique", "HashAggregate",
        ):  # fmt: skip
            return None
        below = below.children[0]
    return None


def _owners(study: Study, node: PlanNode, join: PlanNode) -> Iterator[PlanNode]:
    """The scans of the one table whose columns are left over; none where they are of several tables."""
    keys = node.group_key or _sorted_by(node)
    aliases = {key.strip("()").split(".")[0].strip('"') for key in keys if "." in key}
    if len(aliases) == 1:
        yield from (one for one in study.under(join) if one.alias in aliases and "Scan" in one.node_type)


def _sorted_by(node: PlanNode) -> tuple[str, ...]:
    """What the rows of a Unique were sorted by."""
    below = node.children[0]
    while below.children and not below.sort_key:
        below = below.children[0]
    return below.sort_key
