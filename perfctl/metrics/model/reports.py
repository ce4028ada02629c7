"""A report of a window of the history, against the window before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from perfctl.metrics.model.snapshots import MeasuredGroup

ReportFormat = Literal["html", "markdown"]
Direction = Literal["better", "worse", "same", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureChange:
    """One of the ten figures in both windows; None is what was not measured."""

    name: str
    unit: str
    before: float | None
    now: float | None
    change: float | None
    """What it is more, as a share of what it was: 0.1 is 10 % more."""
    direction: Direction
    reason: str | None
    """Why there is no value now."""
    trend: tuple[float | None, ...]
    """In equal steps over the window, oldest first."""
    trend_before: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveSpent:
    """What an objective may miss, and how much of that was spent in its window."""

    name: str
    objective: float
    window_seconds: float
    observed: float | None
    spent: float | None
    """1.0 is all that may be missed; above it the objective is missed."""
    burn: float | None
    """How many times too fast it was spent over the report's window: 1 spends just what may be missed."""
    reason: str | None
    """Why it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsReport:
    """Everything that the report says."""

    context: str
    start: datetime
    end: datetime
    since_seconds: float
    step_seconds: float
    measured_seconds: float
    """Of the window, how much the history covers; and of the one before."""
    measured_before_seconds: float
    figures: tuple[FigureChange, ...]
    queries: tuple[MeasuredGroup, ...]
    """The worst ones, by the time that they took altogether."""
    routes: tuple[MeasuredGroup, ...]
    namespaces: tuple[MeasuredGroup, ...]
    objectives: tuple[ObjectiveSpent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsReportWritten:
    """Where the report is."""

    path: str
    format: ReportFormat
    size_bytes: int
    since_seconds: float
    measured_seconds: float
    worse: tuple[str, ...]
    """The figures that were better in the window before."""
    unmeasured: tuple[str, ...]
    missed: tuple[str, ...]
    """The objectives that are missed."""
