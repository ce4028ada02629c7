"""Drawing the ten figures: value and unit, and where each comes from or why it is not known."""

from __future__ import annotations

from perfctl.metrics.model import FIGURES, Figure, MetricsSnapshot
from perfctl.render.view import Cell, Column, Table, View, view

_COLUMNS = (Column("metric"), Column("value", align="right"), Column("unit"), Column("source, or why not", wraps=True))


def snapshot_view(result: MetricsSnapshot) -> View:
    """One line a figure, in the order of the specification; those not measured say why."""
    return view(Table(_COLUMNS, tuple(_row(figure, result) for figure in FIGURES)))


def _row(figure: Figure, result: MetricsSnapshot) -> tuple[Cell | str, ...]:
    value: float | None = getattr(result, figure.name)
    if value is None:
        return (Cell(figure.name, "dim"), Cell("-", "dim"), "", Cell(result.unmeasured.get(figure.name, ""), "dim"))
    return (figure.name, Cell(_number(value), "strong"), figure.unit, result.sources.get(figure.name, ""))


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.4g}"


VIEWS = {MetricsSnapshot: snapshot_view}
LATER = {
    "perfctl.metrics.model.recorded.Exported": "metrics_recorded:exported_view",
    "perfctl.metrics.model.recorded.Recording": "metrics_recorded:recording_view",
    "perfctl.metrics.budgets.checking.BudgetsChecked": "metrics_check:checked_view",
}
