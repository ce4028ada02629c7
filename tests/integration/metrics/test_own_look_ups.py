"""What perfctl looks up on Redis itself is no figure of the application: on a server that nobody else uses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from perfctl import CacheConfig, PerformanceOptimizer
from perfctl.metrics.model.collected import Collected
from perfctl.recording.series import Series
from tests.redis_server import RedisServer, redis_server

pytestmark = pytest.mark.servers

HITS, MISSES = Series("redis.keyspace.hits"), Series("redis.keyspace.misses")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server of this module's own."""
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


def _looked(server: RedisServer, meanwhile: Callable[[], None]) -> list[Collected]:
    """Three looks; something happens before the last one, another process of perfctl's looks, too."""
    config = CacheConfig(redis_host="127.0.0.1", redis_port=server.port)

    async def look() -> list[Collected]:
        async with PerformanceOptimizer(cache_config=config) as one, PerformanceOptimizer(cache_config=config) as other:
            found = []
            for number in range(3):
                if number == 2:
                    await asyncio.to_thread(meanwhile)
                await other.cache.operator.stats(None)
                found.append(await one.metrics.collect(interval_seconds=0.05))
            return found

    return asyncio.run(look())


def test_on_an_idle_server_there_is_no_hit_ratio(server: RedisServer) -> None:
    for found in _looked(server, lambda: None):
        assert found.snapshot.cache_hit_rate is None
        assert not any(found.frame.counters.get(each) for each in (HITS, MISSES))


def test_what_an_application_looks_up_is_counted_without_what_perfctl_does(server: RedisServer) -> None:
    def application() -> None:
        server.call("SET", "there", "1")
        for number in range(20):
            server.call("GET", "there" if number % 4 else "absent")

    last = _looked(server, application)[-1]
    counted = {
        each: last.frame.counters[each] + sum(part.counters[each] for part in last.earlier) for each in (HITS, MISSES)
    }
    assert counted[HITS] == pytest.approx(15)
    assert counted[MISSES] == pytest.approx(6), "the other process's look is the sixth: it cannot be told apart"
    assert last.snapshot.cache_hit_rate == pytest.approx(15 / 21, abs=1e-4)
