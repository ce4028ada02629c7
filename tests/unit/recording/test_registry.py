"""Counters, gauges and recorders: what is taken, by how many threads, how many series, in a forked child."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.recording.catalogue import BY_NAME, METRICS
from perfctl.recording.frame import Frame, Gauged, merge
from perfctl.recording.histogram import Histogram
from perfctl.recording.registry import FOLD_AT, Registry
from perfctl.recording.series import Series, series
from tests.campaign import campaign


def test_a_series_is_bound_once_whatever_the_order_of_its_labels() -> None:
    registry = Registry()
    assert registry.counter("a", x=1, y=2) is registry.counter("a", y=2, x="1")
    assert registry.counter("a", x=1, y=None) is registry.counter("a", x=1)


def test_a_take_has_what_came_since_the_last_one_and_a_collect_has_all() -> None:
    registry = Registry()
    hits, seconds = registry.counter("hits"), registry.histogram("seconds")
    hits.add(2)
    seconds.record(0.5)
    first = registry.take()
    hits.add()
    second, third = registry.take(), registry.take()
    assert (first.counters, second.counters, third.counters) == ({series("hits"): 2}, {series("hits"): 1}, {})
    assert [frame.histograms != {} for frame in (first, second, third)] == [True, False, False]
    whole = registry.collect()
    assert whole.counters == {series("hits"): 3}
    assert whole.histograms[series("seconds")].count == 1


def test_a_gauge_shows_its_extremes_since_the_last_take_and_then_its_last_value() -> None:
    registry = Registry()
    gauge = registry.gauge("g")
    for value in (3, 9, 1):
        gauge.set(value)
    seen = registry.take().gauges[series("g")]
    assert seen[:5] == (1, 1, 9, 13, 3)
    assert registry.take().gauges[series("g")][:5] == (1, 1, 1, 1, 1)
    gauge.forget()
    assert registry.take().gauges == {}


def test_what_is_no_number_changes_neither_counter_nor_gauge() -> None:
    registry = Registry()
    counter, gauge = registry.counter("c"), registry.gauge("g")
    for bad in (float("nan"), float("inf"), float("-inf")):
        counter.add(bad)
        gauge.set(bad)
        gauge.add(bad)
    counter.add(-1)
    assert (counter.value, gauge.value) == (0, None)


def test_series_beyond_the_limit_are_one_and_are_counted() -> None:
    registry = Registry(max_series=10)
    for number in range(25):
        registry.counter("requests", route=f"/{number}").add()
    frame = registry.take()
    requests = {each: value for each, value in frame.counters.items() if each.name == "requests"}
    assert len(requests) == 10
    assert sum(requests.values()) == 25
    assert requests[series("requests", route="other")] == 16
    assert frame.counters[series("perfctl.series.dropped", metric="requests")] == 16


def test_an_observer_is_asked_before_each_look() -> None:
    registry = Registry()
    looks: list[int] = []

    def observer() -> None:
        looks.append(1)
        registry.gauge("looks").set(len(looks))

    registry.observe(observer)
    assert registry.take().gauges[series("looks")].last == 1
    assert registry.collect().gauges[series("looks")].last == 2
    registry.unobserve(observer)
    registry.take()
    assert len(looks) == 2


def test_nothing_is_lost_and_nothing_made_up_by_threads() -> None:
    registry = Registry()
    counter, recorder = registry.counter("c"), registry.histogram("h")
    taken: list[Frame] = []

    def work() -> None:
        for number in range(3 * FOLD_AT):
            counter.add()
            recorder.record(number % 7)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken.append(registry.take())
        threads[0].join(0.002)
    taken.append(registry.take())
    whole = merge(taken)
    assert whole.counters[series("c")] == 12 * FOLD_AT
    assert whole.histograms[series("h")].count == 12 * FOLD_AT


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # since Python 3.12, where threads run
def test_a_forked_child_starts_at_nothing_with_what_was_bound() -> None:
    registry = Registry()
    counter, recorder, gauge = registry.counter("c"), registry.histogram("h"), registry.gauge("g")
    counter.add(5)
    recorder.record(1.0)
    gauge.set(3)
    reader, writer = os.pipe()
    held = threading.Event()

    def holds() -> None:
        with recorder._lock, registry._lock:
            held.set()
            os.read(waker, 1)

    waker, wakes = os.pipe()
    holder = threading.Thread(target=holds)
    holder.start()
    held.wait()
    child = os.fork()
    if child == 0:
        try:
            counter.add()
            recorder.record(2.0)
            os.write(writer, registry.take().pack())
        finally:
            os._exit(0)
    os.write(wakes, b"x")
    holder.join()
    os.close(writer)
    packed = b"".join(iter(lambda: os.read(reader, 65536), b""))
    os.waitpid(child, 0)
    for end in (reader, waker, wakes):
        os.close(end)
    frame = Frame.unpack(packed)
    assert frame.counters == {series("c"): 1}
    assert frame.histograms[series("h")].maximum == 2.0
    assert frame.gauges == {}
    assert registry.take().counters == {series("c"): 5}


NAMES = st.sampled_from(["a", "b.c"])
LABELS = st.lists(st.tuples(st.sampled_from("xyz"), st.text(max_size=4)), max_size=3, unique_by=lambda pair: pair[0])
SERIES = st.builds(lambda name, labels: Series(name, tuple(sorted(labels))), NAMES, LABELS)
NUMBERS = st.integers(min_value=0, max_value=1000).map(float)
GAUGES = st.lists(NUMBERS, min_size=1, max_size=4)
DURATIONS = st.lists(st.floats(min_value=1e-6, max_value=100), min_size=1, max_size=9)


def _gauged(values: list[float], at: float) -> Gauged:
    return Gauged(values[-1], min(values), max(values), sum(values), len(values), at)


def _histogram(values: list[float]) -> Histogram:
    made = Histogram()
    made.extend([round(value * 64) / 64 or 0.5 for value in values])  # sums of these are exact in any order
    return made


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    at = draw(st.integers(min_value=0, max_value=50)) * 10.0
    return Frame(
        at,
        10.0,
        draw(st.dictionaries(SERIES, NUMBERS, max_size=4)),
        {each: _gauged(values, at) for each, values in draw(st.dictionaries(SERIES, GAUGES, max_size=3)).items()},
        {each: _histogram(values) for each, values in draw(st.dictionaries(SERIES, DURATIONS, max_size=3)).items()},
    )


@campaign(100, 3000)
@given(frames(), frames(), frames())
def test_frames_are_merged_in_any_order_and_grouping(a: Frame, b: Frame, c: Frame) -> None:
    assert merge([a, b]) == merge([b, a])
    assert merge([merge([a, b]), c]) == merge([a, merge([b, c])]) == merge([a, b, c])


@campaign(100, 3000)
@given(frames())
def test_a_frame_and_its_bytes_are_the_same(frame: Frame) -> None:
    assert Frame.unpack(frame.pack()) == frame
    assert merge([frame]).pack() == frame.pack()


@campaign(100, 3000)
@given(st.binary(max_size=60))
def test_bytes_that_are_no_frame_are_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="not a frame"):
        Frame.unpack(packed)


@campaign(100, 3000)
@given(frames(), st.data())
def test_a_frame_that_was_damaged_is_refused_or_sound(frame: Frame, data: st.DataObject) -> None:
    packed = bytearray(frame.pack())
    at = data.draw(st.integers(min_value=0, max_value=len(packed) - 1))
    packed[at] ^= data.draw(st.integers(min_value=1, max_value=255))
    with suppress(ValueError):  # nothing else
        Frame.unpack(bytes(packed)).pack()


def test_merging_leaves_its_parts_as_they_are() -> None:
    one, two = Histogram(), Histogram()
    one.record(1.0)
    two.record(2.0)
    parts = [Frame(1.0, 1.0, histograms={series("h"): each}) for each in (one, two)]
    assert merge(parts).histograms[series("h")].count == 2
    assert (one.count, two.count) == (1, 1)


def test_each_metric_has_one_row_and_each_ratio_its_parts() -> None:
    assert len(BY_NAME) == len(METRICS)
    for metric in METRICS:
        assert (metric.kind == "ratio") == (metric.numerator is not None) == (metric.denominator is not None)
        for part in (metric.numerator, metric.denominator):
            assert part is None or (part.metric in BY_NAME and part.label in (None, *BY_NAME[part.metric].labels))
