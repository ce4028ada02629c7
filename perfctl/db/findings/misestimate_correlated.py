"""Several equalities on one table, and many times more rows than the planner expected: the columns go together.

It multiplies the shares of the columns as if they were independent (city = 'Paris' AND country = 'FR'). Nine times too
few turns joins into nested loops; below some hundred rows nothing comes of it, and of a few hundred something when the
planner expected a hundredth of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.conditions import equalities
from perfctl.db.findings.study import Found, Study, count, identifier
from perfctl.db.model.plans import PlanNode

YIELDS_TO = ("dead_tuples",)
MIN_ERROR, GREAT_ERROR, MIN_ROWS, MANY_ROWS = 9.0, 100.0, 200, 1_000


def look(study: Study) -> Iterator[Found]:
    """Scans that give many more rows than expected, and ask for two columns and more."""
    for node in study.nodes:
        actual = node.actual_rows or 0.0
        if not node.relation or node.node_type == "CTE Scan" or not node.loops or study.repeats(node) > 1:
            continue
        columns = equalities(node.filter, node.index_condition, node.recheck_condition)
        error = actual / max(node.plan_rows, 1.0)
        if actual < MIN_ROWS or error < MIN_ERROR or len(columns) < 2:
            continue
        yield study.found(
            node,
            severity="warning" if actual >= MANY_ROWS or error >= GREAT_ERROR else "info",
            share=_reach(study, node),
            evidence=f"{count(node.plan_rows)} rows expected, {count(actual)} came: {error:.0f} times as many",
            cause=f"the planner takes {', '.join(columns)} for independent, and they go together{_unseen(study, node)}",
            next_step=_next_step(study, node, columns),
        )


def _unseen(study: Study, node: PlanNode) -> str:
    table = study.table(node)
    return "" if table is None or table.can_see_statistics else " (estimate unavailable: pg_stats is not readable)"


def _next_step(study: Study, node: PlanNode, columns: tuple[str, ...]) -> str:
    table, name = study.table(node), study.name(node)
    if table is not None and table.is_stale:
        return f"ANALYZE {name}: {count(table.modified)} rows changed since; see whether the estimate stays wrong"
    if table is not None and any(set(columns) <= set(group) for group in table.extended):
        return f"ANALYZE {name}: its extended statistics are older than its rows"
    made = identifier("_".join([node.relation or "", *columns])[:60])
    listed = ", ".join(map(identifier, columns))
    return f"CREATE STATISTICS {made} (dependencies, mcv) ON {listed} FROM {name}; ANALYZE {name}"


def _reach(study: Study, node: PlanNode) -> float:
    """What the wrong number misled: the plan above the scan, or at least the scan itself."""
    above = next(iter(study.above(node)), None)
    is_join = above is not None and above.node_type.startswith(("Nested Loop", "Hash", "Merge", "Memoize"))
    return study.tree_share(above) if above is not None and is_join else study.tree_share(node)
