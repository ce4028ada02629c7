"""What `metrics show` adds to the ten figures: of a window of the history, by group, as trends, against budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, get_args

from perfctl.metrics.collecting.source import lasting
from perfctl.metrics.model import FIGURES, MetricsSnapshot, PerformanceMetrics, snapshot_of
from perfctl.metrics.model.snapshots import MeasuredGroup
from perfctl.metrics.reading import figure_of, grouped, histogram_of, value_of

if TYPE_CHECKING:
    from perfctl.metrics.budgets import Budget
    from perfctl.metrics.history import History
    from perfctl.recording.frame import Frame

Verdict = Literal["pass", "breach", "no_data"]
By = Literal["namespace", "tier", "fingerprint", "route"]
BY: tuple[str, ...] = get_args(By)

TREND_STEPS = 12
TREND_SECONDS = 900.0
"""How far back trends and groups look where no window is asked for."""

_COUNTED: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "namespace": (("cache.requests", "cache.operation.duration"),),
    "tier": (("cache.requests", "cache.operation.duration"),),
    "fingerprint": (("db.query.duration", "db.query.duration"), ("db.statement.calls", None)),
    "route": (("http.request.duration", "http.request.duration"),),
}
"""What is counted by each label, and which histogram tells its times; the first that was recorded."""


def of_window(frame: Frame, seconds: float) -> MetricsSnapshot:
    """The ten figures of a frame of the history. What it does not know is null, with the reason."""
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for figure in FIGURES:
        found = value_of(frame, figure.name)
        if found.value is None:
            reasons[figure.name] = f"{found.reason} in the last {lasting(seconds)} of the history"
        else:
            values[figure.name] = round(found.value, 4)
    if "active_connections" in values:
        values["active_connections"] = round(values["active_connections"])
    source = f"the history, {lasting(frame.seconds)} of the last {lasting(seconds)}"
    metrics = PerformanceMetrics(
        **values,  # type: ignore[arg-type]
        unmeasured=reasons,
        sources=dict.fromkeys(values, source),
    )
    return replace(snapshot_of(metrics, at=datetime.fromtimestamp(frame.at, UTC)), since_seconds=seconds)


def with_trends(snapshot: MetricsSnapshot, history: History, now: float, seconds: float) -> MetricsSnapshot:
    """The same with each figure in equal steps; without, where the history has nothing of that time."""
    step = seconds / TREND_STEPS
    frames = history.steps(now - seconds, now, step)
    if not any(frame.seconds for frame in frames):
        return snapshot
    trends = {figure.name: tuple(value_of(frame, figure.name).value for frame in frames) for figure in FIGURES}
    known = {name: values for name, values in trends.items() if any(value is not None for value in values)}
    return replace(snapshot, trends=known, step_seconds=step)


def with_groups(snapshot: MetricsSnapshot, frame: Frame, by: By) -> MetricsSnapshot:
    """The same with what was counted of each namespace, tier, fingerprint or route, the one with the most first."""
    return replace(snapshot, by=by, groups=groups_of(frame, by))


def groups_of(frame: Frame, by: By) -> tuple[MeasuredGroup, ...]:
    """A row for each value of the label; none where nothing was recorded with it."""
    for metric, times in _COUNTED[by]:
        counts = grouped(frame, metric, by, "count")
        rows = [_group(frame, by, name, metric, times, found.value) for name, found in counts.items() if found.value]
        if rows:
            return tuple(sorted(rows, key=lambda row: (-row.count, row.name)))
    return ()


def with_budgets(snapshot: MetricsSnapshot, budgets: Sequence[Budget]) -> MetricsSnapshot:
    """The same with what the budgets say of the ten figures, the worst of several: no_data is worse than pass."""
    said: dict[str, Verdict] = {}
    for budget in budgets:
        expression = budget.expression
        figure = (
            None if expression.labels or expression.complement else figure_of(expression.metric, expression.statistic)
        )
        if figure is None:
            continue
        value: float | None = getattr(snapshot, figure.name)
        found: Verdict = "no_data" if value is None else "pass" if budget.holds(value / figure.scale) else "breach"
        said[figure.name] = max(said.get(figure.name, found), found, key=_WORSE.index)
    return replace(snapshot, budgets=said)


_WORSE: tuple[Verdict, ...] = ("pass", "no_data", "breach")


def _group(frame: Frame, by: By, name: str, metric: str, times: str | None, count: float | None) -> MeasuredGroup:
    labels: dict[str, str] = {by: name}
    found = histogram_of(frame, times, labels) if times else None
    quantiles = [_ms(found.quantile(share)) if found is not None else None for share in (0.5, 0.95, 0.99)]
    mean = found.mean if found is not None else value_of(frame, "db.statement.mean", labels).value
    return MeasuredGroup(
        name=name,
        metric=metric,
        count=count or 0.0,
        per_second=round(count / frame.seconds, 4) if count is not None and frame.seconds > 0 else None,
        mean_ms=_ms(mean),
        p50_ms=quantiles[0],
        p95_ms=quantiles[1],
        p99_ms=quantiles[2],
        hit_ratio=_ratio(frame, "cache.hit_ratio", labels) if by in ("namespace", "tier") else None,
        error_ratio=_errors(frame, metric, labels),
    )


def _errors(frame: Frame, metric: str, labels: Mapping[str, str]) -> float | None:
    name = {"http.request.duration": "http.error_ratio", "db.query.duration": "db.error_ratio"}.get(metric)
    return _ratio(frame, name, labels) if name else None


def _ratio(frame: Frame, name: str, labels: Mapping[str, str]) -> float | None:
    value = value_of(frame, name, labels).value
    return None if value is None else round(value, 6)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 4)
