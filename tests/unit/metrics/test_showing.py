"""What `metrics show`, `watch` and `report` say of a history that is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfctl.metrics.budgets import parse
from perfctl.metrics.history import History
from perfctl.metrics.model import FIGURES
from perfctl.metrics.reporting import report_of
from perfctl.metrics.showing import groups_of, of_window, with_budgets, with_trends
from perfctl.recording.frame import Frame
from perfctl.recording.histogram import Histogram
from perfctl.recording.series import Series, series
from perfctl.render.metrics_report import report_html, report_markdown

NOW = 1_700_003_600.0


def _frame(at: float, seconds: float, *, took: float) -> Frame:
    times = Histogram()
    times.extend([took] * 9 + [took * 10])
    frame = Frame(at, seconds)
    frame.histograms[series("http.request.duration", method="GET", route="/<b>", status="200")] = times
    frame.histograms[series("db.query.duration", fingerprint="f1")] = times.copy()
    for result, tier, count in (("hit", "l1", 80), ("hit", "l2", 10), ("miss", "none", 10)):
        frame.counters[series("cache.requests", namespace="api", tier=tier, result=result)] = float(count)
    frame.gauge(Series("host.cpu.utilization"), 0.5)
    return frame


@pytest.fixture
def history(tmp_path: Path) -> History:
    """An hour, and the hour before, in which everything was twice as fast."""
    made = History(tmp_path / "history.sqlite", clock=lambda: NOW)
    for minute in range(120):
        made.append(_frame(NOW - 60 * minute - 1, 10.0, took=0.02 if minute < 60 else 0.01), source="test")
    return made


def test_a_window_has_its_figures_and_reasons_for_the_rest(history: History) -> None:
    snapshot = of_window(history.window(NOW - 3600, NOW), 3600.0)
    assert snapshot.api_response_time_ms == pytest.approx(38.0)
    assert (snapshot.cache_hit_rate, snapshot.cpu_usage_percent, snapshot.error_rate) == (0.9, 50.0, 0.0)
    assert snapshot.disk_io_mb is None
    assert snapshot.unmeasured["disk_io_mb"] == "nothing was recorded of host.disk.io in the last 1 h of the history"


def test_an_empty_history_has_no_figure_and_no_trend(tmp_path: Path) -> None:
    empty = History(tmp_path / "none.sqlite")
    snapshot = with_trends(of_window(empty.window(NOW - 60, NOW), 60.0), empty, NOW, 60.0)
    assert [getattr(snapshot, figure.name) for figure in FIGURES] == [None] * 10
    assert len(snapshot.unmeasured) == 10
    assert snapshot.trends == {}


def test_groups_have_percentiles_and_ratios_of_their_own(history: History) -> None:
    frame = history.window(NOW - 3600, NOW)
    (route,) = groups_of(frame, "route")
    assert (route.name, route.count, route.error_ratio) == ("/<b>", 600.0, 0.0)
    assert route.p99_ms == pytest.approx(200.0, rel=0.011)
    assert [(tier.name, tier.hit_ratio) for tier in groups_of(frame, "tier")] == [("l1", 0.8), ("l2", 0.1)]
    assert groups_of(frame, "namespace")[0].p95_ms is None, "no operation was timed"
    assert groups_of(frame, "fingerprint")[0].metric == "db.query.duration"


def test_budgets_colour_the_figure_that_they_are_about_and_nothing_unmeasured_passes(history: History) -> None:
    texts = (
        "cache.hit_ratio >= 0.95",
        "mean(http.request.duration) < 50ms",
        "p99(http.request.duration) < 1ms",
        "disk_io_mb < 100",
        "cache.hit_ratio{namespace=api} >= 0.99",
    )
    snapshot = with_budgets(of_window(history.window(NOW - 3600, NOW), 3600.0), [parse(text) for text in texts])
    assert snapshot.budgets == {"cache_hit_rate": "breach", "api_response_time_ms": "pass", "disk_io_mb": "no_data"}


def test_a_report_tells_what_got_worse_against_the_window_before(history: History) -> None:
    report = report_of(history, NOW, 3600.0, context="prod")
    figures = {figure.name: figure for figure in report.figures}
    slower = figures["api_response_time_ms"]
    assert (slower.before, slower.now, slower.direction) == (pytest.approx(19.0), pytest.approx(38.0), "worse")
    assert slower.change == pytest.approx(1.0)
    assert figures["cache_hit_rate"].direction == "same"
    assert (figures["disk_io_mb"].now, figures["disk_io_mb"].direction) == (None, "unknown")


def test_a_report_as_a_page_holds_its_charts_needs_nothing_and_escapes_what_it_is_told(history: History) -> None:
    page = report_html(report_of(history, NOW, 3600.0, context="<script>alert(1)</script>"))
    assert page.count("<svg ") == 6
    assert "<script" not in page
    assert "<b>" not in page
    assert "http://www.w3.org/2000/svg" in page
    assert "href=" not in page


def test_a_report_as_markdown_has_every_section(history: History) -> None:
    text = report_markdown(report_of(history, NOW, 3600.0, context="prod"))
    heads = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert heads == ["Before and after", "Objectives", "Worst queries", "Worst routes", "Namespaces of the cache"]


def test_a_report_of_an_empty_history_says_so_and_is_drawn(tmp_path: Path) -> None:
    report = report_of(History(tmp_path / "none.sqlite"), NOW, 3600.0, context="prod")
    assert report.measured_seconds == 0
    assert all(figure.now is None and figure.reason for figure in report.figures)
    assert "no queries were recorded in that time" in report_markdown(report)
