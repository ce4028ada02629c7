"""The connection pool: opened on first use, never more than the maximum, the most recently used one first."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perfctl.errors import TimedOutError

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session

IDLE_SECONDS = 300.0
"""How long a connection beyond the minimum may lie idle: short enough for a load balancer's usual 350 s."""


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """What the pool holds now, and what it did since it was made."""

    in_use: int
    idle: int
    waiting: int
    created: int
    closed: int
    waits: int


@dataclass(slots=True)
class _Shelf:
    """The connections of one event loop, which no other loop can use."""

    free: asyncio.Semaphore
    idle: deque[tuple[float, Session]] = field(default_factory=deque)
    in_use: int = 0
    waiting: int = 0


class ConnectionPool:
    """Connections to one server; `keep=False` gives every caller one of its own.

    Each event loop that asks has connections of its own, up to the maximum.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Session]],
        *,
        min_connections: int = 5,
        max_connections: int = 20,
        keep: bool = True,
    ) -> None:
        self._connect = connect
        self._min, self._max, self._keep = min_connections, max_connections, keep
        self._shelves: dict[asyncio.AbstractEventLoop, _Shelf] = {}
        self._created = self._closed = self._waits = 0

    @asynccontextmanager
    async def acquire(self, *, timeout: float | None = None) -> AsyncIterator[Session]:
        """A connection until the block is left; `timeout` covers the wait for one and opening it.

        TimedOutError where all of them stay in use.
        """
        shelf = self._shelf()
        session = await self._taken(shelf, timeout)
        try:
            yield session
        finally:
            # Also when the caller is cancelled: the connection comes back, or is closed when it is not usable.
            await asyncio.shield(self._give_back(shelf, session))

    async def fetch(self, sql: str, *arguments: object, timeout: float | None = None) -> list[Record]:
        """The rows of one statement; `timeout` covers the wait for a connection as well."""
        deadline = None if timeout is None else time.monotonic() + timeout
        async with self.acquire(timeout=timeout) as session:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.001)
            return await session.fetch(sql, *arguments, timeout=left)

    def statistics(self) -> PoolStatistics:
        """How many connections are in use, idle, waited for."""
        shelves = [shelf for loop, shelf in list(self._shelves.items()) if not loop.is_closed()]
        return PoolStatistics(
            in_use=sum(shelf.in_use for shelf in shelves),
            idle=sum(len(shelf.idle) for shelf in shelves),
            waiting=sum(shelf.waiting for shelf in shelves),
            created=self._created,
            closed=self._closed,
            waits=self._waits,
        )

    async def close(self) -> None:
        """Close the idle connections, of every loop that still runs; those in use are closed when they come back."""
        self._keep = False
        here = asyncio.get_running_loop()
        for loop, shelf in list(self._shelves.items()):
            if loop is here:
                await self._cleared(shelf)
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._cleared(shelf), loop))

    def _shelf(self) -> _Shelf:
        here = asyncio.get_running_loop()
        if here not in self._shelves:
            for gone in [loop for loop in self._shelves if loop.is_closed()]:
                del self._shelves[gone]
            self._shelves[here] = _Shelf(asyncio.Semaphore(self._max))
        return self._shelves[here]

    async def _cleared(self, shelf: _Shelf) -> None:
        while shelf.idle:
            await self._discard(shelf.idle.pop()[1])

    async def _taken(self, shelf: _Shelf, timeout: float | None) -> Session:
        self._waits += shelf.free.locked()
        shelf.waiting += 1
        try:
            async with asyncio.timeout(timeout):
                await shelf.free.acquire()
        except TimeoutError as error:
            raise TimedOutError(
                f"all {self._max} connections stayed in use for {timeout:g} s",
                hint="raise max_connections, or give it longer",
            ) from error
        finally:
            shelf.waiting -= 1
        try:
            session = await self._usable(shelf)
        except BaseException:
            shelf.free.release()
            raise
        shelf.in_use += 1
        return session

    async def _usable(self, shelf: _Shelf) -> Session:
        while shelf.idle:
            session = shelf.idle.pop()[1]
            if session.is_usable:
                return session
            await self._discard(session)
        session = await self._connect()
        self._created += 1
        return session

    async def _give_back(self, shelf: _Shelf, session: Session) -> None:
        shelf.in_use -= 1
        try:
            if self._keep and session.is_usable:
                shelf.idle.append((time.monotonic(), session))
                await self._shrink(shelf)
            else:
                await self._discard(session)
        finally:
            shelf.free.release()

    async def _shrink(self, shelf: _Shelf) -> None:
        """Close what lies idle for long, beyond the minimum: the one used longest ago is leftmost."""
        while len(shelf.idle) > self._min and time.monotonic() - shelf.idle[0][0] > IDLE_SECONDS:
            await self._discard(shelf.idle.popleft()[1])

    async def _discard(self, session: Session) -> None:
        self._closed += 1
        await session.close()
