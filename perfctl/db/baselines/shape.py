"""What a plan does, in short: its nodes, and how it comes to each relation. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perfctl.db.model.baselines import Access, PlannedQuery
from perfctl.db.plans import every_node
from perfctl.db.sqltext import fingerprint

if TYPE_CHECKING:
    from perfctl.db.model.plans import PlanNode, PlanReport


def planned(report: PlanReport) -> PlannedQuery:
    """One statement's plan as a baseline keeps it."""
    touched = report.plan.buffers if report.analyzed else None
    return PlannedQuery(
        fingerprint=fingerprint(report.sql),
        query=report.sql,
        is_generic=report.is_generic,
        cost=report.plan.total_cost,
        buffers=None if touched is None else touched.hit + touched.read,
        temp_blocks=None if touched is None else touched.temp_written,
        rows=report.plan.plan_rows,
        shape="\n".join(_lines(report.plan, 0)),
        accesses=tuple(_accesses(report.plan)),
    )


def unplanned(query: str, reason: str) -> PlannedQuery:
    """A statement that has no plan."""
    return PlannedQuery(
        fingerprint=fingerprint(query), query=query, is_generic=False, cost=0.0, buffers=None, temp_blocks=None,
        rows=0.0, shape="", accesses=(), error=reason,
    )  # fmt: skip


def _lines(node: PlanNode, depth: int) -> Iterator[str]:
    where = f" on {relation_of(node)}" if node.relation else ""
    yield f"{'  ' * depth}{node.node_type}{f' using {node.index}' if node.index else ''}{where}"
    for child in node.children:
        yield from _lines(child, depth + 1)


def relation_of(node: PlanNode) -> str:
    """The relation with its schema, where EXPLAIN told it (VERBOSE does)."""
    return f"{node.schema}.{node.relation}" if node.schema else str(node.relation)


def _accesses(root: PlanNode) -> Iterator[Access]:
    """One for each scan of a table, in the plan's order."""
    for node in every_node(root):
        if node.relation and node.node_type.endswith(("Scan", "Scan Backward")) and "CTE" not in node.node_type:
            found = tuple(dict.fromkeys(index for each in every_node(node) if (index := each.index)))
            yield Access(relation=relation_of(node), is_sequential="Seq Scan" in node.node_type, indexes=found)
