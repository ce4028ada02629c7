"""The smallest size for a hit ratio, against all sizes tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cache.simulate.model import TargetSize
from perfctl.cache.simulate.run import hits_of
from perfctl.cache.simulate.size import parse_size
from perfctl.cache.simulate.study import simulated, targets
from perfctl.cache.simulate.target import smallest
from tests.campaign import campaign
from tests.unit.cache.simulate.traces import KEYS, traced


@pytest.mark.parametrize("policy", ["lru", "opt"])
@given(KEYS, st.floats(0.01, 1))
@campaign(100, 3000)
def test_the_smallest_size_of_an_inclusive_policy_is_found(policy: str, keys: list[int], target: float) -> None:
    trace = traced(keys)
    needed = target * len(keys)
    reaching = [size for size in range(1, trace.unique + 1) if hits_of(trace, policy, size) >= needed - 1e-6]
    found = smallest(trace, policy, target)
    assert found.capacity == (reaching[0] if reaching else None)
    assert found.is_exact


@pytest.mark.parametrize("policy", ["fifo", "lfu", "default"])
@given(KEYS, st.floats(0.01, 1))
@campaign(50, 2000)
def test_one_entry_less_does_not_reach_it(policy: str, keys: list[int], target: float) -> None:
    trace = traced(keys)
    done = simulated(trace, (policy,), (parse_size("2"), parse_size("5")))
    (found,) = targets(trace, (policy,), target, done=done)
    actual = done.default_policy if policy == "default" else policy
    if found.capacity is None:
        assert (len(keys) - trace.unique) / len(keys) < target
        return
    assert found.hit_ratio == hits_of(trace, actual, found.capacity) / len(keys) >= target - 1e-6
    assert found.capacity == 1 or hits_of(trace, actual, found.capacity - 1) / len(keys) < target


def test_a_target_that_no_size_reaches_says_why() -> None:
    assert smallest(traced("abcab"), "lru", 0.5) == TargetSize(
        "lru",
        0.5,
        None,
        None,
        0.4,
        True,
        "no size reaches it: of what is asked for, only 40.0 % was asked for before",
    )


def test_what_was_replayed_already_is_not_replayed_again() -> None:
    trace = traced("abcab" * 10)
    ticks: list[int] = []
    found = smallest(trace, "lru", 0.9, rows=[(2, 0), (3, 47)], tick=ticks.append)
    assert (found.capacity, len(ticks)) == (3, 1)
