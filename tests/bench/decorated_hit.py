"""What a hit of a decorated function costs: against cachetools for plain functions, cashews and aiocache for async."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig
from tests.bench.measure import Figure

KEYS = 10_000
ROUNDS = 15

Pass = Callable[[], None]
"""One look at every key."""


def run() -> list[Figure]:
    """CPU time of hits in random order over 10,000 keys; contestants take turns, so that none has warm CPU caches."""
    names = [f"k{number}" for number in range(KEYS)]
    order = [str(name.encode(), "ascii") for name in random.Random(7).sample(names, KEYS)]
    plain = _ratios(_plain_passes(names, order), "cachetools.cached")
    loop = asyncio.new_event_loop()
    try:
        asynchronous = _ratios(_async_passes(loop, names, order), "perfctl")
    finally:
        loop.close()
    return [
        Figure("sync hit / cachetools.cached(LRUCache)", plain["perfctl"], "x", asked=1.2),
        Figure("async hit: cashews / perfctl", asynchronous["cashews"], "x", at_least=30),
        Figure("async hit: aiocache / perfctl", asynchronous["aiocache"], "x", at_least=15),
        Figure("async hit of a typed key of two arguments", asynchronous["two arguments"], "x", note="over one"),
    ]


def _plain_passes(names: Sequence[str], order: Sequence[str]) -> dict[str, Pass]:
    import cachetools

    cache = AdvancedCache(CacheConfig())

    def value_of(name: str) -> dict[str, str]:
        return {"name": name}

    rival = cachetools.cached(cachetools.LRUCache(2 * KEYS))(value_of)
    ours = cache.cache_decorator(ttl=3600, namespace="bench")(value_of)

    def over(function: Callable[[str], Any]) -> Pass:
        for name in names:
            function(name)

        def look() -> None:
            for name in order:
                function(name)

        return look

    return {"cachetools.cached": over(rival), "perfctl": over(ours)}


def _async_passes(loop: asyncio.AbstractEventLoop, names: Sequence[str], order: Sequence[str]) -> dict[str, Pass]:
    from aiocache import cached as aiocache_cached
    from cashews import Cache

    cache, cashews = AdvancedCache(CacheConfig()), Cache()
    cashews.setup("mem://", size=2 * KEYS)

    async def value_of(k: str) -> dict[str, str]:
        return {"name": k}

    async def value_of_two(k: str, days: int = 1) -> dict[str, str]:
        return {"name": k}

    ours = cache.cache_decorator(ttl=3600, namespace="bench")

    def over(function: Callable[[str], Awaitable[Any]]) -> Pass:
        async def ask(keys: Sequence[str]) -> None:
            for name in keys:
                await function(name)

        loop.run_until_complete(ask(names))
        return lambda: loop.run_until_complete(ask(order))

    return {
        "perfctl": over(ours(value_of)),
        "two arguments": over(ours(value_of_two)),
        "cashews": over(cashews(ttl=3600, key="d:{k}")(value_of)),
        "aiocache": over(aiocache_cached(ttl=3600)(value_of)),
    }


def _ratios(passes: dict[str, Pass], base: str) -> dict[str, float]:
    """The median cost of each over the base's."""
    costs: dict[str, list[float]] = {name: [] for name in passes}
    for _ in range(ROUNDS):
        for name, look in passes.items():
            started = time.process_time()
            look()
            costs[name].append(time.process_time() - started)
    medians = {name: statistics.median(values) for name, values in costs.items()}
    return {name: median / medians[base] for name, median in medians.items()}
