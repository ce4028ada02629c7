"""What a window of the history came to, against the one before: changes, worst queries, objectives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from perfctl.metrics.model import FIGURES, Figure
from perfctl.metrics.model.reports import Direction, FigureChange, MetricsReport, ObjectiveSpent
from perfctl.metrics.model.snapshots import MeasuredGroup
from perfctl.metrics.reading import value_of
from perfctl.metrics.showing import By, groups_of

if TYPE_CHECKING:
    from perfctl.metrics.budgets import Objective
    from perfctl.metrics.history import History
    from perfctl.recording.frame import Frame

STEPS = 48
WORST = 10
NOTICED = 0.05
"""A change of less than that is called the same."""
_MORE_IS_BETTER = ("cache_hit_rate",)
_NEITHER = ("requests_per_second", "active_connections", "network_io_mb", "disk_io_mb", "memory_usage_mb")
"""More of it is more work, and nobody's fault."""


def report_of(
    history: History, now: float, seconds: float, *, context: str, objectives: Sequence[Objective] = ()
) -> MetricsReport:
    """The last `seconds` of the history. What it does not know is None with the reason, in both windows."""
    start = now - seconds
    frame, before = history.window(start, now), history.window(start - seconds, start)
    step = seconds / STEPS
    frames, frames_before = history.steps(start, now, step), history.steps(start - seconds, start, step)
    return MetricsReport(
        context=context,
        start=datetime.fromtimestamp(start, UTC),
        end=datetime.fromtimestamp(now, UTC),
        since_seconds=seconds,
        step_seconds=step,
        measured_seconds=round(frame.seconds, 3),
        measured_before_seconds=round(before.seconds, 3),
        figures=tuple(_change(figure, before, frame, frames_before, frames) for figure in FIGURES),
        queries=_worst(frame, "fingerprint"),
        routes=_worst(frame, "route"),
        namespaces=groups_of(frame, "namespace")[:WORST],
        objectives=tuple(_spent(objective, history, frame, now) for objective in objectives),
    )


def _change(
    figure: Figure, before: Frame, now: Frame, frames_before: Sequence[Frame], frames: Sequence[Frame]
) -> FigureChange:
    was, found = value_of(before, figure.name).value, value_of(now, figure.name)
    change = (found.value - was) / was if was and found.value is not None else None
    return FigureChange(
        name=figure.name,
        unit=figure.unit,
        before=_rounded(was),
        now=_rounded(found.value),
        change=_rounded(change),
        direction=_direction(figure.name, was, found.value),
        reason=found.reason,
        trend=tuple(_rounded(value_of(frame, figure.name).value) for frame in frames),
        trend_before=tuple(_rounded(value_of(frame, figure.name).value) for frame in frames_before),
    )


def _direction(name: str, was: float | None, now: float | None) -> Direction:
    if was is None or now is None or name in _NEITHER:
        return "unknown"
    if abs(now - was) <= NOTICED * abs(was):
        return "same"
    return "better" if (now > was) == (name in _MORE_IS_BETTER) else "worse"


def _worst(frame: Frame, by: By) -> tuple[MeasuredGroup, ...]:
    """By the time that all of them took together."""
    groups = groups_of(frame, by)
    return tuple(sorted(groups, key=lambda group: -(group.count * (group.mean_ms or 0.0)))[:WORST])


def _spent(objective: Objective, history: History, recent: Frame, now: float) -> ObjectiveSpent:
    """Missed so far over what may be missed (SRE workbook, "Alerting on SLOs")."""
    from perfctl.metrics.budgets import observed

    found = observed(objective.sli, history.window(now - objective.window_seconds, now))
    lately = observed(objective.sli, recent).value
    may_miss = 1.0 - objective.objective
    return ObjectiveSpent(
        name=objective.name,
        objective=objective.objective,
        window_seconds=objective.window_seconds,
        observed=_rounded(found.value),
        spent=_rounded((1.0 - found.value) / may_miss) if found.value is not None and may_miss > 0 else None,
        burn=_rounded((1.0 - lately) / may_miss) if lately is not None and may_miss > 0 else None,
        reason=found.reason,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
