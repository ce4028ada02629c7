"""A TCP proxy before a Redis that does to connections what networks and servers do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import hiredis

from tests.redis_server import free_port

MODES = ("pass", "swallow", "slow", "truncate", "reset", "refuse", "loading", "moved", "oom", "readonly")

_ERRORS = {
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "moved": b"-MOVED 7 127.0.0.1:1\r\n",
    "oom": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "readonly": b"-READONLY You can't write against a read only replica.\r\n",
}
_SLOW_SECONDS = 0.02


class FaultProxy:
    """Listens on a port of its own, in a thread of its own. `behave(mode)` holds until the next call.

    pass: as if it were not there. swallow: connections stay open and nothing comes back, also when it is over; new
    ones are taken, too. slow: each chunk takes 20 ms each way. truncate: half of a reply, then the connection ends.
    reset: every connection is reset, again and again. refuse: nobody listens. loading, moved, oom, readonly: every
    command is refused with that error.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._mode = "pass"
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._thread.start()
        self._run(self._listen)

    def behave(self, mode: str) -> None:
        """Begin (or end) a fault."""
        self._run(lambda: self._behave(mode))

    def close(self) -> None:
        """End every connection, the listener and the thread."""
        self._run(lambda: self._behave("refuse"))
        self._run(self._cancel_all)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def mode(self) -> str:
        """What it does now."""
        return self._mode

    def _run(self, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(start(), self._loop).result(10)

    async def _behave(self, mode: str) -> None:
        assert mode in MODES, mode
        self._mode = mode
        if mode in ("reset", "refuse"):
            for link in list(self._links):
                link.reset()
        if mode == "refuse" and self._server is not None:
            self._server.close()
            self._server = None
        elif mode != "refuse" and self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "reset":
            _reset(writer)
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        link = _Link(self, (reader, writer), there)
        self._links.add(link)
        try:
            await link.serve()
        finally:
            self._links.discard(link)

    async def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*[task for task in tasks if task is not None], return_exceptions=True)


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: FaultProxy, client: Stream, server: Stream) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._is_dead = False
        self._asked: Any = hiredis.Reader()
        self._answered: Any = hiredis.Reader()
        self._owed = 0
        """Replies that the server has not given yet."""

    async def serve(self) -> None:
        """Until one side ends."""
        pumps = [asyncio.create_task(pump) for pump in (self._requests(), self._replies())]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if self._is_dead:  # open on the client's side for as long as the client likes
                await asyncio.wait(pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self.reset()

    def reset(self) -> None:
        """End both sides, the client's by RST."""
        _reset(self._client[1])
        self._server[1].transport.abort()

    async def _requests(self) -> None:
        async for chunk in _chunks(self._client[0]):
            mode = self._proxy.mode
            if mode == "swallow" or self._is_dead:
                self._is_dead = True
                continue
            count = _count(self._asked, chunk)
            if mode in _ERRORS:
                await self._refuse(count, _ERRORS[mode])
            else:
                self._owed += count
                await self._pass(chunk, self._server[1], mode)

    async def _replies(self) -> None:
        async for chunk in _chunks(self._server[0]):
            mode = self._proxy.mode
            if mode == "swallow" or self._is_dead:
                self._is_dead = True
            elif mode == "truncate":
                self._client[1].write(chunk[: len(chunk) // 2])
                await self._client[1].drain()
                return
            else:
                await self._pass(chunk, self._client[1], mode)
                self._owed -= _count(self._answered, chunk)

    async def _pass(self, chunk: bytes, to: asyncio.StreamWriter, mode: str) -> None:
        if mode == "slow":
            await asyncio.sleep(_SLOW_SECONDS)
        to.write(chunk)
        await to.drain()

    async def _refuse(self, count: int, error: bytes) -> None:
        """In its turn: what the server was asked before is answered first."""
        while self._owed > 0:
            await asyncio.sleep(0.001)
        self._client[1].write(error * count)


_UNASKED = (b"message", b"subscribe", b"unsubscribe", b"SUBSCRIBE", b"UNSUBSCRIBE")


def _count(reader: Any, chunk: bytes) -> int:
    """How many commands, or replies to commands, end in a chunk."""
    reader.feed(chunk)
    count = 0
    while (said := reader.gets()) is not False:
        is_unasked = isinstance(said, hiredis.PushNotification) or (
            isinstance(said, list) and bool(said) and said[0] in _UNASKED
        )
        count += 0 if is_unasked else 1
    return count


async def _chunks(reader: asyncio.StreamReader) -> Any:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            yield chunk


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, AttributeError):
        taken: Any = writer.get_extra_info("socket")
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
