"""The adaptive policy follows the requests: it is near the best fixed one, whichever that is."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from perfctl.cache.policies import policy_named, replay

ROOM = 500


def loop(keys: int, requests: int) -> Iterator[int]:
    return (turn % keys for turn in range(requests))


def recent(requests: int) -> Iterator[int]:
    draw = random.Random(3)
    return (1_000_000 + turn // 10 - int(draw.expovariate(1 / 100)) for turn in range(requests))


def popular(requests: int) -> Iterator[int]:
    draw = random.Random(5)
    return (2_000_000 + int(draw.paretovariate(0.4)) % 100_000 for turn in range(requests))


def hits(policy: str, keys: Sequence[int], room: int = ROOM, seed: int = 1) -> int:
    return replay(policy_named(policy, seed=seed), keys, room)


def test_it_keeps_a_part_of_a_loop_that_is_too_long_for_recency() -> None:
    keys = list(loop(2 * ROOM, 60_000))
    assert hits("lru", keys) == 0
    assert hits("adaptive", keys) > 0.4 * len(keys)


def test_it_is_as_good_as_recency_where_the_recent_is_asked_for() -> None:
    keys = list(recent(60_000))
    assert hits("adaptive", keys) > hits("lru", keys) - 0.01 * len(keys)


def test_it_follows_when_the_requests_change() -> None:
    keys = [*loop(2 * ROOM, 60_000), *recent(60_000), *loop(2 * ROOM, 60_000)]
    assert hits("adaptive", keys) > 1.15 * max(hits(name, keys) for name in ("lru", "wtinylfu", "arc", "2q", "s3fifo"))


@pytest.mark.parametrize("room", [1, 2, 3, 10, 63, 64, 65, 128, 511, 2000])
def test_it_is_near_the_best_at_every_size(room: int) -> None:
    keys = [*popular(40_000), *recent(40_000)]
    best = max(hits(name, keys, room) for name in ("lru", "lfu", "arc", "2q", "s3fifo", "wtinylfu"))
    assert hits("adaptive", keys, room) > best - 0.045 * len(keys)


def test_one_seed_draws_one_sample_and_another_draws_another() -> None:
    keys = [*popular(30_000), *recent(30_000)]
    first, again, other = (hits("adaptive", keys, 2000, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_it_follows_the_mean_size_of_the_entries() -> None:
    policy = policy_named("adaptive", seed=1)
    bound, sizes = 100_000, dict[int, int]()
    for number, key in enumerate([*popular(30_000), *popular(30_000), *popular(30_000)]):
        if key in sizes:
            policy.hit(key)
            continue
        sizes[key] = (10, 5000, 20)[number // 30_000]
        policy.add(key, sizes[key], 0.0)
        while sum(sizes.values()) > bound:
            del sizes[policy.evict()]  # type: ignore[arg-type]
    assert len(policy) == len(sizes) > 1000
