"""The pool hands out at most its maximum, takes back what is usable, and loses nothing to a cancelled caller."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any, cast

import pytest

from perfctl.db.pool import ConnectionPool, PoolStatistics
from perfctl.db.postgres import Record, Session
from perfctl.errors import TimedOutError, UnreachableError


class Twin:
    """A session without a server."""

    def __init__(self) -> None:
        self.is_usable = True
        self.is_closed = False
        self.opened = self.proven = self.idle_since = time.monotonic()

    async def fetch(self, sql: str, *arguments: object, timeout: float | None = None) -> list[Record]:
        await asyncio.sleep(0.001)
        return [{"sql": sql, "arguments": arguments}]

    async def restore(self, *, timeout: float) -> bool:
        return self.is_usable

    async def is_alive(self, *, timeout: float) -> bool:
        return not self.is_closed

    def note_release(self) -> None: ...

    async def close(self) -> None:
        self.is_closed = True

    def hang_up(self) -> None:
        self.is_closed = True


class Server:
    """Opens twins, and remembers them."""

    def __init__(self) -> None:
        self.opened: list[Twin] = []
        self.refuses = False

    async def connect(self) -> Session:
        await asyncio.sleep(0)
        if self.refuses:
            raise UnreachableError("down")
        self.opened.append(Twin())
        return cast(Session, self.opened[-1])


def pool_of(server: Server, **settings: Any) -> ConnectionPool:
    return ConnectionPool(server.connect, **settings)


def test_nothing_is_opened_before_it_is_asked_for() -> None:
    server = Server()
    pool_of(server)
    assert server.opened == []


async def _one_after_the_other(pool: ConnectionPool, times: int) -> None:
    for _ in range(times):
        await pool.fetch("SELECT 1")


def test_one_connection_serves_callers_one_after_the_other() -> None:
    server = Server()
    asyncio.run(_one_after_the_other(pool_of(server), 5))
    assert len(server.opened) == 1


def test_without_pooling_each_call_has_a_connection_of_its_own() -> None:
    server = Server()
    asyncio.run(_one_after_the_other(pool_of(server, keep=False), 3))
    assert [twin.is_closed for twin in server.opened] == [True, True, True]


def test_no_more_than_the_maximum_is_open_at_once() -> None:
    server = Server()

    async def crowd() -> PoolStatistics:
        pool = pool_of(server, max_connections=3)
        await asyncio.gather(*(pool.fetch("SELECT 1") for _ in range(40)))
        return pool.statistics()

    assert replace(asyncio.run(crowd()), wait_ms=0.0) == PoolStatistics(
        in_use=0, idle=3, waiting=0, created=3, closed=0, waits=37
    )


def test_the_time_out_covers_the_wait_for_a_connection() -> None:
    async def starve() -> None:
        pool = pool_of(Server(), max_connections=1)
        async with pool.acquire():
            await pool.fetch("SELECT 1", timeout=0.01)

    with pytest.raises(TimedOutError, match="all 1 connections stayed in use"):
        asyncio.run(starve())


def test_a_connection_that_broke_is_closed_and_replaced() -> None:
    server = Server()

    async def break_one() -> None:
        pool = pool_of(server)
        await pool.fetch("SELECT 1")
        server.opened[0].is_usable = False
        await pool.fetch("SELECT 1")

    asyncio.run(break_one())
    assert [twin.is_closed for twin in server.opened] == [True, False]


def test_a_server_that_is_down_costs_no_place_in_the_pool() -> None:
    server = Server()

    async def down_then_up() -> PoolStatistics:
        pool = pool_of(server, max_connections=1)
        server.refuses = True
        for _ in range(3):
            with pytest.raises(UnreachableError):
                await pool.fetch("SELECT 1")
        server.refuses = False
        await pool.fetch("SELECT 1")
        return pool.statistics()

    assert asyncio.run(down_then_up()).created == 1


def test_a_thousand_cancelled_callers_lose_no_connection() -> None:
    server = Server()

    async def cancel_many() -> PoolStatistics:
        pool = pool_of(server, max_connections=4)
        tasks = [asyncio.create_task(pool.fetch("SELECT 1")) for _ in range(1000)]
        for number, task in enumerate(tasks):
            if number % 7 == 0:
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(pool.fetch("SELECT 1") for _ in range(8)))
        return pool.statistics()

    after = asyncio.run(cancel_many())
    assert (after.in_use, after.waiting) == (0, 0)
    assert after.created - after.closed == after.idle <= 4


def test_closing_closes_what_is_idle_and_what_comes_back_later() -> None:
    server = Server()

    async def close_under_use() -> None:
        pool = pool_of(server)
        await pool.fetch("SELECT 1")
        async with pool.acquire(), pool.acquire():
            await pool.close()

    asyncio.run(close_under_use())
    assert [twin.is_closed for twin in server.opened] == [True, True]


def test_each_event_loop_has_connections_of_its_own() -> None:
    server = Server()
    pool = pool_of(server, max_connections=1)

    async def contended() -> None:
        await asyncio.gather(*(_one_after_the_other(pool, 2) for _ in range(3)))

    asyncio.run(contended())
    asyncio.run(contended())

    assert len(server.opened) == 2
    assert replace(pool.statistics(), wait_ms=0.0) == PoolStatistics(
        in_use=0, idle=0, waiting=0, created=2, closed=0, waits=pool.statistics().waits
    )
