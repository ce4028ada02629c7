"""Reads from a replica are what the primary would answer, or the primary answers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterator

import pytest

from perfctl.cache.address import Address
from perfctl.cache.redis import RedisStore
from perfctl.cache.store import Write
from tests.bench.server import Server

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("replicas")]
NAMES = [b"r:%d" % number for number in range(40)]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary and its replica, connected."""
    with Server() as primary, Server() as replica:
        asyncio.run(follow(replica, "127.0.0.1", primary.port))
        yield primary, replica


async def follow(replica: Server, *of: str | int) -> None:
    """Make a server a replica, and wait until it is one."""
    store = RedisStore(Address(mode="standalone", nodes=(("127.0.0.1", replica.port),)))
    line = await store.line(store.address)
    await line.ask("REPLICAOF", *of)
    while of[0] != "NO" and (await line.ask("ROLE"))[3] != b"connected":
        await asyncio.sleep(0.05)
    await line.close()
    await store.close()


def asked(pair: tuple[Server, Server], question: Callable[[RedisStore], Awaitable[None]]) -> None:
    """Ask a store that reads from the replica."""
    nodes = tuple(("127.0.0.1", server.port) for server in pair)

    async def answer() -> None:
        store = RedisStore(Address(mode="standalone", nodes=nodes[:1], replicas=nodes[1:]))
        try:
            await question(store)
        finally:
            await store.close()

    asyncio.run(answer())


async def mgets(server: Server) -> int:
    """How many MGETs a server answered."""
    store = RedisStore(Address(mode="standalone", nodes=(("127.0.0.1", server.port),)))
    try:
        stats = (await store.info("commandstats"))[store.address]
    finally:
        await store.close()
    return int(stats.get("cmdstat_mget", {}).get("calls", 0))


async def rested() -> None:
    """Until replicas are asked again."""
    await asyncio.sleep(0.6)


def test_many_names_are_read_from_the_replica_and_few_are_not(pair: tuple[Server, Server]) -> None:
    async def question(store: RedisStore) -> None:
        await store.put_many([Write(name, name, None) for name in NAMES])
        before = await mgets(pair[0]), await mgets(pair[1])
        for _ in range(20):
            assert await store.get_many(NAMES) == NAMES
            assert await store.get_many(NAMES[:3]) == NAMES[:3]
            await asyncio.sleep(0.05)
        after = await mgets(pair[0]), await mgets(pair[1])
        assert after[1] - before[1] >= 10
        assert after[0] - before[0] >= 20

    asked(pair, question)


def test_what_was_written_is_read_at_once(pair: tuple[Server, Server]) -> None:
    async def question(store: RedisStore) -> None:
        other = RedisStore(Address(mode="standalone", nodes=(("127.0.0.1", pair[0].port),)))
        for number in range(300):
            blob = b"%d" % number
            await other.put(Write(NAMES[number % 40], blob, None))
            assert (await store.get_many(NAMES))[number % 40] == blob
            if number % 50 == 0:
                await rested()
        await other.close()

    asked(pair, question)


@contextlib.contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Stopped in its tracks."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_while_the_replica_is_frozen_the_primary_answers(pair: tuple[Server, Server]) -> None:
    async def question(store: RedisStore) -> None:
        await store.put_many([Write(name, name, None) for name in NAMES])
        assert await store.get_many(NAMES) == NAMES
        await rested()
        with frozen(pair[1]):
            for _ in range(5):
                fetched = [store.fetch(name, patience_seconds=2) for name in NAMES]
                assert await asyncio.gather(*fetched) == NAMES
                await rested()
        assert await store.get_many(NAMES) == NAMES

    asked(pair, question)


def test_a_replica_that_follows_nobody_is_not_believed(pair: tuple[Server, Server]) -> None:
    async def question(store: RedisStore) -> None:
        await store.put_many([Write(name, b"old", None) for name in NAMES])
        await follow(pair[1], "NO", "ONE")
        try:
            await store.put_many([Write(name, b"new", None) for name in NAMES])
            for _ in range(3):
                assert await store.get_many(NAMES) == [b"new"] * 40
                await rested()
        finally:
            await follow(pair[1], "127.0.0.1", pair[0].port)

    asked(pair, question)
