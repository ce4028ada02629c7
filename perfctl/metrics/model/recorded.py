"""What `metrics record` wrote, and what `metrics export` handed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from perfctl.metrics.model.exported import SeriesRow

ExportFormat = Literal["prometheus", "openmetrics", "json", "csv"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedInterval:
    """One interval that was measured."""

    at: datetime
    seconds: float
    series: int
    figures: Mapping[str, float | None]
    """The ten figures; None where one was not measured."""
    unanswered: tuple[str, ...]
    """What is configured and did not answer."""
    firing: tuple[str, ...]
    """Alerts that fire."""
    trouble: str | None
    """Why it is not in the history yet; it goes there with the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was recorded from a start to an end."""

    file: str
    started: datetime
    ended: datetime
    every_seconds: float
    intervals: int
    series: int
    """Of the last interval."""
    unwritten_seconds: float
    """Measured time that could not be written."""
    unanswered: tuple[str, ...]
    """What did not answer at the last interval."""
    firing: tuple[str, ...]
    """Alerts that fire at the end."""
    size_bytes: int
    """Of the history."""
    oldest: datetime | None
    """Where the history begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was handed on, and where to."""

    format: ExportFormat
    file: str | None
    """None for standard output."""
    size_bytes: int
    at: datetime
    """The end of what it covers."""
    seconds: float
    """How much of that time was measured."""
    since: datetime
    """When it begins: what counters count from."""
    series: int
    rows: tuple[SeriesRow, ...]

    listing: ClassVar[str] = "rows"
