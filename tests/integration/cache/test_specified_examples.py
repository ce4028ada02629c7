"""The specification's caching examples, on every kind of server: asynchronous, and the same names for plain code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from perfctl import CacheConfig, PerformanceOptimizer
from perfctl.bridge import portal
from tests.conftest import RunningSandbox
from tests.contract.test_cache_stores import SERVERS, config_of

CONFIGURED = CacheConfig(
    ttl_seconds=3600,
    max_size_mb=100,
    compression_enabled=True,
    serialization_method="msgpack",
    eviction_policy="lru",
    read_replicas=True,
)


@dataclass(frozen=True)
class Stock:
    """What a function returns."""

    symbol: str
    price: float


@pytest.fixture(
    params=[
        "in process",
        *(pytest.param(kind, marks=[pytest.mark.servers, pytest.mark.xdist_group(kind)]) for kind in SERVERS),
    ]
)
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CacheConfig]:
    """The specification's configuration, with the address of a server where there is one."""
    kind: str = request.param
    if kind == "in process":
        yield CONFIGURED
    else:
        sandbox: RunningSandbox = request.getfixturevalue(SERVERS[kind])
        there = config_of(kind, sandbox.environment)
        yield replace(there, key_prefix=tmp_path.name, patience_seconds=5, eviction_policy="lru")
    portal().close()


def test_the_examples_run(config: CacheConfig) -> None:
    calls: list[str] = []

    async def documented() -> None:
        async with PerformanceOptimizer(cache_config=config) as performance_optimizer:

            @performance_optimizer.cache_decorator(ttl=3600, namespace="api")
            async def get_stock_data(symbol: str) -> Stock:
                calls.append(symbol)
                return Stock(symbol, 187.2)

            assert await get_stock_data("AAPL") == await get_stock_data(symbol="AAPL") == Stock("AAPL", 187.2)
            assert calls == ["AAPL"]
            cache = performance_optimizer.cache
            await cache.set("user:123", {"name": "Ada"}, ttl=1800)
            assert await cache.get("user:123") == {"name": "Ada"}
            assert await cache.get_or_set("made", lambda: {"made": True}, ttl=60) == {"made": True}
            assert await cache.get("nobody") is None
            assert await cache.get("nobody", "said") == "said"
            assert await cache.touch("user:123", 60)
            assert await cache.exists("user:123")
            preloaded = await cache.preload({f"k{number}": number for number in range(50)}, namespace="warm")
            assert (preloaded.loaded, preloaded.failed) == (50, 0)
            assert await cache.get_many(["k1", "k49", "k50"], namespace="warm") == {"k1": 1, "k49": 49}
            filled = await cache.get_or_set_many(
                ["k0", "k51"], lambda missing: dict.fromkeys(missing, "new"), namespace="warm"
            )
            assert filled == {"k0": 0, "k51": "new"}
            await cache.clear("warm")
            assert await cache.get("k1", namespace="warm") is None
            assert await cache.get("user:123") == {"name": "Ada"}
            assert await cache.delete("user:123")
            assert await cache.get("user:123") is None
            await cache.set("tagged", 1, tags=("group:1",))
            await cache.clear(tag="group:1")
            assert await cache.get("tagged") is None
            stats = await cache.stats()
            assert stats.namespaces["api"].hits == 1
            assert performance_optimizer.get_cache_metrics().hit_rate == pytest.approx(stats.hit_rate)
            assert 0 < stats.hit_rate < 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(documented())


def test_the_same_examples_run_for_plain_code(config: CacheConfig) -> None:
    calls: list[str] = []
    performance_optimizer = PerformanceOptimizer(cache_config=config)

    @performance_optimizer.cache_decorator(ttl=3600, namespace="api", tags=("stock:{symbol}",))
    def get_stock_data(symbol: str) -> Stock:
        calls.append(symbol)
        return Stock(symbol, 187.2)

    assert get_stock_data("AAPL") == get_stock_data("AAPL") == Stock("AAPL", 187.2)
    with performance_optimizer.sync as perf:
        perf.cache.set("user:123", {"name": "Ada"}, ttl=1800)
        assert perf.cache.get("user:123") == {"name": "Ada"}
        assert perf.cache.get_or_set("made", lambda: perf.cache.get("user:123")) == {"name": "Ada"}
        perf.cache.set_many({"a": 1, "b": 2}, ttl=60)
        assert perf.cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
        assert perf.cache.touch("a", 60)
        perf.cache.clear("api", tag="stock:AAPL")
        assert get_stock_data("AAPL") == Stock("AAPL", 187.2)
        assert calls == ["AAPL", "AAPL"]
        assert get_stock_data.preload([("MSFT",), {"symbol": "AAPL"}]).loaded == 2
        perf.cache.clear("api")
        assert get_stock_data.refresh("MSFT") == Stock("MSFT", 187.2)
        assert calls.count("MSFT") == 2
        assert perf.cache.delete("user:123")
        assert perf.cache.get("user:123", "gone") == "gone"
        assert perf.cache.stats().hit_rate > 0
        assert perf.get_cache_metrics().misses > 0


def test_a_decorated_function_awaits_nobody_s_permission(config: CacheConfig) -> None:
    """Before the optimizer is entered, within it, and after."""
    performance_optimizer = PerformanceOptimizer(cache_config=config)
    calls: list[Any] = []

    @performance_optimizer.cache_decorator(namespace="early")
    async def square(number: int) -> int:
        calls.append(number)
        return number * number

    async def within() -> int:
        async with performance_optimizer:
            return await square(7)

    async def without() -> int:
        return await square(7)

    assert [asyncio.run(run()) for run in (without, within, without)] == [49, 49, 49]
    assert 1 <= len(calls) <= 2  # what is computed while the process begins to listen may not be kept


def test_the_documented_defaults_are_the_defaults() -> None:
    config = CacheConfig()
    assert (config.ttl_seconds, config.max_size_mb, config.compression_enabled) == (3600, 100, True)
    assert (config.cluster_enabled, config.sentinel_enabled, config.read_replicas) == (False, False, True)
