"""Drawing what the database answers: the tree of a plan; the rest in files of its own."""

from __future__ import annotations

import re

from perfctl.db.model.plans import Buffers, PlanNode, PlanReport
from perfctl.render.view import Cell, Facts, Tone, Tree, View, view
from perfctl.units import format_count, format_duration_ms, format_ratio

_BAR_CELLS = 8
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_QUERY_LENGTH = 120
_CONDITION_LENGTH = 90
_LEADING_COMMENTS = re.compile(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/)+", re.DOTALL)
_FAR_OFF = 10.0
"""Estimates that are wrong by this factor choose the wrong join or index."""


def plan_view(result: PlanReport) -> View:
    """The statement, its times, and the tree with the node that takes the most time marked."""
    worst = max(_nodes(result.plan), key=lambda node: node.self_ms or 0.0) if result.analyzed else None
    pairs: list[tuple[str, Cell | str]] = [("statement", _cut(_line(result.sql), _QUERY_LENGTH))]
    if result.analyzed:
        pairs.append(("execution", format_duration_ms(result.execution_ms)))
    else:
        pairs.append(("execution", Cell("not measured: estimates alone", "warn")))
    if result.planning_ms is not None:
        pairs.append(("planning", format_duration_ms(result.planning_ms)))
    if result.settings:
        pairs.append(("settings", ", ".join(f"{name}={value}" for name, value in result.settings.items())))
    pairs += [("trigger", f"{t.name}: {format_duration_ms(t.time_ms)} in {t.calls:.0f} calls") for t in result.triggers]
    return view(Facts(tuple(pairs)), _branch(result.plan, worst))


def _branch(node: PlanNode, worst: PlanNode | None) -> Tree:
    tone: Tone | None = "bad" if node is worst else "dim" if node.loops == 0 else None
    title = f"{_subplan(node)}{_name(node)}"
    first = (Cell(_bar(node.time_share), tone), Cell(_times(node), tone), Cell(title, tone or "strong"))
    head = "  ".join(cell.text for cell in first if cell.text)
    details = "\n  ".join(line for line in (_rows(node), _blocks(node), _work(node), _condition(node)) if line)
    return Tree((Cell(f"{head}\n  {details}", tone),), tuple(_branch(child, worst) for child in node.children))


def _nodes(node: PlanNode) -> list[PlanNode]:
    return [node, *(below for child in node.children for below in _nodes(child))]


def _bar(share: float | None) -> str:
    """A bar of eighths of a cell: 0.5 fills four of eight cells."""
    if share is None:
        return ""
    eighths = round(share * _BAR_CELLS * 8)
    full, part = divmod(eighths, 8)
    bar = "█" * full + (_EIGHTHS[part] if part else "")
    return bar.ljust(_BAR_CELLS, "·")


def _times(node: PlanNode) -> str:
    if node.loops == 0:
        return "never run"
    if node.time_share is None:
        return f"cost {node.total_cost:.0f}"
    return f"{format_ratio(node.time_share)}  {format_duration_ms(node.self_ms)}"


def _name(node: PlanNode) -> str:
    alias = f" {node.alias}" if node.alias and node.alias != node.relation else ""
    where = f" on {node.relation}{alias}" if node.relation else alias and f" on{alias}"
    return f"{node.node_type}{f' using {node.index}' if node.index else ''}{where}"


def _subplan(node: PlanNode) -> str:
    return f"{node.subplan_name}: " if node.subplan_name else ""


def _rows(node: PlanNode) -> str:
    expected = f"rows expected {_amount(node.plan_rows)}"
    if node.actual_rows is None:
        return expected
    if not node.loops:
        return expected
    off = f" (×{_amount(node.row_error or 1)} off)" if (node.row_error or 1) >= _FAR_OFF else ""
    loops = f"  loops {_amount(node.loops)}" if node.loops != 1 else ""
    return f"rows {_amount(node.actual_rows)}, expected {_amount(node.plan_rows)}{off}{loops}"


def _blocks(node: PlanNode) -> str:
    counts = node.buffers or Buffers()
    named = (
        ("hit", counts.hit),
        ("read", counts.read),
        ("dirtied", counts.dirtied),
        ("written", counts.written),
        ("temp read", counts.temp_read),
        ("temp written", counts.temp_written),
    )
    said = [f"{name} {format_count(count)}" for name, count in named if count]
    return f"blocks {', '.join(said)}" if said else ""


def _work(node: PlanNode) -> str:
    said = []
    if node.sort_key:
        method = f" by {node.sort_method}, {format_count(node.sort_space_kb)} kB" if node.sort_method else ""
        said.append(f"sort key {_cut(', '.join(node.sort_key))}{method}")
    if (node.hash_batches or 1) > 1:
        said.append(f"hash batches {node.hash_batches}")
    if node.workers_planned is not None:
        said.append(f"workers {node.workers_launched or 0} of {node.workers_planned}")
    return ", ".join(said)


def _condition(node: PlanNode) -> str:
    lines = []
    if node.condition:
        lines.append(f"on {_cut(node.condition)}")
    if node.filter:
        lines.append(f"filter {_cut(node.filter)}")
    if node.rows_removed:
        lines.append(f"dropped {_amount(node.rows_removed)} rows{' a loop' if (node.loops or 1) > 1 else ''}")
    return ", ".join(lines)


def _line(sql: str) -> str:
    """The text on one line, without the comments that it begins with; the document has it as it is."""
    return " ".join(_LEADING_COMMENTS.sub("", sql).split())


def _cut(text: str, length: int = _CONDITION_LENGTH) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _amount(number: float) -> str:
    """Rows as whole numbers; PostgreSQL 18 counts fractions of them per loop."""
    return format_count(number) if number >= 10 or number == int(number) else f"{number:.2f}"


VIEWS = {PlanReport: plan_view}
LATER = {
    "perfctl.db.model.history.HistoryListing": "db_slow:history_view",
    "perfctl.db.model.history.Pruned": "db_slow:pruned_view",
    "perfctl.db.model.history.Recording": "db_slow:recording_view",
    "perfctl.db.model.statements.SlowQueries": "db_slow:slow_queries_view",
    "perfctl.db.model.activity.Activity": "db_activity:activity_view",
    "perfctl.db.model.activity.LockTree": "db_activity:lock_tree_view",
    "perfctl.db.model.activity.Watched": "db_activity:watched_view",
}
"""The rest by its name, so that none is loaded for another's sake, and where its drawing stands."""
