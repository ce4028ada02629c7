"""Charts: what the history holds of a window, read once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from perfctl.api.dashboard.charts import CHARTS, WINDOWS, Charts
from perfctl.errors import ServiceError
from perfctl.metrics.history import History
from perfctl.metrics.model import FIGURES
from perfctl.recording.registry import Registry

NOW = 1_800_000_005.0


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Counting(History):
    """Counts the steps that it was asked for."""

    asked = 0

    def steps(self, start: float, end: float, step_seconds: float):  # type: ignore[no-untyped-def]
        found = super().steps(start, end, step_seconds)
        self.asked += len(found)
        return found


@pytest.fixture
def history(tmp_path: Path) -> Counting:
    return Counting(tmp_path / "history.sqlite", clock=lambda: NOW)


def record(history: History, at: float, *, hits: int = 9, seconds: float = 0.01) -> None:
    registry = Registry()
    registry.counter("cache.requests", namespace="api", tier="l1", result="hit").add(hits)
    registry.counter("cache.requests", namespace="api", tier="none", result="miss").add(10 - hits)
    for _ in range(10):
        registry.histogram("http.request.duration", method="GET", route="/a", status="200").record(seconds)
    frame = registry.take()
    frame.at, frame.seconds = at, 10.0
    history.append(frame, source="app")


def line(shown: dict, chart: str, name: str) -> list[float | None]:  # type: ignore[type-arg]
    lines = next(one["lines"] for one in shown["charts"] if one["id"] == chart)
    return next(one["values"] for one in lines if one["name"] == name)


def test_a_step_has_the_percentile_of_its_time_and_a_gap_is_none(history: Counting) -> None:
    record(history, NOW - 100, hits=5)
    record(history, NOW - 20)
    shown = asyncio.run(Charts(history, clock=Clock()).of("15m")).shown
    ratios = line(shown, "hit-ratio", "cache")
    assert [value for value in ratios if value is not None] == [0.5, 0.9]
    assert len(ratios) == len(shown["times"]) == 90
    assert [value for value in line(shown, "response", "p95") if value] == pytest.approx([0.01, 0.01], rel=0.011)
    assert shown["tables"]["routes"][0]["requests"] == 20
    assert set(shown["figures"]) == {figure.name for figure in FIGURES}


def test_a_window_of_nothing_says_why_and_draws_no_zero(history: Counting) -> None:
    shown = asyncio.run(Charts(history, clock=Clock()).of("1h")).shown
    assert all(value is None for chart in shown["charts"] for one in chart["lines"] for value in one["values"])
    assert all(chart["reason"] for chart in shown["charts"])


def test_what_is_over_is_read_once_and_for_all_who_look(history: Counting) -> None:
    clock = Clock()
    charts = Charts(history, clock=clock)

    async def look() -> None:
        await asyncio.gather(*(charts.of("15m") for _ in range(20)))
        assert history.asked == 90
        clock.now += 10
        await asyncio.gather(*(charts.of("15m") for _ in range(20)))

    asyncio.run(look())
    assert history.asked == 90 + 4


def test_a_step_that_was_published_late_is_there_at_the_next_look(history: Counting) -> None:
    clock = Clock()
    charts = Charts(history, clock=clock)

    async def look() -> list[float | None]:
        await charts.of("15m")
        record(history, NOW - 3, hits=7)
        clock.now += 10
        return line((await charts.of("15m")).shown, "hit-ratio", "cache")

    assert 0.7 in asyncio.run(look())


def test_a_history_that_cannot_be_read_is_the_reason(tmp_path: Path) -> None:
    class Damaged(History):
        def steps(self, start: float, end: float, step_seconds: float):  # type: ignore[no-untyped-def]
            raise ServiceError("history.sqlite is damaged")

    shown = asyncio.run(Charts(Damaged(tmp_path / "h"), clock=Clock()).of("15m")).shown
    assert shown["reason"] == "history.sqlite is damaged"
    assert {chart["reason"] for chart in shown["charts"]} == {"history.sqlite is damaged"}


@pytest.mark.parametrize("name", WINDOWS)
def test_every_window_has_whole_steps_and_not_too_many(name: str) -> None:
    assert WINDOWS[name].seconds % WINDOWS[name].step_seconds == 0
    assert 80 <= WINDOWS[name].seconds // WINDOWS[name].step_seconds <= 180


def test_every_chart_has_its_own_name_and_at_most_four_colours() -> None:
    assert len({chart.id for chart in CHARTS}) == len(CHARTS)
    assert all(1 <= len(chart.lines) <= 4 for chart in CHARTS)
