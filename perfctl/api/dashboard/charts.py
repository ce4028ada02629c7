"""The lines and tables of a window of time, read from the history; steps that are over are read once."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from perfctl.api.dashboard.tables import tables_of
from perfctl.errors import PerfctlError
from perfctl.metrics.model.figures import FIGURES
from perfctl.metrics.reading import value_of

if TYPE_CHECKING:
    from perfctl.metrics.history.history import History
    from perfctl.recording.frame import Frame


class Window(NamedTuple):
    """How far back, in steps of how long."""

    seconds: int
    step_seconds: int


WINDOWS: Mapping[str, Window] = {
    "15m": Window(900, 10),
    "1h": Window(3600, 30),
    "6h": Window(21_600, 180),
    "24h": Window(86_400, 600),
    "7d": Window(604_800, 3600),
}
"""The windows that the page can show, each of about a hundred steps."""

LATE_SECONDS = 10.0
"""How much later processes publish what they measured: a step that is half told would look like a fall."""
MOST_OLD_SECONDS = 60.0
"""How old the tables of a window with long steps may be."""
_LATE_STEPS = 2
"""So many steps before the last are read again, for what was published later still."""


class Line(NamedTuple):
    """One line of a chart: a statistic of a metric."""

    name: str
    metric: str
    statistic: str | None = None
    tier: str | None = None

    @property
    def labels(self) -> dict[str, str]:
        """The series that are looked at; empty: all."""
        return {"tier": self.tier} if self.tier else {}


class Chart(NamedTuple):
    """One chart: its lines have one unit."""

    id: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    is_full: bool = False
    """Whether its axis reaches to the whole, 1."""


def _percentiles(metric: str) -> tuple[Line, ...]:
    return tuple(Line(name, metric, name) for name in ("p50", "p95", "p99"))


CHARTS = (
    Chart(
        "hit-ratio",
        "Hit ratio",
        "ratio",
        (
            Line("cache", "cache.hit_ratio"),
            Line("in process", "cache.hit_ratio", tier="l1"),
            Line("Redis", "cache.hit_ratio", tier="l2"),
            Line("CDN", "cdn.hit_ratio"),
        ),
        is_full=True,
    ),
    Chart("response", "Response time", "s", _percentiles("http.request.duration")),
    Chart("query", "Query time", "s", _percentiles("db.query.duration")),
    Chart("cache-time", "Cache operations", "s", _percentiles("cache.operation.duration")),
    Chart(
        "rate",
        "Per second",
        "1/s",
        (
            Line("requests", "http.request.duration", "rate"),
            Line("look-ups", "cache.requests", "rate"),
            Line("statements", "db.statement.calls", "rate"),
        ),
    ),
    Chart(
        "errors",
        "Error ratio",
        "ratio",
        (Line("requests", "http.error_ratio"), Line("queries", "db.error_ratio")),
    ),
)
"""The charts in the order of the page."""

_FIGURES = tuple(Line(figure.name, figure.name) for figure in FIGURES)


class Drawn(NamedTuple):
    """A window as the page is given it, and when it is another."""

    shown: dict[str, Any]
    next_at: float


@dataclass(slots=True)
class _Kept:
    """What is known of one window, for all pages that look at it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    steps: dict[float, dict[Line, float]] = field(default_factory=dict)
    drawn: Drawn | None = None


class Charts:
    """The charts of every window, computed in a thread and shared by all who look at them."""

    def __init__(self, history: History, *, clock: Callable[[], float] = time.time) -> None:
        self._history = history
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def of(self, name: str) -> Drawn:
        """The charts of a window, at most a step old. A history that cannot be read is the reason, never an error."""
        kept = self._kept.setdefault(name, _Kept())
        async with kept.lock:
            if kept.drawn is None or self._clock() >= kept.drawn.next_at:
                kept.drawn = await asyncio.to_thread(self._drawn, WINDOWS[name], kept.steps)
            return kept.drawn

    def _drawn(self, window: Window, steps: dict[float, dict[Line, float]]) -> Drawn:
        now = self._clock()
        step = window.step_seconds
        end = math.floor((now - LATE_SECONDS) / step) * step
        start = float(end - window.seconds)
        reason = None
        whole: Frame | None = None
        try:
            self._read(steps, start, float(end), step)
            whole = self._history.window(start, now)
        except PerfctlError as error:
            reason = error.message
        times = [start + number * step for number in range(window.seconds // step)]
        shown = {
            "start": start,
            "end": end,
            "step_seconds": step,
            "times": times,
            "figures": {line.name: _values(line, times, steps) for line in _FIGURES},
            "charts": [_chart(chart, times, steps, whole, reason) for chart in CHARTS],
            "tables": tables_of(whole),
            "reason": reason,
        }
        return Drawn(shown, min(end + step + LATE_SECONDS, now + MOST_OLD_SECONDS))

    def _read(self, steps: dict[float, dict[Line, float]], start: float, end: float, step: float) -> None:
        """Bring the steps up to date: those that are new, and the last few."""
        for at in [at for at in steps if at < start]:
            del steps[at]
        known = max(steps, default=start - step)
        since = min(end - step, max(start, known - _LATE_STEPS * step))
        for frame in self._history.steps(since, end, step):
            steps[round(frame.at - step, 3)] = _measured(frame)


def _lines() -> Iterable[Line]:
    yield from _FIGURES
    for chart in CHARTS:
        yield from chart.lines


def _measured(frame: Frame) -> dict[Line, float]:
    if frame.seconds <= 0:
        return {}
    found = ((line, value_of(frame, line.metric, line.labels, line.statistic).value) for line in _lines())
    return {line: value for line, value in found if value is not None}


def _values(line: Line, times: list[float], steps: Mapping[float, Mapping[Line, float]]) -> list[float | None]:
    return [steps.get(at, {}).get(line) for at in times]


def _chart(
    chart: Chart,
    times: list[float],
    steps: Mapping[float, Mapping[Line, float]],
    whole: Frame | None,
    reason: str | None,
) -> dict[str, Any]:
    lines = [{"name": line.name, "values": _values(line, times, steps)} for line in chart.lines]
    first = chart.lines[0]
    why = reason if whole is None else value_of(whole, first.metric, first.labels, first.statistic).reason
    return {
        "id": chart.id,
        "title": chart.title,
        "unit": chart.unit,
        "full": chart.is_full,
        "lines": lines,
        "reason": why,
    }
