"""What-ifs against a cache that is plain to read, one request after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.simulating.fitting import Baseline
from perfctl.cdn.simulating.layouts import Layout, Places
from perfctl.cdn.simulating.queries import QueryRule
from perfctl.cdn.simulating.replaying import NEVER
from perfctl.cdn.simulating.requests import EVENT, HIT, MISS, Names
from perfctl.cdn.simulating.whatif import Change, Portion
from tests.campaign import campaign

LOCATIONS = (b"FRA56-P1", b"IAD89-P1", b"IAD66-C1", b"NRT57-P4")
BASE_TTL = 20


@dataclass(frozen=True)
class Request:
    second: int
    path: int
    query: int
    location: int


requests = st.lists(
    st.builds(Request, st.integers(1_000, 1_200), st.integers(0, 3), st.integers(0, 2), st.integers(0, 3)),
    min_size=1,
    max_size=80,
).map(lambda found: sorted(found, key=lambda request: request.second))


def replayed(asked: Sequence[Request], ttl: int, *, has_query: bool = True) -> list[bool]:
    """Whether each request is fetched, by a cache at each location."""
    fetched_at: dict[object, int] = {}
    found = []
    for one in asked:
        key = (one.path, one.query if has_query else None, one.location)
        is_hit = key in fetched_at and one.second - fetched_at[key] < ttl
        found.append(not is_hit)
        if not is_hit:
            fetched_at[key] = one.second
    return found


def behind_shield(asked: Sequence[Request], ttl: int) -> tuple[int, int]:
    """Fetches from the origin, and answers of the Shield to locations; an object keeps its age on the way."""
    shield: dict[object, int] = {}
    edge: dict[object, int] = {}
    fetches = shield_hits = 0
    for one in asked:
        key, place = (one.path, one.query), (one.path, one.query, one.location)
        if place in edge and one.second - edge[place] < ttl:
            continue
        if key in shield and one.second - shield[key] < ttl:
            shield_hits += 1
        else:
            fetches += 1
            shield[key] = one.second
        edge[place] = shield[key]
    return fetches, shield_hits


def portion_of(asked: Sequence[Request]) -> Portion:
    """The requests as a log of caches with the base TTL has them."""
    events = np.zeros(len(asked), EVENT)
    for name in ("second", "path", "query", "location"):
        events[name] = [getattr(one, name) for one in asked]
    events["result"] = [MISS if fetched else HIT for fetched in replayed(asked, BASE_TTL)]
    events["size_bytes"], events["is_real"] = 10, True
    names = Names({"/*": 0}, {name: number for number, name in enumerate(LOCATIONS)})
    baseline = Baseline(
        layout=Layout("location", "query"),
        ttl_ms=np.array([BASE_TTL * 1000]),
        idle_ms=NEVER,
        refresh_share=np.zeros(1),
        ttl_from=("log",),
    )
    return Portion(events, baseline, Places(names))


@campaign(60, 10_000)
@given(requests, st.integers(1, 300))
def test_another_ttl_fetches_what_a_plain_cache_would(asked: list[Request], ttl: int) -> None:
    tally = portion_of(asked).replay(Change(ttl_ms=ttl * 1000))
    assert tally.misses == sum(replayed(asked, ttl))
    assert tally.hits + tally.misses == len(asked)
    assert tally.origin_bytes == 10 * tally.misses


@campaign(50, 10_000)
@given(requests)
def test_the_log_itself_is_replayed_without_a_difference(asked: list[Request]) -> None:
    tally = portion_of(asked).replay(Change())
    assert tally.agreeing == len(asked)


@campaign(50, 10_000)
@given(requests)
def test_a_key_without_the_query_shares_what_a_plain_cache_would(asked: list[Request]) -> None:
    tally = portion_of(asked).replay(Change(query=QueryRule(drop=("all",))))
    assert tally.misses == sum(replayed(asked, BASE_TTL, has_query=False))


@campaign(60, 10_000)
@given(requests, st.integers(1, 300))
def test_behind_the_shield_the_origin_is_asked_as_by_one_cache(asked: list[Request], ttl: int) -> None:
    tally = portion_of(asked).replay(Change(ttl_ms=ttl * 1000, shield="us-east-1"))
    assert (tally.misses, tally.shield_hits) == behind_shield(asked, ttl)
