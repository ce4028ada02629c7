"""Processes that read and write the same rows through the query cache, and what they saw of each other."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass

from perfctl import CacheConfig, DatabaseConfig, PerformanceOptimizer

ROWS = 8
READ = "SELECT n FROM counters WHERE id = %s"
WRITE = "UPDATE counters SET n = n + 1 WHERE id = %s RETURNING n"
TABLE = f"CREATE TABLE counters AS SELECT i AS id, 0 AS n FROM generate_series(0, {ROWS - 1}) AS i"


@dataclass(frozen=True)
class Seen:
    """What the processes met together."""

    reads: int
    writes: int
    hits: int
    own_stale: int
    """Reads that gave less than their own process had written."""
    slowest_ms: float
    """How long after a write was done another process was still given what was there before."""


def watch(database_port: int, redis_port: int, *, processes: int, seconds: float) -> Seen:
    """Run the processes, and compare what they wrote and read by the clock that they share."""
    command = [sys.executable, "-m", __name__, str(database_port), str(redis_port), str(seconds)]
    running = [subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True) for seed in range(processes)]
    told = [json.loads(process.communicate(timeout=seconds + 90)[0]) for process in running]
    writes: dict[int, list[tuple[float, int]]] = {row: [] for row in range(ROWS)}
    for each in told:
        for row, at, value in each["writes"]:
            writes[row].append((at, value))
    reads = [(row, at, value) for each in told for row, at, value in each["reads"]]
    return Seen(
        reads=len(reads),
        writes=sum(map(len, writes.values())),
        hits=sum(each["hits"] for each in told),
        own_stale=sum(each["own_stale"] for each in told),
        slowest_ms=max((_late_ms(writes[row], at, value) for row, at, value in reads), default=0.0),
    )


def _late_ms(writes: list[tuple[float, int]], at: float, value: int) -> float:
    """How long before the read began the first write that it did not see was done."""
    return max((at - done for done, written in writes if written > value and done < at), default=0.0) * 1000


async def _work(database_port: int, redis_port: int, seconds: float, seed: int) -> dict[str, object]:
    dice = random.Random(seed)
    database = DatabaseConfig(host="127.0.0.1", port=database_port, database="postgres", username="postgres")
    cache = CacheConfig(redis_host="127.0.0.1", redis_port=redis_port)
    reads: list[tuple[int, float, int]] = []
    writes: list[tuple[int, float, int]] = []
    own = dict.fromkeys(range(ROWS), 0)
    own_stale = 0
    async with PerformanceOptimizer(cache_config=cache, database_config=database) as optimizer:
        execute = optimizer.database.execute_optimized_query

        async def caller() -> None:
            nonlocal own_stale
            while time.monotonic() < until:
                row = dice.randrange(ROWS)
                if dice.random() < 0.03:
                    value = (await execute(WRITE, (row,)))[0]["n"]
                    own[row] = max(own[row], value)
                    writes.append((row, time.monotonic(), value))
                least, began = own[row], time.monotonic()
                value = (await execute(READ, (row,), use_cache=True))[0]["n"]
                own_stale += value < least
                reads.append((row, began, value))
                await asyncio.sleep(0.002)

        await execute(READ, (0,), use_cache=True)
        until = time.monotonic() + seconds
        await asyncio.gather(*(caller() for _ in range(4)))
        assert optimizer.database.query_cache is not None
        hits = optimizer.database.query_cache.hits
    return {"reads": reads, "writes": writes, "own_stale": own_stale, "hits": hits}


if __name__ == "__main__":
    port, redis, seconds, seed = sys.argv[1:]
    print(json.dumps(asyncio.run(_work(int(port), int(redis), float(seconds), int(seed)))))
