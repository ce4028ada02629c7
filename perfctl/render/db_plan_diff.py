"""Drawing two plans node by node: what was, what is, what is gone."""

from __future__ import annotations

from collections.abc import Callable

from perfctl.db.model.plans import NodeChange, NodeDifference, PlanDifference, PlanTotals
from perfctl.render.plan_words import amount, cut
from perfctl.render.sql_line import line_of
from perfctl.render.view import Cell, Column, Facts, Table, Text, Tone, View, view
from perfctl.units import format_count, format_duration_ms

_SIGNS: dict[str, tuple[str, Tone | None]] = {
    "same": ("=", "dim"),
    "changed": ("~", "warn"),
    "added": ("+", "good"),
    "removed": ("-", "bad"),
}
_DEEPEST = 8
_LENGTH = 160


def difference_view(result: PlanDifference) -> View:
    """The totals, then the nodes of the second plan with what each was; those that are gone where they stood."""
    return view(_totals(result), _table(result), _settings(result))


def _totals(result: PlanDifference) -> Facts:
    rows: tuple[tuple[str, Callable[[PlanTotals], float | None], Callable[[float | None], str]], ...] = (
        ("execution", lambda total: total.execution_ms, format_duration_ms),
        ("planning", lambda total: total.planning_ms, format_duration_ms),
        ("cost", lambda total: total.total_cost, format_count),
        ("rows", lambda total: total.rows, format_count),
        ("blocks hit", lambda total: total.blocks_hit, format_count),
        ("blocks read", lambda total: total.blocks_read, format_count),
        ("temp blocks", lambda total: total.temp_blocks, format_count),
        ("nodes", lambda total: total.nodes, format_count),
    )
    pairs = [
        (name, _moved(read(result.before), read(result.after), written))
        for name, read, written in rows
        if read(result.before) or read(result.after)
    ]
    return Facts(tuple(pairs))


def _moved(before: float | None, after: float | None, written: Callable[[float | None], str]) -> str:
    """`12 ms → 3 ms (÷4)`."""
    if before == after:
        return written(before)
    factor = ""
    if before and after:
        ratio = max(before, after) / min(before, after)
        factor = f" ({'×' if after > before else '÷'}{ratio:.1f})" if ratio >= 1.05 else ""
    return f"{written(before)} → {written(after)}{factor}"


def _table(result: PlanDifference) -> Table:
    has_time = all(any(ms is not None for ms in column) for column in zip(*map(_times, result.nodes), strict=True))
    has_blocks = any(node.before_blocks is not None or node.after_blocks is not None for node in result.nodes)
    columns = (
        Column(""),
        Column("node", wraps=True),
        Column("rows", "right"),
        Column("ms" if has_time else "cost", "right"),
        *((Column("blocks", "right"),) if has_blocks else ()),
    )
    rows = tuple(_row(node, has_time=has_time, has_blocks=has_blocks) for node in result.nodes)
    counts = [f"{sum(node.status == status for node in result.nodes)} {status}" for status in _SIGNS]
    return Table(columns, rows, title="the same plan" if result.is_same else ", ".join(counts))


def _times(node: NodeDifference) -> tuple[float | None, float | None]:
    return node.before_ms, node.after_ms


def _row(node: NodeDifference, *, has_time: bool, has_blocks: bool) -> tuple[Cell | str, ...]:
    sign, tone = _SIGNS[node.status]
    figures = (node.before_ms, node.after_ms) if has_time else (node.before_cost, node.after_cost)
    return (
        Cell(sign, tone),
        Cell(_name(node), tone),
        _pair(node, node.before_rows, node.after_rows, amount),
        _pair(node, *figures, _figure),
        *((_pair(node, node.before_blocks, node.after_blocks, format_count),) if has_blocks else ()),
    )


def _name(node: NodeDifference) -> str:
    indent = " " * min(node.depth, _DEEPEST)
    changed = node.before and node.after and node.before != node.after
    name = f"{node.before} → {node.after}" if changed else node.after or node.before or ""
    said = [text for change in node.changes if (text := _change(change))]
    return indent + "\n  ".join([name, *(f"{indent}{text}" for text in said)])


def _change(change: NodeChange) -> str:
    """What is not the same and is not told by the node's name."""
    if change.name == "never_run":
        return "never run any more" if change.after else "run now"
    if change.name in ("node_type", "index"):
        return ""
    old, new = (cut(line_of(text), _LENGTH) if text else "none" for text in (change.before, change.after))
    return f"{change.name.replace('_', ' ')}: {old} → {new}"


def _pair(node: NodeDifference, before: float | None, after: float | None, written: Callable[[float], str]) -> str:
    """One figure where it is the same, or only one plan has the node; else both."""
    old = "" if before is None or node.status == "added" else written(before)
    new = "" if after is None or node.status == "removed" else written(after)
    if not old or not new or old == new:
        return old or new
    return f"{old} → {new}"


def _figure(value: float) -> str:
    return format_count(value) if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _settings(result: PlanDifference) -> Text | None:
    if not result.settings:
        return None
    said = [f"{change.name}: {change.before or 'default'} → {change.after or 'default'}" for change in result.settings]
    return Text("settings that differ:\n  " + "\n  ".join(said))
