"""Drawing alerts: what fires first, with what was measured and how long it has been so."""

from __future__ import annotations

from datetime import datetime

from perfctl.metrics.alerts.model import Alert, Alerts
from perfctl.render.view import Cell, Column, Table, Text, Tone, View, view
from perfctl.units import format_duration_ms

_TONES: dict[str, Tone] = {"firing": "bad", "pending": "warn", "resolved": "good", "inactive": "dim"}
_COLUMNS = (
    Column("state"),
    Column("alert", wraps=True),
    Column("severity"),
    Column("for", align="right"),
    Column("found", wraps=True),
)


def alerts_view(result: Alerts) -> View:
    """A line an alert; below it when they were evaluated, and what could not be told."""
    rows = tuple(_row(alert, result.evaluated_at) for alert in result.rows)
    return view(Table(_COLUMNS, rows, empty="nothing is watched"), Text("\n".join(_below(result)), "dim"))


def _row(alert: Alert, evaluated: datetime | None) -> tuple[Cell | str, ...]:
    since = alert.since if alert.state != "inactive" else None
    lasting = "-" if since is None or evaluated is None else format_duration_ms(_apart_ms(since, evaluated))
    found = alert.reason if alert.has_data else f"no data: {alert.reason}"
    tone: Tone = _TONES[alert.state]
    return (Cell(alert.state, tone), alert.name, alert.severity, lasting, found)


def _apart_ms(since: datetime, until: datetime) -> float:
    """Whole seconds, as alerts are looked at every ten of them."""
    return round(max((until - since).total_seconds(), 1.0)) * 1000.0


def _below(result: Alerts) -> list[str]:
    told = [
        f"{sink.name}: {sink.waiting} waiting" + (f", {sink.refused} refused" if sink.refused else "")
        for sink in result.sinks
        if sink.waiting or sink.refused
    ]
    when = (
        "never evaluated" if result.evaluated_at is None else f"evaluated {result.evaluated_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    return [f"{result.firing} firing, {result.pending} pending, {result.no_data} without data; {when}", *told]
