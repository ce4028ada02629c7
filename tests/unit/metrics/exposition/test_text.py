"""What is exposed reads in prometheus_client's own parsers as what was recorded."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as prometheus_families

from perfctl.metrics.exposition import Point, openmetrics, prometheus
from perfctl.metrics.exposition.buckets import cumulative
from perfctl.metrics.exposition.families import family
from perfctl.recording.catalogue import METRICS
from perfctl.recording.frame import Frame
from perfctl.recording.histogram import Histogram
from perfctl.recording.series import Series, series
from tests.campaign import campaign

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e"))
FORMATS = pytest.mark.parametrize(
    ("write", "parse"), [(openmetrics, openmetrics_families), (prometheus, prometheus_families)]
)

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
Write = Callable[..., str]
Parse = Callable[[str], Iterable[Any]]


def frame_of_everything() -> Frame:
    """A frame with a series of each metric of the catalogue."""
    frame = Frame(1_700_000_000.0, 10.0)
    rng = random.Random(3)
    for number, metric in enumerate(METRICS):
        one = series(metric.name, **{label: f"{label} {number}" for label in metric.labels})
        if metric.kind == "counter":
            frame.counters[one] = number + 0.5
        elif metric.kind == "gauge":
            frame.gauge(one, number / 3)
        elif metric.kind == "histogram":
            frame.histograms[one] = Histogram()
            frame.histograms[one].extend([rng.lognormvariate(-4, 2) for _ in range(500)])
    return frame


def samples(text: str, parse: Parse) -> Samples:
    found: Samples = {}
    for one in parse(text):
        for sample in one.samples:
            found[(sample.name, tuple(sorted(sample.labels.items())))] = sample.value
    return found


@FORMATS
def test_every_metric_of_the_catalogue_reads_as_it_was_recorded(write: Write, parse: Parse) -> None:
    frame = frame_of_everything()
    found = samples(write(frame), parse)
    for one, total in frame.counters.items():
        assert found[f"{family(one.name, 'counter').name}_total", _labels(one)] == total
    for one, gauged in frame.gauges.items():
        assert found[family(one.name, "gauge").name, _labels(one)] == gauged.last
    for one, histogram in frame.histograms.items():
        name = family(one.name, "histogram").name
        assert found[f"{name}_count", _labels(one)] == histogram.count
        assert found[f"{name}_sum", _labels(one)] == histogram.sum


@FORMATS
def test_buckets_count_what_is_not_above_their_bound(write: Write, parse: Parse) -> None:
    rng = random.Random(5)
    values = [rng.lognormvariate(-4, 1) for _ in range(2000)]
    frame = Frame(0.0, 10.0)
    frame.histograms[series("http.request.duration", method="GET", route="/", status="200")] = one = Histogram()
    one.extend(values)
    buckets = {
        float(dict(labels)["le"]): count
        for (name, labels), count in samples(write(frame), parse).items()
        if name == "http_server_request_duration_seconds_bucket"
    }
    assert buckets[float("inf")] == 2000
    assert list(buckets.values()) == sorted(buckets.values())
    for bound, count in buckets.items():
        nearly = [sum(value <= bound * factor for value in values) for factor in (0.989, 1.011)]
        assert nearly[0] <= count <= nearly[1]


def test_buckets_are_the_shares_that_the_histogram_tells() -> None:
    rng = random.Random(11)
    for spread in (0.0, 0.5, 3.0, 12.0):
        one = Histogram()
        one.extend([0.0, 0.0, *(rng.lognormvariate(-4, spread) for _ in range(700))])
        for upper in ((1e-9, 0.001, 0.005, 0.5, 1.0, 512.0), (0.25,)):
            assert cumulative(one, upper) == [round((one.share_below(bound) or 0.0) * one.count) for bound in upper]
    assert cumulative(Histogram(), (1.0, 2.0)) == [0, 0]


def test_names_follow_opentelemetry_where_a_convention_is_stable() -> None:
    frame = Frame(0.0, 10.0)
    for name, labels in (
        ("http.request.duration", {"method": "GET", "route": "/a", "status": "200"}),
        ("db.query.duration", {"fingerprint": "f1"}),
    ):
        one = frame.histograms[series(name, **labels)] = Histogram()
        one.record(0.02)
    text = openmetrics(frame)
    said = 'http_request_method="GET",http_route="/a",http_response_status_code="200"'
    assert f"http_server_request_duration_seconds_count{{{said}}} 1\n" in text
    assert "# TYPE http_server_request_duration_seconds histogram\n" in text
    assert "# UNIT http_server_request_duration_seconds seconds\n" in text
    assert 'db_client_operation_duration_seconds_count{db_system_name="postgresql",fingerprint="f1"} 1\n' in text


def test_what_was_not_measured_has_no_line() -> None:
    assert openmetrics(Frame(0.0, 0.0)) == "# EOF\n"
    assert prometheus(Frame(0.0, 0.0)) == ""


def test_the_whole_text_of_a_small_frame() -> None:
    frame = Frame(0.0, 10.0)
    frame.counters[series("cache.requests", namespace='a"\\\n', tier="l1", result="hit")] = 3
    frame.gauge(series("redis.memory.used"), 1024)
    point = Point("collector.up", 1, (("collector", "redis"),), 'Whether a "source" answered')
    assert openmetrics(frame, extra=[point], created=5) == (
        "# TYPE perfctl_cache_requests counter\n"
        "# HELP perfctl_cache_requests Look-ups in the cache\n"
        'perfctl_cache_requests_total{namespace="a\\"\\\\\\n",result="hit",tier="l1"} 3.0\n'
        'perfctl_cache_requests_created{namespace="a\\"\\\\\\n",result="hit",tier="l1"} 5.0\n'
        "# TYPE perfctl_collector_up gauge\n"
        '# HELP perfctl_collector_up Whether a \\"source\\" answered\n'
        'perfctl_collector_up{collector="redis"} 1.0\n'
        "# TYPE perfctl_redis_memory_used_bytes gauge\n"
        "# UNIT perfctl_redis_memory_used_bytes bytes\n"
        "# HELP perfctl_redis_memory_used_bytes Memory that Redis takes\n"
        "perfctl_redis_memory_used_bytes 1024.0\n"
        "# EOF\n"
    )
    assert "# TYPE perfctl_cache_requests_total counter\n" in prometheus(frame)
    assert "UNIT" not in prometheus(frame)


@campaign(40, 3000)
@given(values=st.lists(TEXTS, min_size=1, max_size=5, unique=True), name=TEXTS)
def test_any_label_value_and_any_name_reads_back(values: list[str], name: str) -> None:
    frame = Frame(0.0, 10.0)
    for number, value in enumerate(values):
        frame.counters[series("cache.requests", namespace=value)] = number
        frame.gauge(Series(f"odd.{name}", (("label", value),)), number)
    for write, parse in ((openmetrics, openmetrics_families), (prometheus, prometheus_families)):
        found = samples(write(frame), parse)
        for number, value in enumerate(values):
            assert found["perfctl_cache_requests_total", (("namespace", value),)] == number
        assert len(found) == 2 * len(values)


def _labels(one: Series) -> tuple[tuple[str, str], ...]:
    kind = "histogram" if one.name in ("db.query.duration", "http.request.duration") else "counter"
    its = family(one.name, kind)
    return tuple(
        sorted([*its.constant.items(), *((its.labels.get(label, label), value) for label, value in one.labels)])
    )
