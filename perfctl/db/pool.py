"""The connection pool: opened on first use, never more than the maximum, the most recently used one first."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
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


class ConnectionPool:
    """Connections to one server; `keep=False` gives every caller one of its own."""

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
        self._idle: deque[tuple[float, Session]] = deque()
        self._free = asyncio.Semaphore(max_connections)
        self._in_use = self._waiting = self._created = self._closed = self._waits = 0

    @asynccontextmanager
    async def acquire(self, *, timeout: float | None = None) -> AsyncIterator[Session]:
        """A connection until the block is left; `timeout` covers the wait for one and opening it.

        TimedOutError where all of them stay in use.
        """
        session = await self._taken(timeout)
        try:
            yield session
        finally:
            # Also when the caller is cancelled: the connection comes back, or is closed when it is not usable.
            await asyncio.shield(self._give_back(session))

    async def fetch(self, sql: str, *arguments: object, timeout: float | None = None) -> list[Record]:
        """The rows of one statement; `timeout` covers the wait for a connection as well."""
        deadline = None if timeout is None else time.monotonic() + timeout
        async with self.acquire(timeout=timeout) as session:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.001)
            return await session.fetch(sql, *arguments, timeout=left)

    def statistics(self) -> PoolStatistics:
        """How many connections are in use, idle, waited for."""
        return PoolStatistics(
            in_use=self._in_use,
            idle=len(self._idle),
            waiting=self._waiting,
            created=self._created,
            closed=self._closed,
            waits=self._waits,
        )

    async def close(self) -> None:
        """Close the idle connections; those in use are closed when they come back."""
        self._keep = False
        while self._idle:
            await self._discard(self._idle.pop()[1])

    async def _taken(self, timeout: float | None) -> Session:
        self._waits += self._free.locked()
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout):
                await self._free.acquire()
        except TimeoutError as error:
            raise TimedOutError(
                f"all {self._max} connections stayed in use for {timeout:g} s",
                hint="raise max_connections, or give it longer",
            ) from error
        finally:
            self._waiting -= 1
        try:
            session = await self._usable()
        except BaseException:
            self._free.release()
            raise
        self._in_use += 1
        return session

    async def _usable(self) -> Session:
        while self._idle:
            session = self._idle.pop()[1]
            if session.is_usable:
                return session
            await self._discard(session)
        session = await self._connect()
        self._created += 1
        return session

    async def _give_back(self, session: Session) -> None:
        self._in_use -= 1
        try:
            if self._keep and session.is_usable:
                self._idle.append((time.monotonic(), session))
                await self._shrink()
            else:
                await self._discard(session)
        finally:
            self._free.release()

    async def _shrink(self) -> None:
        """Close what lies idle for long, beyond the minimum: the one used longest ago is leftmost."""
        while len(self._idle) > self._min and time.monotonic() - self._idle[0][0] > IDLE_SECONDS:
            await self._discard(self._idle.popleft()[1])

    async def _discard(self, session: Session) -> None:
        self._closed += 1
        await session.close()
