"""A hit of the query cache against a hit of the cache engine's own tier in the process."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from perfctl import CacheConfig, PerformanceOptimizer
from tests.bench.measure import Figure
from tests.postgres_server import PostgresServer, postgres_server

ROUNDS, CALLS = 25, 2_000
READ = "SELECT id, note FROM rows WHERE id = %s"


def run() -> list[Figure]:
    """One-row answers, the same key again and again, rounds interleaved."""
    with tempfile.TemporaryDirectory(prefix="perfctl-bench-") as folder, postgres_server(Path(folder)) as server:
        server.sql("CREATE TABLE rows AS SELECT i AS id, 'note ' || i AS note FROM generate_series(1, 1000) AS i")
        ratio = asyncio.run(_measured(server))
    return [Figure("a hit / the cache engine's own L1 hit", ratio, "x", 1.5)]


async def _measured(server: PostgresServer) -> float:
    async with PerformanceOptimizer(cache_config=CacheConfig(), database_config=server.config()) as optimizer:
        cache, database = optimizer.cache, optimizer.database
        await cache.set("user:123", {"id": 123, "note": "note 123"}, namespace="api")
        for _ in range(3):
            await database.execute_optimized_query(READ, (123,), use_cache=True)
        ratios = []
        for _ in range(ROUNDS):
            own = await _seconds(lambda: cache.get("user:123", namespace="api"))
            query = await _seconds(lambda: database.execute_optimized_query(READ, (123,), use_cache=True))
            ratios.append(query / own)
        assert database.query_cache is not None
        assert database.query_cache.hits >= ROUNDS * CALLS
    return statistics.median(ratios)


async def _seconds(call: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return time.perf_counter() - started
