"""Many caches at once, against one cache after another that is plain to read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.simulating import replaying
from perfctl.cdn.simulating.replaying import NEVER, fetches, firsts_of, order_of
from tests.campaign import campaign


@dataclass(frozen=True)
class Stream:
    """Requests as (group, time), the TTL of each group, the idle limit, which are lost."""

    requests: list[tuple[int, int]]
    ttl: list[int]
    idle: int
    lost: list[bool]


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    groups = draw(st.integers(1, 90))
    span = draw(st.sampled_from([3, 30, 1_000, 100_000]))
    requests = draw(st.lists(st.tuples(st.integers(0, groups - 1), st.integers(0, span)), max_size=300))
    ttls = st.one_of(st.integers(0, 12), st.integers(0, span * 2), st.just(NEVER))
    return Stream(
        requests=requests,
        ttl=draw(st.lists(ttls, min_size=groups, max_size=groups)),
        idle=draw(st.one_of(st.just(NEVER), st.integers(1, span * 2))),
        lost=draw(st.lists(st.booleans(), min_size=len(requests), max_size=len(requests))),
    )


def one_by_one(stream: Stream) -> list[bool]:
    """Whether each request is fetched, cache by cache and request by request."""
    fetched = [False] * len(stream.requests)
    for group in {group for group, _ in stream.requests}:
        places = [place for place, (of, _) in enumerate(stream.requests) if of == group]
        fetched_at = asked_at = None
        for place in sorted(places, key=lambda place: stream.requests[place][1]):
            now = stream.requests[place][1]
            is_held = (
                fetched_at is not None
                and now - fetched_at < stream.ttl[group]
                and now - asked_at < stream.idle  # type: ignore[operator]
                and not stream.lost[place]
            )
            if not is_held:
                fetched[place], fetched_at = True, now
            asked_at = now
    return fetched


def at_once(stream: Stream) -> list[bool]:
    groups = np.array([group for group, _ in stream.requests], np.int64)
    times = np.array([time for _, time in stream.requests], np.int64)
    order = order_of(groups, times)
    found = np.zeros(len(order), bool)
    found[order] = fetches(
        times[order],
        firsts_of(groups[order]),
        np.array(stream.ttl, np.int64)[groups[order]],
        idle_ms=stream.idle,
        lost=np.array(stream.lost, bool)[order],
    )
    return found.tolist()


@campaign(120, 20_000)
@given(streams())
def test_caches_side_by_side_fetch_what_each_alone_would(stream: Stream) -> None:
    assert at_once(stream) == one_by_one(stream)


@pytest.mark.parametrize("few", [0, 1, 1_000])
def test_runs_are_walked_alike_one_by_one_and_side_by_side(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(replaying, "_FEW", few)
    random = np.random.default_rng(5)
    requests = [(int(group), int(time)) for group, time in random.integers(0, (60, 5_000), (3_000, 2))]
    stream = Stream(requests, random.integers(1, 900, 60).tolist(), NEVER, [False] * 3_000)
    assert at_once(stream) == one_by_one(stream)


def test_groups_beyond_what_packs_into_one_number_are_sorted_all_the_same() -> None:
    groups = np.array([1 << 60, 3, 1 << 60, 3], np.int64)
    times = np.array([5, 9, 1, 2], np.int64)
    assert order_of(groups, times).tolist() == [3, 1, 2, 0]


def test_nothing_is_fetched_where_nothing_is_asked() -> None:
    nothing = np.zeros(0, np.int64)
    assert not fetches(nothing, firsts_of(nothing), nothing).size
