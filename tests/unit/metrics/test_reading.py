"""Reading figures out of frames: statistics, ratios, the ten figures; and what was not recorded is no 0."""

from __future__ import annotations

import pytest

from perfctl.errors import UsageError
from perfctl.metrics.model.figures import FIGURES
from perfctl.metrics.model.values import Value
from perfctl.metrics.reading import grouped, names, unit_of, value_of
from perfctl.recording.frame import Frame, Gauged
from perfctl.recording.histogram import Histogram
from perfctl.recording.series import series


def _histogram(*values: float) -> Histogram:
    made = Histogram()
    made.extend(values)
    return made


def _lookups(**counts: float) -> Frame:
    """`l1_hit=90` is 90 hits of the tier l1 in the namespace api."""
    frame = Frame(1000.0, 10.0)
    for name, count in counts.items():
        tier, _, result = name.partition("_")
        frame.counters[series("cache.requests", namespace="api", tier=tier, result=result)] = count
    return frame


REQUESTS = Frame(
    1000.0,
    10.0,
    histograms={
        series("http.request.duration", method="GET", route="/a", status="200"): _histogram(*[0.1] * 99),
        series("http.request.duration", method="GET", route="/b", status="500"): _histogram(0.3),
    },
)
EMPTY = Frame(1000.0, 10.0)


def test_percentiles_are_those_of_all_series_that_have_the_labels() -> None:
    assert value_of(REQUESTS, "http.request.duration", {}, "p99").value == pytest.approx(0.1, rel=0.011)
    assert value_of(REQUESTS, "http.request.duration", {"route": "/b"}, "p99").value == pytest.approx(0.3, rel=0.011)


def test_a_rate_is_by_the_second_of_the_frame() -> None:
    assert value_of(REQUESTS, "http.request.duration", {}, "rate") == Value(10.0, None, "1/s")


def test_a_frame_without_length_has_no_rate() -> None:
    frame = Frame(1000.0, 0.0, counters={series("host.network.io"): 5.0})
    assert value_of(frame, "host.network.io", {}, "rate") == Value(None, "one look is no rate: it takes two", "bytes/s")


@pytest.mark.parametrize("name", names())
def test_of_a_frame_that_knows_nothing_every_name_is_none_with_a_reason(name: str) -> None:
    found = value_of(EMPTY, name)
    assert found.value is None
    assert found.reason


@pytest.mark.parametrize("figure", FIGURES)
def test_each_of_the_ten_figures_has_a_unit(figure: object) -> None:
    assert isinstance(unit_of(figure.name), str)  # type: ignore[attr-defined]


def test_a_hit_ratio_counts_what_was_stale_as_had_and_errors_as_nothing() -> None:
    frame = _lookups(l1_hit=80, l2_hit=5, l2_stale=5, none_miss=10, none_error=50)
    assert value_of(frame, "cache.hit_ratio", {"ns": "api"}).value == 0.9
    assert value_of(frame, "cache_hit_rate").value == 0.9


def test_a_tiers_hit_ratio_is_of_all_look_ups() -> None:
    frame = _lookups(l1_hit=80, l2_hit=10, none_miss=10)
    assert {tier: found.value for tier, found in grouped(frame, "cache.hit_ratio", by="tier").items()} == {
        "l1": 0.8,
        "l2": 0.1,
    }


def test_a_cache_that_only_missed_has_a_ratio_of_0_and_one_that_nobody_asked_none() -> None:
    assert value_of(_lookups(none_miss=3), "cache.hit_ratio").value == 0.0
    assert value_of(_lookups(none_miss=3), "cache.hit_ratio", {"namespace": "other"}) == Value(
        None, "nothing was recorded of cache.requests{namespace=other}", "ratio"
    )


def test_a_server_error_is_a_failure_and_a_callers_is_none() -> None:
    frame = Frame(1000.0, 10.0)
    for status, count in {"200": 6, "404": 3, "503": 1}.items():
        frame.histograms[series("http.request.duration", status=status)] = _histogram(*[0.1] * count)
    assert value_of(frame, "error_rate").value == 0.1


def test_requests_without_a_failure_have_an_error_rate_of_0() -> None:
    frame = Frame(1000.0, 10.0, histograms={series("http.request.duration", status="200"): _histogram(0.1)})
    assert value_of(frame, "http.error_ratio").value == 0.0


def test_amounts_of_several_series_are_added_up_and_of_shares_the_mean_is_taken() -> None:
    frame = Frame(1000.0, 10.0)
    for pool, value in {"a": 3.0, "b": 4.0}.items():
        frame.gauges[series("db.pool.in_use", pool=pool)] = Gauged.of(value)
        frame.gauges[series("host.cpu.utilization", pool=pool)] = Gauged.of(value / 10)
    assert value_of(frame, "db.pool.in_use").value == 7.0
    assert value_of(frame, "cpu_usage_percent").value == pytest.approx(35.0)


def test_the_mean_of_statements_stands_in_where_no_application_recorded_its_own() -> None:
    frame = Frame(1000.0, 10.0)
    frame.counters[series("db.statement.calls", fingerprint="f")] = 4.0
    frame.counters[series("db.statement.time", fingerprint="f")] = 0.02
    assert value_of(frame, "database_query_time_ms").value == pytest.approx(5.0)
    frame.histograms[series("db.query.duration", fingerprint="f")] = _histogram(0.5)
    assert value_of(frame, "database_query_time_ms").value == pytest.approx(500.0)


def test_the_look_ups_on_redis_stand_in_where_no_cache_of_ours_recorded() -> None:
    frame = Frame(1000.0, 10.0, counters={series("redis.keyspace.hits"): 9.0, series("redis.keyspace.misses"): 1.0})
    assert value_of(frame, "cache_hit_rate").value == 0.9


def test_network_is_megabytes_a_second() -> None:
    frame = Frame(1000.0, 10.0, counters={series("host.network.io"): 30_000_000.0})
    assert value_of(frame, "network_io_mb") == Value(3.0, None, "MB/s")


@pytest.mark.parametrize(
    ("name", "statistic"),
    [
        ("http.request.duraton", None),
        ("http.request.duration", "p101"),
        ("http.request.duration", "median"),
        ("cache.hit_ratio", "p95"),
        ("cache.requests", "mean"),
        ("db.pool.in_use", "rate"),
    ],
)
def test_what_there_is_not_is_a_usage_error_with_a_hint(name: str, statistic: str | None) -> None:
    with pytest.raises(UsageError) as raised:
        value_of(REQUESTS, name, {}, statistic)
    assert raised.value.hint


def test_groups_are_the_values_of_a_label() -> None:
    found = grouped(REQUESTS, "http.request.duration", by="route", statistic="count")
    assert {route: value.value for route, value in found.items()} == {"/a": 99.0, "/b": 1.0}
