"""A source that was silent for some rounds: what it tells then shows no rate that never was, and loses nothing."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from perfctl.errors import UnreachableError
from perfctl.metrics.collecting.cdn_logs import Logged, cdn_source
from perfctl.metrics.collecting.source import Gathered, Source
from perfctl.metrics.collecting.spreading import Round, spread
from perfctl.metrics.engine import MetricsEngine
from perfctl.metrics.model.collected import Collected
from perfctl.recording.frame import Frame, merge
from perfctl.recording.histogram import Histogram
from perfctl.recording.series import series

HITS, MISSES = series("redis.keyspace.hits"), series("redis.keyspace.misses")
ROUNDS = tuple(Round(1000.0 + 10 * number, 10.0) for number in range(1, 10))
"""The round that is spread from ends ten seconds later, at 1100."""


def _spread(gathered: Gathered, rounds: tuple[Round, ...] = ROUNDS) -> list[Frame]:
    """All frames, the newest last."""
    now = Frame(1100.0, 10.0)
    return [*spread(gathered, now, rounds), now]


def test_what_came_in_one_round_is_in_its_frame_alone() -> None:
    for seconds in (None, 9.2, 10.0, 10.4):
        assert _spread(Gathered(counters={HITS: 7.0}, seconds=seconds)) == [Frame(1100.0, 10.0, {HITS: 7.0})]


def test_what_came_in_silent_rounds_is_spread_over_them_and_keeps_its_ratios() -> None:
    frames = _spread(Gathered(counters={HITS: 300.0, MISSES: 100.0}, seconds=40.0))
    assert [(frame.at, frame.seconds) for frame in frames] == [(1070, 10), (1080, 10), (1090, 10), (1100, 10)]
    for frame in frames:
        assert frame.counters == pytest.approx({HITS: 75.0, MISSES: 25.0})


def test_a_round_that_a_look_covers_half_gets_half_of_a_round() -> None:
    frames = _spread(Gathered(counters={HITS: 150.0}, seconds=15.0))
    assert [frame.counters[HITS] for frame in frames] == pytest.approx([50.0, 100.0])


def test_a_silence_that_is_longer_than_the_rounds_that_are_known_loses_nothing_and_shows_its_rate() -> None:
    frames = _spread(Gathered(counters={HITS: 3600.0}, seconds=360.0))
    assert (frames[0].at, frames[0].seconds) == (1000.0, 260.0)
    assert sum(frame.counters[HITS] for frame in frames) == pytest.approx(3600.0)
    assert [frame.counters[HITS] / frame.seconds for frame in frames] == pytest.approx([10.0] * 11)


def test_a_source_with_very_many_series_makes_no_more_than_it_may() -> None:
    counters = {series("db.statement.calls", fingerprint=str(number)): 36.0 for number in range(20_000)}
    frames = _spread(Gathered(counters=counters, seconds=90.0))
    assert [(frame.at, frame.seconds) for frame in frames] == [(1070, 60), (1080, 10), (1090, 10), (1100, 10)]
    assert merge(frames).counters == pytest.approx(counters)


def _histogram(rng: random.Random, count: int) -> Histogram:
    made = Histogram()
    made.extend([0.0] * (count // 10) + [rng.lognormvariate(-4.0, 1.0) for _ in range(count - count // 10)])
    return made


@pytest.mark.parametrize("count", [1, 2, 10, 1000, 100_000])
def test_histograms_stay_whole_and_their_parts_are_alike(count: int) -> None:
    whole = _histogram(random.Random(count), count)
    key = series("http.request.duration", route="/")
    frames = _spread(Gathered(histograms={key: whole}, seconds=100.0))
    together = merge(frames).histograms[key]
    assert together.counts == whole.counts
    assert (together.zeros, together.minimum, together.maximum) == (whole.zeros, whole.minimum, whole.maximum)
    assert together.sum == pytest.approx(whole.sum)
    if count >= 1000:
        for frame in frames:
            part = frame.histograms[key]
            assert part.count == pytest.approx(count / 10, rel=0.35)
            assert part.quantile(0.5) == pytest.approx(whole.quantile(0.5), rel=0.25)
            Histogram.of_fields(part.to_fields())


def test_many_routes_that_were_met_once_do_not_all_come_in_the_same_round() -> None:
    one = Histogram()
    one.record(0.1)
    routes = {series("http.request.duration", route=str(number)): one for number in range(100)}
    frames = _spread(Gathered(histograms=routes, seconds=100.0))
    assert sum(len(frame.histograms) for frame in frames) == 100
    assert max(len(frame.histograms) for frame in frames) <= 15


def _silent_in(rounds: set[int]) -> Source:
    """Counts 100 a second; does not answer in these rounds."""
    looks, answered = iter(range(100)), [0.0]

    async def ask() -> Gathered:
        if next(looks) in rounds:
            raise UnreachableError("Redis cannot be reached")
        before, answered[0] = answered[0], time.monotonic()
        if not before:
            return Gathered(is_first=True)
        lately = answered[0] - before
        return Gathered(counters={HITS: lately * 100}, seconds=lately)

    return Source(name="Redis", figures=(), ask=ask)


def _collected(source: Source, rounds: int) -> list[Collected]:
    async def collect() -> list[Collected]:
        engine = MetricsEngine([source])
        found = []
        for _ in range(rounds):
            found.append(await engine.collect(interval_seconds=0.1))
            await asyncio.sleep(0.1)
        return found

    return asyncio.run(collect())


def test_an_engine_gives_silent_rounds_their_share_when_the_source_answers_again() -> None:
    """However long the rounds were: none has a rate that never was, and together they have all that was counted."""
    began = time.monotonic()
    rounds = _collected(_silent_in({3, 4, 5}), 6)
    seconds = time.monotonic() - began
    silent, last = rounds[2:5], rounds[-1]
    assert not any(HITS in each.frame.counters or each.earlier for each in silent)
    told = [last.frame, *last.earlier]
    assert max(each.counters[HITS] / each.seconds for each in told) < 120
    assert 30 < sum(each.counters[HITS] for each in told) <= 100 * seconds
    assert {each.at for each in last.earlier} <= {each.frame.at for each in rounds}


def test_a_source_that_answers_first_in_a_later_round_counts_nothing_until_the_next() -> None:
    rounds = _collected(_silent_in({0}), 3)
    assert [HITS in each.frame.counters for each in rounds] == [False, False, True]


def _logged(first: float, last: float, requests: int) -> Logged:
    return Logged(requests, requests, 0, 10 * requests, 5.0, first, last)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([(0.0, _logged(-900, -300, 9)), (60.0, _logged(-300, -240, 6))], 60.0),
        ([(0.0, _logged(-900, -300, 9)), (300.0, _logged(-300, -10, 30))], 300.0),
        ([(0.0, _logged(-900, -300, 9)), (3600.0, _logged(3500, 3590, 30))], 3600.0),
    ],
)
def test_requests_of_the_logs_stand_for_the_time_in_which_they_came(
    looks: list[tuple[float, Logged]], expected: float
) -> None:
    """Logs come in files of some minutes: their requests are not those of the ten seconds in which one was read."""
    assert _seconds(looks)[-1] == expected


def test_files_of_five_minutes_that_are_looked_for_each_minute_stand_for_five_minutes() -> None:
    nothing_new = _logged(-900, -300, 9)
    looks = [(60.0 * minute, nothing_new) for minute in range(5)]
    seconds = _seconds([*looks, (300.0, _logged(-300, -5, 300))])
    assert seconds == [None] * 5 + [295.0]


def _seconds(looks: list[tuple[float, Logged]]) -> list[float | None]:
    now = [0.0]
    found = dict(looks)

    async def look(since: float, until: float) -> Logged:
        return found[now[0]]

    async def ask() -> list[float | None]:
        source = cdn_source(look, clock=lambda: now[0])
        gathered = []
        for at, _ in looks:
            now[0] = at
            gathered.append((await source.ask()).seconds)
        return gathered

    return asyncio.run(ask())
