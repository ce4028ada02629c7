"""Drawing what CloudWatch has measured: a line and a row of little bars for each metric."""

from __future__ import annotations

from perfctl.cdn.model.measures import CdnMetric, CdnMetrics
from perfctl.render.spark import spark
from perfctl.render.view import Cell, Column, Table, Text, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms, format_ratio


def metrics_view(result: CdnMetrics) -> View:
    """What was measured, then what was not, by reason."""
    measured = [row for row in result.rows if row.reason is None]
    missing = [row for row in result.rows if row.reason is not None]
    return view(
        Text(_headline(result)),
        _table(measured) if measured else None,
        _missing(missing) if missing else None,
        _next(result),
    )


def _next(result: CdnMetrics) -> Text | None:
    """What switches the additional metrics on."""
    if result.has_additional is not False:
        return None
    return Text(
        "to measure them, too (they cost extra):\n"
        "  aws cloudfront create-monitoring-subscription \\\n"
        f"  --distribution-id {result.distribution_id} --monitoring-subscription \\\n"
        "  RealtimeMetricsSubscriptionConfig={RealtimeMetricsSubscriptionStatus=Enabled}"
    )


def _headline(result: CdnMetrics) -> str:
    subject = f"function {result.function}" if result.function else result.distribution_id
    return (
        f"{subject}, {result.period_seconds // 60} min a value\n{_moment(result.since)} to {_moment(result.until)} UTC"
    )


def _moment(text: str) -> str:
    return text[:16].replace("T", " ")


def _table(rows: list[CdnMetric]) -> Table:
    columns = (
        Column("metric"),
        Column("latest", "right"),
        Column("lowest", "right", from_width=100),
        Column("highest", "right"),
        Column("mean", "right", from_width=100),
        Column("total", "right"),
        Column("course"),
    )
    return Table(columns, tuple(_row(row) for row in rows))


def _row(row: CdnMetric) -> tuple[Cell | str, ...]:
    return (
        row.name,
        Cell(_text(row, row.latest), "strong"),
        _text(row, row.lowest),
        _text(row, row.highest),
        _text(row, row.mean),
        _text(row, row.total),
        spark(_condensed([point.value for point in row.points], row.statistic == "Sum")),
    )


def _condensed(values: list[float | None], is_sum: bool) -> list[float | None]:
    """At most as many values as there is room for: neighbours as one, their sum or their greatest."""
    width = 20
    step = -(-len(values) // width) or 1
    parts = [[value for value in values[at : at + step] if value is not None] for at in range(0, len(values), step)]
    return [(sum(part) if is_sum else max(part)) if part else None for part in parts]


def _text(row: CdnMetric, value: float | None) -> str:
    if value is None:
        return "-"
    if row.unit == "ratio":
        return format_ratio(value)
    return {"bytes": format_bytes, "ms": format_duration_ms}.get(row.unit, format_count)(value)


def _missing(rows: list[CdnMetric]) -> Table:
    """A row for each reason, with the metrics it holds for."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        reasons.setdefault(row.reason or "", []).append(row.name)
    columns = (Column("not measured", wraps=True), Column("why", wraps=True))
    return Table(columns, tuple((", ".join(names), reason) for reason, names in reasons.items()))
