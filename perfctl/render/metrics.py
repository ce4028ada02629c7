"""Drawing the ten figures: value and unit, how they went, and where each comes from or why it is not known."""

from __future__ import annotations

from perfctl.metrics.model import FIGURES, Figure, MetricsSnapshot
from perfctl.render.view import Cell, Column, Table, Text, Tone, View, view

_METRIC, _VALUE, _UNIT = Column("metric"), Column("value", align="right"), Column("unit")
_TREND, _SOURCE = Column("trend"), Column("source, or why not", wraps=True)
_TONES: dict[str, Tone] = {"pass": "good", "breach": "bad", "no_data": "warn"}


def snapshot_view(result: MetricsSnapshot) -> View:
    """One line a figure, in the order of the specification; those not measured say why. Colours are the budgets'."""
    columns = (_METRIC, _VALUE, _UNIT, *((_TREND,) if result.trends else ()), _SOURCE)
    table = Table(columns, tuple(_row(figure, result) for figure in FIGURES))
    return view(table, _groups(result), _breaches(result), *(Text(note, "warn") for note in result.notes))


def number(value: float) -> str:
    """A figure as it is shown: four digits that count."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.4g}"


def _row(figure: Figure, result: MetricsSnapshot) -> tuple[Cell | str, ...]:
    value: float | None = getattr(result, figure.name)
    tone = _TONES.get(result.budgets.get(figure.name, ""))
    trend = (_trend(result, figure),) if result.trends else ()
    if value is None:
        why = Cell(result.unmeasured.get(figure.name, ""), "dim")
        return (Cell(figure.name, "dim"), Cell("-", tone or "dim"), "", *trend, why)
    shown = Cell(number(value), tone or "strong")
    return (figure.name, shown, figure.unit, *trend, result.sources.get(figure.name, ""))


def _trend(result: MetricsSnapshot, figure: Figure) -> str:
    from perfctl.render.spark import spark

    return spark(result.trends.get(figure.name, ()))


def _groups(result: MetricsSnapshot) -> Table | None:
    if result.by is None:
        return None
    from perfctl.render.metrics_groups import groups_table

    return groups_table(result.by, result.groups, when="lately" if result.since_seconds is None else "in that time")


def _breaches(result: MetricsSnapshot) -> Text | None:
    """In words, too: colours are not everywhere, and not for everybody."""
    broken = [name for name, verdict in result.budgets.items() if verdict == "breach"]
    return Text(f"over budget: {', '.join(broken)} (perfctl metrics check)", "bad") if broken else None


VIEWS = {MetricsSnapshot: snapshot_view}
LATER = {
    "perfctl.metrics.model.reports.MetricsReportWritten": "metrics_report:written_view",
    "perfctl.metrics.alerts.model.Alerts": "metrics_alerts:alerts_view",
    "perfctl.metrics.model.watched.MetricsWatched": "metrics_watch:watched_view",
    "perfctl.metrics.model.recorded.Exported": "metrics_recorded:exported_view",
    "perfctl.metrics.model.recorded.Recording": "metrics_recorded:recording_view",
    "perfctl.metrics.budgets.checking.BudgetsChecked": "metrics_check:checked_view",
    "perfctl.metrics.comparing.model.Comparison": "metrics_compare:comparison_view",
}
