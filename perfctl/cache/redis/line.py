"""A connection of its own to one node, for client tracking and subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import hiredis

from perfctl.cache.address import Address
from perfctl.cache.redis.channel import Channel, LostConnectionError, packed
from perfctl.cache.redis.connecting import connection_to, host_and_port
from perfctl.cache.redis.failures import refusal, translated, translation
from perfctl.cache.redis.node import hand_over
from perfctl.cache.store import Message

_SUBSCRIBES = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"}


class RedisLine:
    """A Line on a connection that redis-py made."""

    def __init__(self, at: Address, node: str, protocol: int) -> None:
        self.node = node
        self.protocol = protocol
        self.limit_seconds = at.timeout_seconds
        self._at = at
        self._channel = Channel(at.timeout_seconds)
        self._heard: asyncio.Queue[Any] = asyncio.Queue()
        self._channel.on_push = self._heard.put_nowait
        self._channel.on_closed = self._heard.put_nowait

    async def open(self, connection: Any) -> None:
        """Connect."""
        with translated(self._at, self.node, "connect"):
            await self._channel.open(connection)

    async def ask(self, *words: bytes | str | int) -> Any:
        """The reply to one command; None at once for SUBSCRIBE and its like."""
        if not self._channel.is_open:
            raise translation(LostConnectionError("the connection was closed"), self._at, self.node)
        if str(words[0]).upper() in _SUBSCRIBES:
            self._channel.send(packed(*words))
            return None
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._channel.request(packed(*words), 1, lambda replies, error: hand_over(future, replies, error))
        with translated(self._at, self.node):
            (reply,) = await future
        if isinstance(reply, hiredis.ReplyError):
            raise refusal(str(reply), self._at, self.node)
        return reply

    async def hear(self) -> list[Any]:
        """The next thing that is said unasked."""
        said = await self._heard.get()
        if isinstance(said, hiredis.ReplyError):
            raise refusal(str(said), self._at, self.node)
        if isinstance(said, BaseException):
            self._heard.put_nowait(said)  # whoever asks next hears it, too
            raise translation(said, self._at, self.node)
        return said if isinstance(said, list) else [said]

    async def close(self) -> None:
        """End the connection."""
        self._channel.close()
        await self._channel.closed()


class Subscription:
    """A Listening on a line."""

    def __init__(self, line: RedisLine) -> None:
        self._line = line

    async def next(self) -> Message:
        """The next message."""
        while True:
            said = await self._line.hear()
            if said[0] == b"message":
                return Message(said[1], said[2])

    async def close(self) -> None:
        """End the subscription."""
        await self._line.close()


async def opened(at: Address, node: str, protocol: int | None = None) -> RedisLine:
    """A line to a node of this address."""
    connection = connection_to(at, *host_and_port(node), protocol=protocol)
    line = RedisLine(at, node, connection.protocol)
    await line.open(connection)
    return line


async def subscribed(line: RedisLine, channels: Sequence[bytes]) -> Subscription:
    """A subscription that the server has confirmed."""
    await line.ask("SUBSCRIBE", *channels)
    for _ in channels:
        try:
            async with asyncio.timeout(line.limit_seconds):
                await line.hear()
        except BaseException:
            await line.close()
            raise
    return Subscription(line)
