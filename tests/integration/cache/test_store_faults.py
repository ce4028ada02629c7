"""The Redis store among callers who leave, servers that freeze, users with few rights, passwords that change, forks."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cache.address import Address
from perfctl.cache.redis import RedisStore
from perfctl.cache.store import ForbiddenError, Write, node_of
from perfctl.config.secret import Secret
from perfctl.errors import AuthError, PerfctlError, TimedOutError, UnreachableError
from tests.bench.server import Server
from tests.campaign import campaign
from tests.chaos.proxy import FaultProxy

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("store-faults")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A Valkey of these tests' own."""
    with Server() as running:
        yield running


def address_of(server: Server, **changes: object) -> Address:
    """Where it is."""
    at = Address(mode="standalone", nodes=(("127.0.0.1", server.port),), timeout_seconds=5.0)
    return replace(at, **changes)  # type: ignore[arg-type]


def asked(at: Address, question: Callable[[RedisStore], Awaitable[None]]) -> None:
    """Ask a store, and close it."""

    async def answer() -> None:
        store = RedisStore(at)
        try:
            await question(store)
        finally:
            await store.close()

    asyncio.run(answer())


@contextlib.contextmanager
def frozen(server: Server) -> Iterator[None]:
    """The server stopped in its tracks."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@campaign(15, 1500)
@given(seed=st.integers(0, 2**32), callers=st.integers(2, 300), protocol=st.sampled_from([2, 3]))
def test_replies_never_reach_another_caller(server: Server, seed: int, callers: int, protocol: int) -> None:
    """Each asks for names of its own in its own way; a half leaves at any moment."""
    chance = random.Random(seed)

    async def question(store: RedisStore) -> None:
        names = [b"mix:%d" % number for number in range(callers)]
        await store.put_many([Write(name, name * chance.randrange(1, 400), None) for name in names])

        async def ask(place: int) -> bool:
            name = names[place]
            way = chance.randrange(5)
            if way == 0:
                blob = await store.fetch(name)
                return blob is not None and blob.startswith(name) and not blob.strip(name)
            if way == 1:
                other = names[(place + 1) % callers]
                first, second, third = await store.get_many([name, b"mix:none", other])
                return first is not None and second is None and third is not None and third.startswith(other)
            if way == 2:
                return (await store.ttls([name]))[0] is None
            if way == 3:
                await store.put(Write(name, name * 3, None))
                return True
            fetched = await store.get(name)
            return fetched is not None and fetched.blob.startswith(name)

        for _ in range(3):
            tasks = [asyncio.create_task(ask(place)) for place in range(callers)]
            left = chance.sample(tasks, callers // 2)
            for task in left:
                if chance.random() < 0.3:
                    await asyncio.sleep(0)
                task.cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(answer is True or isinstance(answer, asyncio.CancelledError) for answer in answers)

    asked(address_of(server, protocol=protocol), question)


def test_a_frozen_server_costs_each_caller_his_own_patience(server: Server) -> None:
    async def question(store: RedisStore) -> None:
        await store.put(Write(b"f", b"1", None))
        with frozen(server):
            started = time.monotonic()
            callers = [store.fetch(b"f", patience_seconds=0.1) for _ in range(50)]
            answers = await asyncio.gather(*callers, return_exceptions=True)
            assert time.monotonic() - started < 2
            assert {type(answer) for answer in answers} == {TimedOutError}
            assert {node_of(answer) for answer in answers if isinstance(answer, BaseException)} == {store.address}
        assert await store.fetch(b"f", patience_seconds=5) == b"1"

    asked(address_of(server), question)


def test_a_frozen_server_leaves_no_dead_connections_and_holds_no_close_up(server: Server) -> None:
    async def question(store: RedisStore) -> None:
        await store.put(Write(b"f", b"1", None))
        with frozen(server):
            for _ in range(15):
                with pytest.raises(PerfctlError):
                    await store.fetch(b"f", patience_seconds=0.1)
            assert len(asyncio.all_tasks()) <= 2  # this one, and the one that tries to connect
            started = time.monotonic()
            await store.close()
            assert time.monotonic() - started < 3
        assert await store.fetch(b"f") == b"1"
        clients = (await store.clients())[store.address]
        assert len(clients) <= 3

    asked(address_of(server, timeout_seconds=0.5), question)


def test_a_connection_that_the_server_closed_is_made_again_unnoticed(server: Server) -> None:
    async def question(store: RedisStore) -> None:
        await store.put(Write(b"k", b"1", None))
        line = await store.line(store.address)
        for _ in range(5):
            await line.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            assert await asyncio.gather(*[store.fetch(b"k") for _ in range(20)]) == [b"1"] * 20
        await line.close()

    asked(address_of(server), question)


def test_what_does_not_speak_the_protocol_is_no_server() -> None:
    async def question(store: RedisStore) -> None:
        with pytest.raises(UnreachableError):
            await store.fetch(b"a")

    async def run() -> None:
        async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
            writer.close()

        babbler = await asyncio.start_server(babble, "127.0.0.1", 0)
        async with babbler:
            port = babbler.sockets[0].getsockname()[1]
            store = RedisStore(Address(mode="standalone", nodes=(("127.0.0.1", port),), timeout_seconds=2))
            await question(store)
            await store.close()

    asyncio.run(run())


def test_one_forbidden_name_fails_its_own_caller_alone(server: Server) -> None:
    def rights(store: RedisStore) -> Awaitable[None]:
        return with_user(store, "reader", "~own:*", "+@read", "+@write", "+@connection")

    async def question(store: RedisStore) -> None:
        await store.put(Write(b"own:a", b"1", None))
        answers = await asyncio.gather(
            *[store.fetch(name) for name in (b"own:a", b"other:b", b"own:a", b"own:none")], return_exceptions=True
        )
        assert [answers[0], answers[2], answers[3]] == [b"1", b"1", None]
        assert isinstance(answers[1], ForbiddenError)

    asked(address_of(server), rights)
    asked(address_of(server, username="reader", password="pw"), question)


async def with_user(store: RedisStore, name: str, *rules: str) -> None:
    """An ACL user of this name, with the password `pw`."""
    line = await store.line(store.address)
    assert await line.ask("ACL", "SETUSER", name, "reset", "on", ">pw", *rules) == b"OK"
    await line.close()


@pytest.mark.parametrize("protocol", [2, 3])
def test_it_works_where_config_and_client_are_forbidden(server: Server, protocol: int) -> None:
    forbidden = ["-config", "-client", "-info", "-memory|usage", "-object", "-slowlog", "-role", "-@scripting", "-mget"]

    async def question(store: RedisStore) -> None:
        writes = [Write(b"own:%d" % number, b"%d" % number, 60_000) for number in range(20)]
        assert await store.put_many(writes) == []
        blobs = await asyncio.gather(*[store.fetch(write.name) for write in writes])
        assert blobs == [write.blob for write in writes]
        assert await store.get_many([write.name for write in writes]) == blobs
        assert sum(size or 0 for size in await store.sizes([write.name for write in writes])) > 0
        assert (await store.facts()).version is None
        for call in (store.clients, store.slowlog, store.info, lambda: store.config("maxmemory")):
            with pytest.raises(ForbiddenError):
                await call()
        (described,) = await store.describe([b"own:1"])
        assert described is not None
        assert (described.kind, described.size_bytes, described.idle_seconds) == ("string", None, None)
        assert await store.remove([write.name for write in writes]) == 20

    asked(address_of(server), lambda store: with_user(store, "few", "~own:*", "+@all", *forbidden))
    asked(address_of(server, username="few", password="pw", protocol=protocol), question)


def test_resp2_works_where_hello_is_forbidden(server: Server) -> None:
    async def question(store: RedisStore) -> None:
        await store.put(Write(b"own:a", b"1", None))
        assert await store.fetch(b"own:a") == b"1"

    asked(address_of(server), lambda store: with_user(store, "old", "~own:*", "+@all", "-hello", "-client"))
    asked(address_of(server, username="old", password="pw"), question)


def test_a_changed_password_is_asked_for_at_the_next_connection(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("pw")
    secret = Secret("file", str(file), "here")

    async def question(store: RedisStore) -> None:
        await store.put(Write(b"own:a", b"1", None))
        admin = RedisStore(address_of(server))
        line = await admin.line(admin.address)
        await line.ask("ACL", "SETUSER", "rotated", "resetpass", ">new")
        await line.ask("CLIENT", "KILL", "USER", "rotated")
        with pytest.raises(AuthError):
            await store.fetch(b"own:a")
        file.write_text("new")
        assert await store.fetch(b"own:a") == b"1"
        await line.close()
        await admin.close()

    asked(address_of(server), lambda store: with_user(store, "rotated", "~own:*", "+@all"))
    asked(address_of(server, username="rotated", password=secret), question)


def test_a_forked_child_makes_connections_of_its_own(server: Server) -> None:
    async def question(store: RedisStore) -> None:
        await store.put(Write(b"k", b"parent", None))
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if _child_reads(store) else 2
            finally:
                os.write(writing, bytes([code]))
                os._exit(0)
        answers = await asyncio.gather(*[store.fetch(b"k") for _ in range(50)])
        code = (await asyncio.to_thread(os.read, reading, 1))[0]
        os.waitpid(child, 0)
        assert (code, answers) == (0, [b"parent"] * 50)
        assert await store.fetch(b"k") == b"parent"

    asked(address_of(server), question)


def _child_reads(store: RedisStore) -> bool:
    """In the child, whose thread still believes that it runs the parent's event loop."""
    asyncio._set_running_loop(None)

    async def read() -> bytes | None:
        blob = await store.fetch(b"k")
        await store.close()
        return blob

    blob = asyncio.run(read())
    gc.collect()
    return blob == b"parent"


def test_a_silent_half_open_connection_is_given_up_for_a_new_one(server: Server) -> None:
    """What the connection's other end swallows is answered over a new connection, long before the time limit."""

    async def question(store: RedisStore) -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            assert await store.fetch(b"none") is None
            node = store._routes._topology().node_of(b"none")
            assert node is not None
            assert node._channel is not None
            hole = socket.create_connection(deaf.getsockname())
            real = node._channel._transport
            transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=hole)
            node._channel._transport = transport
            with pytest.raises(TimedOutError):
                await store.fetch(b"none", patience_seconds=0.6)
            assert await store.fetch(b"none", patience_seconds=2) is None
            transport.abort()
            real.abort()

    asked(address_of(server), question)


def test_a_connection_whose_greeting_was_lost_is_not_waited_for(server: Server) -> None:
    async def scene(store: RedisStore) -> None:
        proxy.behave("swallow")
        lost = asyncio.create_task(store.fetch(b"lost"))  # HELLO of RESP3 is never answered
        await asyncio.sleep(0.7)
        proxy.behave("pass")
        async with asyncio.timeout(15):
            assert await store.fetch(b"found") is None
            assert await lost is None

    proxy = FaultProxy(server.port)
    try:
        at = address_of(server, nodes=(("127.0.0.1", proxy.port),), timeout_seconds=60.0, protocol=3)
        asked(at, scene)
    finally:
        proxy.close()
