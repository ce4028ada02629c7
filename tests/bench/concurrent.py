"""What a get costs that only the server can answer: 64 callers at once, and one after another.

Through the whole stack (the cache's engine, its codec, its store) against redis-py's asyncio client with MessagePack:
the same server, the same page of orders of 823 bytes. Both give the caller the decoded value.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from tests.bench.measure import Figure
from tests.bench.payloads import document
from tests.bench.server import Server

KEYS = int(os.environ.get("PERFCTL_BENCH_GETS", "20000"))
"""Each is asked once a round, so that the tier in the process has none of them."""
ROUNDS = 7
VALUE = document("orders", 900, random.Random(1))
"""What a shop's list of orders shows at once: a page of three, 823 bytes of MessagePack, about a hundred parts."""

Get = Callable[[int], Awaitable[Any]]


class Taken(NamedTuple):
    """What the gets of one round took, by get."""

    wall_us: float
    cpu_us: float


def run() -> list[Figure]:
    """Interleaved rounds, medians."""
    with Server() as server:
        return asyncio.run(_measured(server))


async def _measured(server: Server) -> list[Figure]:
    import msgpack
    import redis.asyncio

    from perfctl.cache.engine import AdvancedCache
    from perfctl.config import CacheConfig

    cache = AdvancedCache(CacheConfig(redis_url=server.url))
    theirs = redis.asyncio.Redis(port=server.port, protocol=2)
    await cache.set_many({f"k{number}": VALUE for number in range(KEYS)})
    packed = msgpack.packb(VALUE)
    for number in range(KEYS):
        await theirs.set(f"k{number}", packed)

    async def ours(number: int) -> Any:
        return await cache.get(f"k{number}")

    async def other(number: int) -> Any:
        return msgpack.unpackb(await theirs.get(f"k{number}"))

    assert await ours(1) == await other(1) == VALUE
    taken: dict[tuple[str, int], list[Taken]] = {}
    try:
        for _ in range(ROUNDS):
            for callers in (64, 1):
                count = KEYS if callers > 1 else KEYS // 5
                for who, get in (("ours", ours), ("theirs", other)):
                    cache.local.empty()
                    taken.setdefault((who, callers), []).append(await _round(get, callers, count))
    finally:
        await cache.close()
        await theirs.aclose()
    return _figures(taken, len(packed))


async def _round(get: Get, callers: int, count: int) -> Taken:
    async def call(first: int) -> None:
        for number in range(first, count, callers):
            await get(number % KEYS)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*[call(first) for first in range(callers)])
    return Taken((time.perf_counter() - wall) / count * 1e6, (time.process_time() - cpu) / count * 1e6)


def _figures(taken: dict[tuple[str, int], list[Taken]], size: int) -> list[Figure]:
    def median(who: str, callers: int, of: str) -> float:
        return float(statistics.median(getattr(each, of) for each in taken[who, callers]))

    def ratio(callers: int, of: str) -> float:
        return median("ours", callers, of) / median("theirs", callers, of)

    def note(callers: int, of: str) -> str:
        return f"{median('ours', callers, of):.1f} us to {median('theirs', callers, of):.1f} us a get of {size} bytes"

    return [
        Figure("64 callers, throughput", 1 / ratio(64, "wall_us"), "x", note=note(64, "wall_us"), at_least=5),
        Figure("64 callers, client CPU", ratio(64, "cpu_us"), "x", 0.25, note(64, "cpu_us")),
        Figure("one caller, client CPU", ratio(1, "cpu_us"), "x", 1.3, note(1, "cpu_us")),
    ]
