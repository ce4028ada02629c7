"""Who waits for a connection hears what became of it, whatever that is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from perfctl.cache.redis.channel import Channel, LostConnectionError, packed
from perfctl.cache.redis.node import Node

PING = packed("PING")


class Connection:
    """A connection as redis-py makes it, which comes to nothing."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self.is_disconnected = False

    async def connect(self) -> None:
        await self._connect()

    async def disconnect(self, nowait: bool = False) -> None:
        self.is_disconnected = nowait


def test_an_error_that_no_driver_documents_reaches_who_waits() -> None:
    async def fails() -> None:
        raise AttributeError("'list' object has no attribute 'get'")

    async def scene() -> None:
        node = Node("memory", lambda: Connection(fails), 5)
        for asked in (node.ask(PING), node.read(b"a"), node.ask_all([PING])):
            with pytest.raises(LostConnectionError, match="has no attribute"):
                async with asyncio.timeout(10):
                    await asked
        await node.close()

    asyncio.run(scene())


def test_who_waits_for_a_connection_that_is_closed_hears_it() -> None:
    async def hangs() -> None:
        await asyncio.sleep(60)

    async def scene() -> None:
        connection = Connection(hangs)
        node = Node("memory", lambda: connection, 5)
        asked = node.ask(PING)
        await asyncio.sleep(0.01)
        await node.close()
        assert connection.is_disconnected
        for each in (asked, node.ask(PING), node.read(b"a"), node.ask_all([PING])):
            with pytest.raises(LostConnectionError, match="closed"):
                async with asyncio.timeout(10):
                    await each

    asyncio.run(scene())


def test_a_connection_that_was_made_though_it_was_given_up_is_ended() -> None:
    async def goes_on() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)

    async def scene() -> None:
        connection = Connection(goes_on)
        node = Node("memory", lambda: connection, 5)
        asked = node.ask(PING)
        await asyncio.sleep(0.01)
        await node.close()
        assert connection.is_disconnected
        with pytest.raises(LostConnectionError, match="closed"):
            await asked

    asyncio.run(scene())


def test_an_answer_that_fails_takes_no_reply_from_another() -> None:
    class Nowhere:
        """What a connection of redis-py has, and a transport's methods."""

        def __init__(self) -> None:
            self._writer, self._reader = self, None
            self.transport = self

        async def connect(self) -> None: ...

        def set_protocol(self, protocol: asyncio.Protocol) -> None: ...

        def write(self, payload: bytes) -> None: ...

        def abort(self) -> None: ...

    def fails(replies: Any, error: BaseException | None) -> None:
        raise ValueError("no reply is good enough")

    async def scene() -> None:
        complaints: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["exception"]))
        channel = Channel(5)
        await channel.open(Nowhere())
        told: list[Any] = []
        for _ in range(2):
            channel.request(PING, 1, fails)
            channel.request(PING, 1, lambda replies, error: told.append(replies or type(error)))
        channel.data_received(b"+1\r\n+2\r\n")
        channel.close(LostConnectionError("gone"))
        assert told == [[b"2"], LostConnectionError]
        assert [type(each) for each in complaints] == [ValueError, ValueError]

    asyncio.run(scene())
