"""The ten figures: which value wins, and what is said where there is none."""

from __future__ import annotations

import dataclasses

from perfctl.metrics.model import FIGURES, MetricsSnapshot, PerformanceMetrics, Reading, metrics_of, snapshot_of

SPECIFIED = (
    "api_response_time_ms",
    "database_query_time_ms",
    "cache_hit_rate",
    "memory_usage_mb",
    "cpu_usage_percent",
    "network_io_mb",
    "disk_io_mb",
    "active_connections",
    "requests_per_second",
    "error_rate",
)


def test_the_ten_figures_are_those_of_the_specification_in_its_order() -> None:
    assert tuple(figure.name for figure in FIGURES) == SPECIFIED


def test_the_outputs_ten_fields_stand_at_the_top_level() -> None:
    assert tuple(field.name for field in dataclasses.fields(MetricsSnapshot))[:10] == SPECIFIED


def test_the_first_source_with_a_value_wins() -> None:
    readings = [
        Reading("cache_hit_rate", None, "counters are empty"),
        Reading("cache_hit_rate", 0.9, "Redis INFO"),
        Reading("cache_hit_rate", 0.1, "this process"),
    ]
    metrics = metrics_of(readings)
    assert (metrics.cache_hit_rate, metrics.sources["cache_hit_rate"]) == (0.9, "Redis INFO")


def test_without_a_value_the_first_reason_is_said() -> None:
    readings = [Reading("error_rate", None, "nobody reports it"), Reading("error_rate", None, "nor does anyone else")]
    assert metrics_of(readings).unmeasured["error_rate"] == "nobody reports it"


def test_whatever_was_not_measured_is_null_in_an_output_and_never_zero() -> None:
    snapshot = snapshot_of(metrics_of([Reading("cache_hit_rate", 0.0, "this process")]))
    values = {name: getattr(snapshot, name) for name in SPECIFIED}
    assert values == {**dict.fromkeys(SPECIFIED), "cache_hit_rate": 0.0}
    assert set(snapshot.unmeasured) == set(SPECIFIED) - {"cache_hit_rate"}


def test_a_programs_metrics_keep_their_default_and_say_what_was_not_measured() -> None:
    metrics = metrics_of([Reading("active_connections", 7.0, "pg_stat_activity")])
    assert (metrics.active_connections, metrics.api_response_time_ms) == (7, 0.0)
    assert metrics.measured("active_connections") == 7
    assert metrics.measured("api_response_time_ms") is None


def test_metrics_may_be_made_by_hand_as_specified() -> None:
    metrics = PerformanceMetrics(api_response_time_ms=12.5, cache_hit_rate=0.95)
    assert metrics.measured("api_response_time_ms") == 12.5
