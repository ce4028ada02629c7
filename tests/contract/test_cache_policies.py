"""Every eviction policy keeps the same promises; a file without a row in the table fails."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import perfctl.cache.policies
from perfctl.cache.local import MISSING, LocalTier
from perfctl.cache.policies import CLAIRVOYANT, POLICIES, SHIPPED, Policy, policy_named, replay
from perfctl.config.settings import CacheConfig, EvictionPolicy
from tests.campaign import campaign

_KEYS = st.integers(0, 30).map(lambda number: b"key-%d" % number)


SHORT_SIGHTED = sorted(set(POLICIES) - CLAIRVOYANT)
"""Those that a cache may have: the clairvoyant let a newcomer go when it is not needed again."""


@pytest.fixture(params=sorted(POLICIES))
def policy(request: pytest.FixtureRequest) -> Iterator[Policy]:
    return policy_named(request.param)


def test_every_file_has_a_row_and_every_row_a_file() -> None:
    folder = Path(perfctl.cache.policies.__file__).parent
    files = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert files == {row.partition(":")[0] for row in POLICIES.values()}


def test_the_shipped_default_is_the_one_that_is_said() -> None:
    assert CacheConfig().eviction_policy == SHIPPED


def test_every_policy_but_the_clairvoyant_is_offered_in_the_configuration() -> None:
    assert sorted(get_args(EvictionPolicy)) == SHORT_SIGHTED


def test_everybody_who_came_in_leaves_exactly_once(policy: Policy) -> None:
    for number in range(50):
        policy.add(number, 10, float(number))
    assert len(policy) == 50
    assert sorted(policy.evict() for _ in range(50)) == list(range(50))  # type: ignore[type-var]
    assert len(policy) == 0


def test_whoever_was_removed_is_never_chosen(policy: Policy) -> None:
    for number in range(10):
        policy.add(number, 10, 1.0)
    for number in range(0, 10, 2):
        policy.remove(number)
    assert {policy.evict() for _ in range(5)} == {1, 3, 5, 7, 9}


def test_whoever_left_may_come_back(policy: Policy) -> None:
    policy.add("a", 10, 1.0)
    assert policy.evict() == "a"
    policy.add("a", 10, 2.0)
    policy.hit("a")
    assert policy.evict() == "a"


@pytest.mark.parametrize("name", SHORT_SIGHTED)
@pytest.mark.parametrize("last", ["new", 4, 2])
def test_the_last_that_was_added_stays_while_there_is_somebody_else(name: str, last: Hashable) -> None:
    policy = policy_named(name)
    for number in range(5):
        policy.add(number, 10, 100.0 - number)
        for _ in range(3 * number):
            policy.hit(4 - number)
    policy.add(last, 10, 1.0)
    gone = [policy.evict() for _ in range(len(policy))]
    assert gone[-1] == last


def test_a_key_that_is_not_there_is_passed_over(policy: Policy) -> None:
    policy.add("a", 10, 1.0)
    policy.hit("never seen")
    policy.remove("never seen")
    assert (len(policy), policy.evict()) == (1, "a")


def test_a_key_written_anew_is_still_one(policy: Policy) -> None:
    for expires_at in (1.0, 5.0, 3.0):
        policy.add("a", 10, expires_at)
    policy.add("b", 10, 1.0)
    assert len(policy) == 2
    assert {policy.evict(), policy.evict()} == {"a", "b"}


class PolicyAgainstADict(RuleBasedStateMachine):
    """A policy and a bound in bytes against a dict of sizes: who came in is there until it left, and leaves once."""

    policy = "lru"
    bound = 4000

    def __init__(self) -> None:
        super().__init__()
        self.tested = policy_named(self.policy, seed=1)
        self.sizes: dict[Hashable, int] = {}

    @rule(key=_KEYS, size=st.integers(1, 1500), expires_at=st.floats(0, 100))
    def add(self, key: Hashable, size: int, expires_at: float) -> None:
        self.sizes[key] = size
        self.tested.add(key, size, expires_at)
        while sum(self.sizes.values()) > self.bound:
            gone = self.tested.evict()
            assert gone in self.sizes
            assert gone != key or len(self.sizes) == 1 or self.policy in CLAIRVOYANT
            del self.sizes[gone]

    @rule(key=_KEYS)
    def hit(self, key: Hashable) -> None:
        self.tested.hit(key)

    @rule(key=_KEYS)
    def remove(self, key: Hashable) -> None:
        self.tested.remove(key)
        self.sizes.pop(key, None)

    @rule(seed=st.integers(0, 1000), keys=st.integers(1, 400), size=st.integers(1, 300))
    def many_requests(self, seed: int, keys: int, size: int) -> None:
        draw = random.Random(seed)
        for _ in range(200):
            key = min(draw.randrange(keys), draw.randrange(keys))
            if key in self.sizes:
                self.hit(key)
            else:
                self.add(key, size, 50.0)

    @invariant()
    def knows_how_many(self) -> None:
        assert len(self.tested) == len(self.sizes)

    def teardown(self) -> None:
        """Everybody leaves, exactly once."""
        assert sorted(map(str, (self.tested.evict() for _ in range(len(self.sizes))))) == sorted(map(str, self.sizes))
        assert len(self.tested) == 0


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_whatever_happens_it_knows_exactly_who_is_there(name: str) -> None:
    case = type(f"{name.title()}Policy", (PolicyAgainstADict,), {"policy": name}).TestCase
    case.settings = campaign(20, 250)
    case("runTest").runTest()


@pytest.mark.parametrize("name", SHORT_SIGHTED)
@pytest.mark.parametrize("leaves", ["evicted", "removed"])
def test_it_remembers_no_more_than_a_few_of_those_who_left(name: str, leaves: str) -> None:
    policy = policy_named(name)
    for number in range(20_000):
        policy.add(number, 1, float(number))
        if leaves == "removed":
            policy.remove(number)
        elif len(policy) > 100:
            policy.evict()
    held = sum(len(part) for part in vars(policy).values() if isinstance(part, (dict, list)))
    assert held <= 1000


def test_lru_lets_go_whoever_was_read_longest_ago() -> None:
    policy = policy_named("lru")
    for key in "abc":
        policy.add(key, 10, 1.0)
    policy.hit("a")
    assert [policy.evict() for _ in range(3)] == ["b", "c", "a"]


def test_a_replay_counts_what_was_still_there() -> None:
    assert replay(policy_named("lru"), [1, 2, 1, 3, 2, 1], 2) == 1


def test_lfu_lets_go_whoever_was_read_least() -> None:
    policy = policy_named("lfu")
    for key, hits in (("often", 5), ("twice", 2), ("never", 0), ("new", 0)):
        policy.add(key, 10, 1.0)
        for _ in range(hits):
            policy.hit(key)
    assert [policy.evict() for _ in range(4)] == ["never", "twice", "often", "new"]


def test_lfu_forgets_old_fame() -> None:
    policy = policy_named("lfu")
    policy.add("famous once", 10, 1.0)
    for _ in range(20):
        policy.hit("famous once")
    gone = []
    for number in range(100):
        policy.add(number, 10, 1.0)
        policy.hit(number)
        gone.append(policy.evict() if len(policy) > 5 else None)
    assert "famous once" in gone


def test_ttl_lets_go_whoever_expires_next() -> None:
    policy = policy_named("ttl")
    for key, expires_at in (("late", 9.0), ("soon", 1.0), ("middle", 5.0), ("new", 0.5)):
        policy.add(key, 10, expires_at)
    policy.hit("soon")
    assert [policy.evict() for _ in range(4)] == ["soon", "middle", "late", "new"]


@pytest.mark.parametrize("name", SHORT_SIGHTED)
def test_a_newcomer_stays_even_among_the_famous(name: str) -> None:
    tier = LocalTier(2000, name, now=lambda: 0.0)
    for key in (b"a", b"b", b"c"):
        tier.put(key, key, ttl_seconds=100, weight=300)
        for _ in range(9):
            tier.get(key)
    tier.put(b"new", "new", ttl_seconds=1, weight=300)
    assert tier.get(b"new") == "new"


class LocalTierAgainstADict(RuleBasedStateMachine):
    """The tier in the process against a dict with deadlines: it may forget, it may never make up."""

    policy = "lru"

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.tier = LocalTier(5000, self.policy, now=lambda: self.now)
        self.model: dict[bytes, tuple[int, float]] = {}
        self.puts = 0

    @rule(key=_KEYS, ttl=st.floats(0.1, 50), weight=st.integers(0, 6000))
    def put(self, key: bytes, ttl: float, weight: int) -> None:
        self.puts += 1
        self.tier.put(key, self.puts, ttl_seconds=ttl, weight=weight)
        self.model[key] = (self.puts, self.now + ttl)

    @rule(key=_KEYS)
    def get(self, key: bytes) -> None:
        value, deadline = self.model.get(key, (MISSING, 0.0))
        found = self.tier.get(key)
        assert found is MISSING or (found == value and deadline > self.now)

    @rule(key=_KEYS, ttl=st.floats(0.1, 50))
    def put_then_get(self, key: bytes, ttl: float) -> None:
        self.put(key, ttl, 10)
        assert self.tier.get(key) == self.puts

    @rule(key=_KEYS)
    def delete(self, key: bytes) -> None:
        self.tier.delete(key)
        self.model.pop(key, None)
        assert self.tier.get(key) is MISSING

    @rule(prefix=st.sampled_from([b"key-1", b"key-2", b"none"]))
    def clear(self, prefix: bytes) -> None:
        for name in [name for name in self.tier.entries if name.startswith(prefix)]:
            assert self.tier.delete(name)
        self.model = {key: entry for key, entry in self.model.items() if not key.startswith(prefix)}

    @precondition(lambda self: self.model)
    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def bounded(self) -> None:
        assert 0 <= self.tier.size_bytes <= self.tier.capacity_bytes
        assert (self.tier.size_bytes == 0) == (len(self.tier) == 0)


@pytest.mark.parametrize("name", SHORT_SIGHTED)
def test_the_tier_never_makes_up_a_value_and_never_outgrows_its_bound(name: str) -> None:
    machine = type(f"{name.title()}Tier", (LocalTierAgainstADict,), {"policy": name})
    case = machine.TestCase
    case.settings = campaign(20, 250)
    case("runTest").runTest()
