"""What a get costs that only the server can answer: 64 callers at once, and one after another.

Through the whole stack (the cache's engine, its codec, its store) against redis-py's asyncio client with MessagePack:
the same server, the same page of orders of 823 bytes. Both give the caller the decoded value.

The tier in the process is full, as it is in a process that has run for a while: it holds a tenth of the keys, which
are asked for at random. The few gets that it answers are not counted; their cost is.
"""

from __future__ import annotations

import asyncio
import itertools
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
"""They are asked for at random."""
LOCAL_MB = KEYS * 0.0008
"""Room for a tenth of them, decoded, in the process."""
PATIENCE_SECONDS = 10
"""On a machine that does other work, too, the default would make misses of some gets."""
ROUNDS = 7
VALUE = document("orders", 900, random.Random(1))
"""What a shop's list of orders shows at once: a page of three, 823 bytes of MessagePack, about a hundred parts."""

Get = Callable[[int], Awaitable[Any]]
_numbers = itertools.cycle(random.Random(1).choices(range(KEYS), k=10 * KEYS))


class Taken(NamedTuple):
    """What the gets of one round took, by get that reached the server."""

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

    config = CacheConfig(redis_url=server.url, max_size_mb=LOCAL_MB, patience_seconds=PATIENCE_SECONDS)
    cache = AdvancedCache(config)
    theirs = redis.asyncio.Redis(port=server.port, protocol=2)
    await cache.set_many({f"k{number}": VALUE for number in range(KEYS)})
    packed = msgpack.packb(VALUE)
    for number in range(KEYS):
        await theirs.set(f"k{number}", packed)

    async def ours(number: int) -> Any:
        return await cache.get(f"k{number}")

    async def other(number: int) -> Any:
        return msgpack.unpackb(await theirs.get(f"k{number}"))

    def local_hits() -> int:
        return cache.counters.of("default").hits_l1

    assert await ours(1) == await other(1) == VALUE
    await _round(ours, 64, KEYS, local_hits)  # until the tier is full, and the clients are warm
    await _round(other, 64, KEYS // 5, local_hits)
    taken: dict[tuple[str, int], list[Taken]] = {}
    try:
        for _ in range(ROUNDS):
            for callers in (64, 1):
                count = KEYS if callers > 1 else KEYS // 5
                for who, get in (("ours", ours), ("theirs", other)):
                    taken.setdefault((who, callers), []).append(await _round(get, callers, count, local_hits))
        assert cache.metrics().misses == 0
    finally:
        await cache.close()
        await theirs.aclose()
    return _figures(taken, len(packed))


async def _round(get: Get, callers: int, count: int, local_hits: Callable[[], int]) -> Taken:
    async def call(first: int) -> None:
        for _ in range(first, count, callers):
            await get(next(_numbers))

    hits, wall, cpu = local_hits(), time.perf_counter(), time.process_time()
    await asyncio.gather(*[call(first) for first in range(callers)])
    wall, cpu, reached = time.perf_counter() - wall, time.process_time() - cpu, count - local_hits() + hits
    assert reached > 0.8 * count
    return Taken(wall / reached * 1e6, cpu / reached * 1e6)


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
