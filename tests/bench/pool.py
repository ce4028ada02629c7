"""One-row reads by primary key with ten clients: our pool, its batches, asyncpg's own pool, on one server."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from perfctl.db.engine import DatabaseOptimizer
from tests.bench.measure import Figure
from tests.postgres_server import PostgresServer, postgres_server

CLIENTS, READS, BATCH, ROUNDS = 10, 120, 40, 9
SQL = "SELECT id, note FROM rows WHERE id = $1"
QUERY = "SELECT id, note FROM rows WHERE id = %s"

Client = Callable[[int], Awaitable[object]]


def run() -> list[Figure]:
    """Reads per second over those of asyncpg's `pool.fetch`, which resets each connection that it takes back."""
    with tempfile.TemporaryDirectory(prefix="perfctl-bench-") as folder, postgres_server(Path(folder)) as server:
        server.sql(
            "CREATE TABLE rows AS SELECT i AS id, 'note ' || i AS note FROM generate_series(1, 10000) AS i",
            "ALTER TABLE rows ADD PRIMARY KEY (id)",
        )
        ratios = asyncio.run(_measured(server))
    bounds = {"pool.fetch": 1.7, "execute_optimized_query": 1.7, "gather_queries": 2.5, "execute_many": 2.5}
    return [
        Figure(f"{name} / asyncpg pool.fetch", ratios[name], "x", at_least=bound, note=f"{CLIENTS} clients")
        for name, bound in bounds.items()
    ]


async def _measured(server: PostgresServer) -> dict[str, float]:
    import asyncpg

    rival = await asyncpg.create_pool(server.dsn)
    async with DatabaseOptimizer(server.config()) as database:
        contestants: dict[str, Client] = {
            "asyncpg": _one_by_one(lambda number: rival.fetch(SQL, number)),
            "pool.fetch": _one_by_one(lambda number: database.pool.fetch(SQL, number)),
            "execute_optimized_query": _one_by_one(lambda number: database.execute_optimized_query(QUERY, (number,))),
            "gather_queries": _in_batches(
                lambda numbers: database.gather_queries([(QUERY, (number,)) for number in numbers])
            ),
            "execute_many": _in_batches(
                lambda numbers: database.execute_many(QUERY, [(number,) for number in numbers])
            ),
        }
        seconds: dict[str, list[float]] = {name: [] for name in contestants}
        for turn in range(ROUNDS + 1):
            for name, client in contestants.items():
                taken = await _seconds(client)
                if turn:
                    seconds[name].append(taken)
    await rival.close()
    return {
        name: statistics.median(base / own for base, own in zip(seconds["asyncpg"], taken, strict=True))
        for name, taken in seconds.items()
    }


def _one_by_one(read: Callable[[int], Awaitable[object]]) -> Client:
    async def client(start: int) -> None:
        for number in range(start, start + READS):
            await read(number)

    return client


def _in_batches(read: Callable[[range], Awaitable[Any]]) -> Client:
    async def client(start: int) -> None:
        for first in range(start, start + READS, BATCH):
            await read(range(first, first + BATCH))

    return client


async def _seconds(client: Client) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(client(1 + number * READS) for number in range(CLIENTS)))
    return time.perf_counter() - started
