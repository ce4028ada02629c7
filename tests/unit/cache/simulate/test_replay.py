"""Replays against hand-computed traces, against caches written from scratch, and against laws."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cache.policies import CLAIRVOYANT, POLICIES, policy_named, replay
from perfctl.cache.simulate.model import SimulatedRow
from perfctl.cache.simulate.run import hits_of, hits_of_bytes, reaches
from perfctl.cache.simulate.size import parse_size
from perfctl.cache.simulate.study import default_policy, simulated
from perfctl.errors import UsageError
from tests.campaign import campaign
from tests.unit.cache.simulate.traces import KEYS, traced

CAPACITIES = st.integers(1, 15)


@pytest.mark.parametrize(
    ("policy", "keys", "capacity", "hits"),
    [
        ("lru", "abcab", 3, 2),
        ("lru", "abcab", 2, 0),
        ("lru", "abacab", 2, 2),
        ("fifo", "abacab", 2, 1),
        ("opt", "abcab", 2, 2),
        ("opt", "abcabc", 2, 2),
        ("opt", "abcdabcd", 3, 3),
        ("ttl", "abacab", 2, 1),
        ("lfu", "aaabcbca", 2, 3),
    ],
)
def test_a_hand_computed_trace_hits_so_often(policy: str, keys: str, capacity: int, hits: int) -> None:
    assert hits_of(traced(keys), policy, capacity) == hits


def naive_lru(keys: Sequence[int], capacity: int) -> int:
    held: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for key in keys:
        hits += key in held
        held.pop(key, None)
        held[key] = None
        while len(held) > capacity:
            held.popitem(last=False)
    return hits


def naive_fifo(keys: Sequence[int], capacity: int) -> int:
    held: deque[int] = deque(maxlen=capacity)
    hits = 0
    for key in keys:
        hits += key in held
        if key not in held:
            held.append(key)
    return hits


def naive_opt(keys: Sequence[int], capacity: int) -> int:
    held: set[int] = set()
    hits = 0
    for turn, key in enumerate(keys):
        hits += key in held
        held.add(key)
        if len(held) > capacity:
            rest = list(keys[turn + 1 :])
            held.remove(max(held, key=lambda one: rest.index(one) if one in rest else len(rest)))
    return hits


@given(KEYS, CAPACITIES)
@campaign(200, 5000)
def test_a_replay_is_what_a_cache_written_from_scratch_does(keys: list[int], capacity: int) -> None:
    trace = traced(keys)
    assert hits_of(trace, "lru", capacity) == naive_lru(keys, capacity)
    assert hits_of(trace, "fifo", capacity) == naive_fifo(keys, capacity)
    assert hits_of(trace, "opt", capacity) == naive_opt(keys, capacity)


@pytest.mark.parametrize("policy", POLICIES)
@given(KEYS, CAPACITIES)
@campaign(60, 2000)
def test_no_policy_hits_more_often_than_the_limit_and_than_keys_come_again(
    policy: str, keys: list[int], capacity: int
) -> None:
    trace = traced(keys)
    hits = hits_of(trace, policy, capacity)
    assert 0 <= hits <= hits_of(trace, "opt", capacity) <= len(keys) - trace.unique
    if capacity >= trace.unique:
        assert hits == len(keys) - trace.unique


@pytest.mark.parametrize("policy", ["lru", "opt"])
@given(KEYS)
@campaign(100, 3000)
def test_a_larger_cache_of_an_inclusive_policy_hits_no_less(policy: str, keys: list[int]) -> None:
    trace = traced(keys)
    found = [hits_of(trace, policy, capacity) for capacity in range(1, 15)]
    assert found == sorted(found)


@pytest.mark.parametrize("policy", POLICIES)
@given(KEYS, CAPACITIES)
@campaign(30, 1000)
def test_entries_of_one_byte_make_bytes_of_entries(policy: str, keys: list[int], capacity: int) -> None:
    trace = traced(keys, [1] * len(keys))
    future = trace.keys if policy in CLAIRVOYANT else ()
    expected = replay(policy_named(policy, seed=1, future=future), trace.keys, capacity)
    assert hits_of(trace, policy, capacity) == hits_of_bytes(trace, policy, capacity) == expected


@pytest.mark.parametrize("policy", POLICIES)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 9)), min_size=1, max_size=200), st.integers(1, 30))
@campaign(30, 1000)
def test_values_of_any_size_are_replayed(policy: str, requests: list[tuple[int, int]], capacity: int) -> None:
    trace = traced([key for key, _ in requests], [size for _, size in requests])
    assert 0 <= hits_of_bytes(trace, policy, capacity) <= len(requests) - trace.unique


def test_a_value_larger_than_the_cache_stays_out_and_drives_nobody_out() -> None:
    assert hits_of_bytes(traced("abBab", [4, 4, 99, 4, 4]), "lru", 8) == 2


@given(KEYS, CAPACITIES, st.integers(1, 200))
@campaign(100, 3000)
def test_a_size_reaches_what_it_hits(keys: list[int], capacity: int, needed: int) -> None:
    trace = traced(keys)
    assert reaches(trace, "lru", capacity, needed) == (hits_of(trace, "lru", capacity) >= needed)


def test_there_is_a_row_for_each_pair_in_the_order_typed() -> None:
    trace = traced("abcab")
    result = simulated(trace, ("opt", "default"), (parse_size("100%"), parse_size("2")))
    rows = [(row.policy, row.size, row.capacity) for row in result.rows]
    assert rows == [("opt", "100%", 3), ("opt", "2", 2), ("default", "100%", 3), ("default", "2", 2)]
    assert result.rows[1] == SimulatedRow("opt", "2", 2, 5, 2, 0.4)
    assert (result.unique_keys, result.requests, result.default_policy) == (3, 5, default_policy())


def test_the_default_is_the_shipped_one() -> None:
    result = simulated(traced("abcabdbac"), ("default", default_policy()), (parse_size("2"),))
    default, named = result.rows
    assert default.hits == named.hits


def test_an_unknown_policy_is_refused_with_what_was_meant() -> None:
    with pytest.raises(UsageError, match="no policy 'lur'") as error:
        simulated(traced("a"), ("lur",), ())
    assert error.value.hint == "did you mean lru?"


def test_bytes_are_refused_where_the_trace_has_no_sizes() -> None:
    with pytest.raises(UsageError, match="'1MB' is in bytes, and the trace has no sizes"):
        simulated(traced("a"), ("lru",), (parse_size("1MB"),))


def test_progress_is_told_to_the_last_request() -> None:
    ticks: list[int] = []
    simulated(traced([1, 2, 3] * 50_000), ("lru", "fifo"), (parse_size("2"),), tick=ticks.append)
    assert sum(ticks) == 300_000
    assert len(ticks) > 4
