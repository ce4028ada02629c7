"""What each node of a plan spent alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from perfctl.db.model.plans import PlanNode


def every_node(node: PlanNode) -> Iterator[PlanNode]:
    """The node and all those under it, parents first."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(found.children))


def with_own_times(root: PlanNode, total_ms: float) -> PlanNode:
    """The plan with `self_ms` and `time_share` filled in, of so many milliseconds."""
    return _timed(root, _producers(root), total_ms)


def _timed(node: PlanNode, producers: Mapping[str, tuple[float, float]], total_ms: float) -> PlanNode:
    """The node and those under it with the time that each spent alone.

    A CTE hangs under the node that declares it and runs inside the scans that read it: its time is taken from
    those, each in proportion, and not from where it hangs.
    """
    children = tuple(_timed(child, producers, total_ms) for child in node.children)
    if node.total_ms is None:
        return replace(node, children=children)
    own = node.total_ms - sum(child.total_ms or 0.0 for child in children if not _is_cte(child))
    if node.node_type == "CTE Scan" and node.relation is not None and node.relation in producers:
        produced, read = producers[node.relation]
        own -= produced * (node.total_ms / read) if read else 0.0
    own = max(own, 0.0)
    share = min(own / total_ms, 1.0) if total_ms else 0.0
    return replace(node, children=children, self_ms=round(own, 4), time_share=round(share, 6))


def _producers(root: PlanNode) -> dict[str, tuple[float, float]]:
    """By a CTE's name: the time to produce it, and the time of all scans that read it."""
    produced: dict[str, float] = {}
    read: dict[str, float] = {}
    for node in every_node(root):
        if node.node_type == "CTE Scan" and node.relation is not None:
            read[node.relation] = read.get(node.relation, 0.0) + (node.total_ms or 0.0)
        if _is_cte(node):
            produced[(node.subplan_name or "").removeprefix("CTE ")] = node.total_ms or 0.0
    return {name: (spent, read.get(name, 0.0)) for name, spent in produced.items()}


def _is_cte(node: PlanNode) -> bool:
    return (node.subplan_name or "").startswith("CTE ")
