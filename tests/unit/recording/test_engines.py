"""What the engines record, and the specification's examples of reading it."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from perfctl import AdvancedCache, CacheConfig, PerformanceMiddleware, PerformanceOptimizer
from perfctl.db.model.executions import Execution
from perfctl.db.sqltext import fingerprint
from perfctl.db.statements.recorder import QueryOptimizer
from perfctl.recording.registry import Registry
from perfctl.recording.series import series
from tests.unit.recording.test_asgi import asked


def lookups(registry: Registry) -> dict[str, float]:
    """Look-ups since the last take, by tier and result."""
    return {
        f"{each.label('tier')} {each.label('result')}": count
        for each, count in registry.take().counters.items()
        if each.name == "cache.requests"
    }


def test_the_cache_tells_hits_and_misses_by_namespace_whenever_it_is_looked_at() -> None:
    registry = Registry()
    cache = AdvancedCache(CacheConfig(), recorder=registry)

    async def use() -> None:
        await cache.get("absent", namespace="api")
        await cache.set("k", 1, namespace="api")
        for _ in range(3):
            await cache.get("k", namespace="api")

    asyncio.run(use())
    assert lookups(registry) == {"none miss": 1, "l1 hit": 3}
    asyncio.run(cache.get("k", namespace="api"))
    assert lookups(registry) == {"l1 hit": 1}
    assert registry.gauge("cache.entries", tier="l1").value == 1
    assert registry.collect().counters[series("cache.requests", namespace="api", tier="l1", result="hit")] == 4


def test_computing_what_is_missing_is_timed_by_namespace() -> None:
    cache = AdvancedCache(CacheConfig())
    asyncio.run(cache.get_or_set("k", lambda: 1, namespace="api"))
    wanted = series("cache.operation.duration", namespace="api", tier="none", operation="compute")
    assert cache.recording.take().histograms[wanted].count == 1
    assert cache.metrics().factories.count == 1


def test_a_cache_that_is_gone_is_looked_at_no_more() -> None:
    registry = Registry()
    cache = AdvancedCache(CacheConfig(), recorder=registry)
    del cache
    assert lookups(registry) == {}
    assert registry._observers == []


def test_queries_are_timed_by_fingerprint_and_no_text_is_a_label() -> None:
    registry = Registry()
    recorder, sql = QueryOptimizer(registry), "SELECT * FROM t WHERE id = {}"
    for number in range(5):
        recorder.record(Execution(sql.format(number), 20.0, 1, was_cached=False, failed=number == 0))
    recorder.record(Execution(sql.format(1), 0.0, 1, was_cached=True, failed=False))
    recorder.broke_off(sql.format(9), 1.5)
    frame, shape = registry.take(), fingerprint(sql.format(1))
    assert frame.histograms[series("db.query.duration", fingerprint=shape)].count == 6
    assert frame.counters == {series("db.query.errors", fingerprint=shape): 2}


def test_the_specifications_example_of_performance_metrics() -> None:
    performance_optimizer = PerformanceOptimizer(cache_config=CacheConfig())

    async def hello(request: Any) -> PlainTextResponse:
        await performance_optimizer.cache.get("user:123")
        return PlainTextResponse("hello", status_code=500 if request.query_params else 200)

    app = PerformanceMiddleware(Starlette(routes=[Route("/", hello)]), optimizer=performance_optimizer)
    asked(app, "/", "/", "/", "/?fail=1")
    metrics = performance_optimizer.get_performance_metrics()
    assert 0 < metrics.api_response_time_ms < 60_000
    assert metrics.error_rate == 0.25
    assert metrics.requests_per_second > 0
    assert metrics.cache_hit_rate == 0.0
    assert "database_query_time_ms" in metrics.unmeasured
    assert not {"api_response_time_ms", "error_rate", "cache_hit_rate"} & set(metrics.unmeasured)


def test_the_specifications_example_of_cache_metrics() -> None:
    performance_optimizer = PerformanceOptimizer()

    async def use() -> None:
        await performance_optimizer.cache.set("user:123", {"name": "Ada"}, ttl=1800)
        for key in ("user:123", "user:123", "user:123", "user:456"):
            await performance_optimizer.cache.get(key)

    asyncio.run(use())
    cache_metrics = performance_optimizer.get_cache_metrics()
    assert (cache_metrics.hit_rate, cache_metrics.hits, cache_metrics.misses) == (0.75, 3, 1)
