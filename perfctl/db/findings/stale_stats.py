"""An estimate on one column is far off: the statistics are older than the rows.

One column's histogram and common values are seldom ten times wrong after an ANALYZE, so ten times and a thousand rows
is a table that changed since. With a server: more than a fifth of the rows were modified since (autovacuum analyzes at
a tenth, by default), which is told even where this plan did not suffer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perfctl.db.findings.conditions import parts
from perfctl.db.findings.study import Found, Study, count
from perfctl.db.model.plans import PlanNode

if TYPE_CHECKING:
    from perfctl.db.findings.catalog import TableFacts

YIELDS_TO = ("misestimate_correlated",)
MIN_ERROR, MIN_DIFFERENCE = 9.0, 1_000


def look(study: Study) -> Iterator[Found]:
    """Scans whose estimate is far off, and tables that changed much since they were analyzed."""
    for node in study.nodes:
        if not node.relation or "Scan" not in node.node_type or node.node_type in ("CTE Scan", "WorkTable Scan"):
            continue
        table = study.table(node)
        is_off = _is_off(study, node)
        changed = table is not None and table.is_stale
        if not is_off and not changed:
            continue
        if is_off and table is not None and not changed and table.last_analyzed is not None:
            continue  # fresh statistics: something else misleads the planner
        yield _found(study, node, table, is_off=is_off)


def _is_off(study: Study, node: PlanNode) -> bool:
    """Whether a scan by one column's values, or by none, expected ten times too few or too many."""
    if node.actual_rows is None or not node.loops or study.repeats(node) > 1 or node.row_error is None:
        return False
    if node.actual_rows < node.plan_rows and study.may_stop_early(node):
        return False
    if node.row_error < MIN_ERROR or abs(node.actual_rows - node.plan_rows) < MIN_DIFFERENCE:
        return False
    asked = [one for text in (node.filter, node.index_condition, node.recheck_condition) for one in parts(text)]
    columns = {one.column for one in asked}
    is_plain = all(
        one.kind in ("equality", "range") and one.is_constant and "$" not in (one.against or "") for one in asked
    )
    return is_plain and len(columns) <= 1 and not any("InitPlan" in one.text for one in asked)


def _found(study: Study, node: PlanNode, table: TableFacts | None, *, is_off: bool) -> Found:
    name = study.name(node)
    estimate = ""
    if node.actual_rows is not None:
        estimate = f"{count(node.plan_rows)} rows expected, {count(node.actual_rows)} came"
    changed = f"{count(table.modified)} of {count(table.live)} rows changed since the last ANALYZE" if table else ""
    above = next((one for one in study.above(node) if one.node_type.startswith(("Nested", "Hash", "Merge"))), node)
    return study.found(
        node,
        severity="warning" if is_off else "info",
        share=study.tree_share(above),
        evidence="; ".join(part for part in (estimate, changed) if part),
        cause=f"the statistics of {name} do not fit its rows"
        if is_off
        else f"the statistics of {name} are growing old",
        next_step=f"ANALYZE {name}; where it comes back, lower autovacuum_analyze_scale_factor of this table",
        subject=node.relation,
    )
