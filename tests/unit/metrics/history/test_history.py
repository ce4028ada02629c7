"""What was appended is found again in every window, once, whatever was folded or pruned meanwhile."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.metrics.history import History
from perfctl.metrics.history.levels import DAY, HOUR
from perfctl.recording.frame import Frame
from tests.campaign import campaign
from tests.unit.metrics.history.made import HITS, IN_USE, NOW, QUERY, frame, latencies


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Kept:
    """A history, its clock, and all that it was given: (moment, values)."""

    history: History
    clock: Clock
    given: list[tuple[float, list[float]]] = field(default_factory=list)

    def add(self, values: list[float], *, source: str = "p1", at: float | None = None) -> None:
        end = self.clock.now if at is None else at
        self.history.append(frame(end, values=values, hits=len(values)), source=source)
        self.given.append((end - 5.0, values))


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    clock = Clock()
    return Kept(History(tmp_path / "h.sqlite", clock=clock), clock)


def counted(one: Frame) -> float:
    return one.counters.get(HITS, 0.0)


def test_a_history_that_is_not_there_is_empty_and_is_not_made_by_reading(tmp_path: Path) -> None:
    history = History(tmp_path / "none.sqlite")
    assert list(history.frames(0, NOW)) == []
    assert history.window(0, NOW) == Frame(NOW, 0.0)
    assert [one.seconds for one in history.steps(NOW - 60, NOW, 20)] == [0.0, 0.0, 0.0]
    assert (history.latest(), history.totals(), history.began(), history.prune()) == (None, None, None, 0)
    assert not history.status().is_there
    assert not (tmp_path / "none.sqlite").exists()


def test_what_was_appended_is_there_at_once(kept: Kept) -> None:
    kept.history.append(frame(NOW, hits=3, values=[0.5], in_use=2), source="p1")
    assert list(kept.history.frames(NOW - 10, NOW)) == [frame(NOW, hits=3, values=[0.5], in_use=2)]
    assert kept.history.latest() == kept.history.latest("p1") == frame(NOW, hits=3, values=[0.5], in_use=2)
    assert kept.history.latest("p2") is None
    assert kept.history.began() == NOW - 10


def test_windows_are_half_open_and_together_count_everything_once(kept: Kept) -> None:
    for number in range(60):
        kept.clock.now = NOW + 10 * number
        kept.add([0.1])
    start, end = NOW - 10, NOW + 590
    assert counted(kept.history.window(start, end)) == 60
    halves = [kept.history.window(start, NOW + 290), kept.history.window(NOW + 290, end)]
    assert [counted(half) for half in halves] == [30, 30]


def test_gauges_of_two_processes_add_up_and_those_of_one_follow_each_other(kept: Kept) -> None:
    kept.history.append(frame(NOW, in_use=3), source="p1")
    kept.history.append(frame(NOW, in_use=5), source="p2")
    for _ in range(2):
        gauged = kept.history.window(NOW - 10, NOW).gauges[IN_USE]
        assert (gauged.last, gauged.mean) == (8.0, 8.0)
        kept.clock.now += 600
        kept.history.fold()
    kept.history.append(frame(kept.clock.now, in_use=4), source="p1")
    gauged = kept.history.window(NOW - 10, kept.clock.now).gauges[IN_USE]
    assert (gauged.last, gauged.mean, gauged.minimum, gauged.maximum) == (4.0, 6.0, 4.0, 8.0)


def test_seconds_are_those_that_were_measured_however_many_processes_measured_them(kept: Kept) -> None:
    for source in ("p1", "p2", "p3"):
        for number in range(6):
            kept.history.append(frame(NOW + 10 * number, hits=1), source=source)
    window = kept.history.window(NOW - HOUR, NOW + HOUR)
    assert (counted(window), window.seconds) == (18, 60.0)


def test_steps_are_all_there_and_an_unmeasured_one_has_no_seconds(kept: Kept) -> None:
    for number in (0, 1, 4):
        kept.history.append(frame(NOW + 10 * number, hits=1), source="p1")
    steps = kept.history.steps(NOW - 10, NOW + 50, 20)
    assert [(one.at, one.seconds, counted(one)) for one in steps] == [
        (NOW + 10, 20.0, 2.0),
        (NOW + 30, 0.0, 0.0),
        (NOW + 50, 10.0, 1.0),
    ]


def test_folding_keeps_three_resolutions_and_loses_nothing(kept: Kept) -> None:
    rng = random.Random(7)
    for number in range(int(3 * DAY / 300)):
        kept.clock.now = NOW + 300 * number
        kept.add(latencies(rng, 3))
        kept.history.fold()
    kept.history.fold()
    by_seconds = {each.seconds: each for each in kept.history.status().resolutions}
    oldest = {seconds: kept.clock.now - each.oldest for seconds, each in by_seconds.items() if each.oldest is not None}
    assert oldest[10] <= 2 * HOUR + 120
    assert oldest[60] <= 49 * HOUR + 120
    assert oldest[600] >= 3 * DAY - 600
    whole = kept.history.window(NOW - DAY, kept.clock.now + 1)
    assert counted(whole) == sum(len(values) for _, values in kept.given)
    assert sum(counted(each) for each in kept.history.frames(NOW - DAY, kept.clock.now + 1)) == counted(whole)


def test_folding_twice_and_by_two_changes_nothing(kept: Kept) -> None:
    for number in range(200):
        kept.add([0.1, 0.2], at=NOW - 3 * DAY + 900 * number)
    other = History(kept.history.path, clock=kept.clock)
    kept.history.fold()
    once = kept.history.window(0, NOW + 1)
    for _ in range(2):
        other.fold()
        kept.history.fold()
    assert kept.history.window(0, NOW + 1) == once
    assert counted(once) == 400


def test_what_comes_late_is_added_to_the_slot_that_was_folded_already(kept: Kept) -> None:
    moments = [NOW - 5 * DAY, NOW - HOUR * 30, NOW - HOUR, NOW]
    for _ in range(3):
        for at in moments:
            kept.add([0.25], at=at)
            kept.history.fold()
    window = kept.history.window(0, NOW + 1)
    assert (counted(window), window.histograms[QUERY].count) == (12, 12)
    assert counted(kept.history.window(NOW - 6 * DAY, NOW - 4 * DAY)) == 3


def test_a_clock_that_is_set_back_loses_nothing_and_the_latest_is_what_was_written_last(kept: Kept) -> None:
    kept.add([0.1])
    kept.clock.now -= 2 * HOUR
    kept.add([0.2, 0.3])
    kept.history.fold()
    assert counted(kept.history.window(0, NOW + 1)) == 3
    latest = kept.history.latest()
    assert latest is not None
    assert latest.at == NOW - 2 * HOUR


def test_a_clock_that_jumps_far_ahead_deletes_nothing_until_it_went_evenly_for_an_hour(kept: Kept) -> None:
    kept.add([0.1])
    kept.history.fold()
    kept.clock.now += 400 * DAY
    for _ in range(3):
        kept.clock.now += 600
        kept.history.fold()
    assert counted(kept.history.window(0, NOW + 1)) == 1
    kept.clock.now += HOUR
    kept.history.fold()
    assert counted(kept.history.window(0, NOW + 1)) == 0


def test_what_is_older_than_the_days_is_deleted_and_still_counts_in_the_totals(kept: Kept) -> None:
    for number in range(100):
        kept.add([0.1], at=NOW - 40 * DAY + number * 12 * HOUR)
    kept.history.fold()
    deleted = kept.history.prune()
    status = kept.history.status()
    assert deleted > 0
    assert status.oldest is not None
    assert status.oldest >= NOW - 30 * DAY - 600
    left = sum(len(values) for moment, values in kept.given if moment >= status.oldest)
    assert counted(kept.history.window(0, NOW + 11 * DAY)) == left
    totals = kept.history.totals()
    assert totals is not None
    assert counted(totals) == 100
    assert kept.history.prune() == 0


def test_totals_only_grow(kept: Kept) -> None:
    seen = []
    for number in range(50):
        kept.clock.now = NOW + 700 * number
        kept.add([0.1])
        kept.history.fold()
        totals = kept.history.totals()
        assert totals is not None
        seen.append(counted(totals))
    assert seen == list(range(1, 51))


def test_the_last_frame_of_a_process_outlives_its_folding(kept: Kept) -> None:
    kept.history.append(frame(NOW, hits=1), source="p1")
    kept.history.append(frame(NOW + 10, hits=2), source="p1")
    kept.history.append(frame(NOW + 10, hits=9), source="p2")
    kept.clock.now += HOUR
    kept.history.fold()
    latest = kept.history.latest("p1")
    assert latest is not None
    assert counted(latest) == 2


def test_one_holder_has_a_lease_until_it_ends_or_gives_it_back(kept: Kept) -> None:
    history = kept.history
    assert history.lease("observe", holder="a", seconds=30) is None
    assert history.lease("observe", holder="b", seconds=30) == "a"
    assert history.lease("observe", holder="a", seconds=30) is None
    kept.clock.now += 31
    assert history.lease("observe", holder="b", seconds=30) is None
    history.release("observe", holder="b")
    assert history.lease("observe", holder="a", seconds=30) is None
    kept.clock.now -= 30 * DAY
    assert history.lease("observe", holder="b", seconds=30) is None


def test_who_iterates_over_frames_may_ask_and_append_meanwhile(kept: Kept) -> None:
    for number in range(5):
        kept.add([0.1], at=NOW + 10 * number)
    seen = 0
    for one in kept.history.frames(0, NOW + HOUR):
        kept.history.append(one, source="copy")
        seen += int(counted(kept.history.window(0, NOW + HOUR)) > 0)
    assert seen == 5


@campaign(8, 200)
@given(
    seed=st.integers(0, 2**32),
    ages=st.lists(st.floats(0, 20 * DAY), min_size=1, max_size=60),
    processes=st.integers(1, 3),
    edges=st.tuples(st.floats(0, 20 * DAY), st.floats(0, 20 * DAY)),
)
def test_percentiles_of_any_window_are_within_1_1_percent_of_the_raw_values(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    ages: list[float],
    processes: int,
    edges: tuple[float, float],
) -> None:
    """Through all three resolutions: what was appended long ago was folded twice."""
    rng = random.Random(seed)
    clock = Clock(NOW - 20 * DAY)
    kept = Kept(History(tmp_path_factory.mktemp("history") / "h.sqlite", clock=clock), clock)
    for age in sorted(ages, reverse=True):
        clock.now = NOW - age
        kept.add(latencies(rng, rng.randint(1, 40)), source=f"p{rng.randint(1, processes)}")
        if rng.random() < 0.5:
            kept.history.fold()
    clock.now = NOW
    kept.history.fold()
    youngest, oldest = sorted(edges)
    start, end = (600 * round((NOW - age) / 600) for age in (oldest, youngest))
    for since, until in ((NOW - 21 * DAY, NOW + 1), (start, end)):
        raw = sorted(value for moment, values in kept.given if since <= moment < until for value in values)
        window = kept.history.window(since, until)
        assert counted(window) == len(raw)
        for q in (0.5, 0.9, 0.95, 0.99) if raw else ():
            found, exact = window.histograms[QUERY].quantile(q), raw[int(q * (len(raw) - 1))]
            assert found is not None
            assert abs(found / exact - 1) <= 0.011
    kept.history.close()
