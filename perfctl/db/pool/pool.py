"""ConnectionPool: connections to one server, for the callers of any event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from perfctl.bridge import done_on
from perfctl.db.pool.batches import Ask, gathered
from perfctl.db.pool.shelf import Shelf
from perfctl.db.pool.statistics import Counts, PoolStatistics
from perfctl.db.pool.terms import Connect, Terms
from perfctl.db.session.backstage import Backstage
from perfctl.db.session.effects import effects
from perfctl.db.session.prepared import Naming
from perfctl.errors import PerfctlError
from perfctl.recording.registry import Recorder

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session, Wrote

_LEAST_SECONDS = 0.001
_RESTS = (0.05, 0.2, None)
"""How long a read waits before it is asked yet again."""


class Lease:
    """A connection for the length of an `async with` block."""

    __slots__ = ("_pool", "_session", "_shelf", "_timeout")

    def __init__(self, pool: ConnectionPool, timeout: float | None) -> None:
        self._pool, self._timeout = pool, timeout
        self._shelf: Shelf | None = None
        self._session: Session | None = None

    async def __aenter__(self) -> Session:
        shelf = self._shelf = self._pool.shelf()
        session = self._session = shelf.take() or await shelf.wait(self._timeout)
        return session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shelf is not None and self._session is not None:
            self._shelf.give_back(self._session)
            self._session = None


class ConnectionPool:
    """Connections to one server; `keep=False` gives every caller one of its own.

    Each event loop that asks has connections of its own, up to the maximum. Nothing is opened before it is asked for,
    and what lies idle beyond the minimum is closed after a while. A connection comes back as its caller got it: what
    may have left something in the session is taken back before the next caller has it.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        naming: Naming | None = None,
        backstage: Backstage | None = None,
        retry_reads: bool = True,
        waited: Recorder | None = None,
        **terms: Any,
    ) -> None:
        """`terms` are the fields of `Terms`; `waited` is told how long each caller waited who had to."""
        self._terms = Terms(connect=connect, **terms)
        self._counts = Counts() if waited is None else Counts(waited=waited)
        self._retry_reads = retry_reads
        self.naming = naming or Naming(0)
        self.effects = effects if backstage is None else backstage.effects
        """What a statement may do, as far as the pool knows."""
        self.on_write: Wrote | None = None
        """What every session that is opened from now on tells of its writes."""
        self._shelves: dict[asyncio.AbstractEventLoop, Shelf] = {}

    def acquire(self, *, timeout: float | None = None) -> Lease:
        """A connection until the `async with` block is left; `timeout` covers the wait for one and opening it.

        TimedOutError where all of them stay in use.
        """
        return Lease(self, timeout)

    async def fetch(self, sql: str, *arguments: object, timeout: float | None = None) -> list[Record]:
        """The rows of one statement; `timeout` covers the wait for a connection as well.

        A read that does no harm when it is asked twice is asked again when its connection breaks.
        """
        shelf = self.shelf()
        began = 0.0 if timeout is None else time.monotonic()
        session = shelf.take()
        if session is None:
            session = await shelf.wait(timeout)
            left = _left(timeout, began)
        else:
            left = timeout
        try:
            return await session.fetch(sql, *arguments, timeout=left)
        except PerfctlError as error:
            if not self.is_to_be_asked_again(error, sql):
                raise
        finally:
            shelf.give_back(session)
        return await self.fetch_again(sql, arguments, timeout=_left(timeout, began))

    def is_to_be_asked_again(self, error: PerfctlError, sql: str) -> bool:
        """Whether a statement failed for its connection's sake alone, and does no harm when it is asked twice."""
        if getattr(error, "reason", None) != "lost":
            return False
        self.shelf().lost()
        return self._retry_reads and self.effects(sql).is_repeatable

    async def fetch_again(self, sql: str, arguments: Sequence[object], *, timeout: float | None) -> list[Record]:
        """The rows of a read whose connection broke, on another one.

        A server that goes down ends its sessions one by one: the next connection may break as well, moments later.
        """
        began = time.monotonic()
        for rest in _RESTS:
            self._counts.retried += 1
            try:
                async with self.acquire(timeout=_left(timeout, began)) as session:
                    return await session.fetch(sql, *arguments, timeout=_left(timeout, began))
            except PerfctlError as error:
                if rest is None or not self.is_to_be_asked_again(error, sql):
                    raise
            await asyncio.sleep(rest)
        raise AssertionError  # the last rest is None

    async def fetch_many(
        self, sql: str, arguments: Sequence[Sequence[object]], *, timeout: float | None = None
    ) -> list[Record]:
        """The rows of one statement for each set of arguments, in order, on one connection; all or none."""
        began = time.monotonic()
        for rest in (0.0, *_RESTS):
            try:
                async with self.acquire(timeout=_left(timeout, began)) as session:
                    return await session.fetch_many(sql, arguments, timeout=_left(timeout, began))
            except PerfctlError as error:
                if rest is None or not self.is_to_be_asked_again(error, sql):
                    raise
            self._counts.retried += 1
            await asyncio.sleep(rest)
        raise AssertionError  # the last rest is None

    async def gather(self, asks: Sequence[Ask], *, timeout: float | None = None) -> list[list[Record]]:
        """The rows of many statements, in their order, over a few connections; see `gathered`."""
        return await gathered(self, asks, timeout=timeout)

    @property
    def max_connections(self) -> int:
        """How many each event loop may have."""
        return self._terms.max_connections

    def statistics(self) -> PoolStatistics:
        """How many connections are in use, idle, waited for, and what was counted so far."""
        shelves = [shelf for loop, shelf in list(self._shelves.items()) if not loop.is_closed()]
        counts = self._counts
        return PoolStatistics(
            in_use=sum(shelf.in_use for shelf in shelves),
            idle=sum(len(shelf.idle) for shelf in shelves),
            waiting=sum(len(shelf.waiters) for shelf in shelves),
            created=counts.created,
            closed=counts.closed.total(),
            waits=counts.waits,
            wait_ms=round(counts.wait_seconds * 1000, 3),
            connecting=sum(shelf.connecting for shelf in shelves),
            reset=counts.reset,
            retried=counts.retried,
            statement_hits=self.naming.hits,
            statement_misses=self.naming.misses,
            closed_for={str(reason): count for reason, count in counts.closed.items()},
        )

    async def close(self) -> None:
        """Close the idle connections, of every loop that still runs; those in use are closed when they come back."""
        self._terms.keep = False
        here = asyncio.get_running_loop()
        for loop, shelf in list(self._shelves.items()):
            if loop is here:
                await shelf.end()
            elif loop.is_running():
                await done_on(loop, shelf.end())

    def shelf(self) -> Shelf:
        """The connections of the running loop."""
        here = asyncio.get_running_loop()
        shelf = self._shelves.get(here)
        if shelf is None:
            for gone in [loop for loop in self._shelves if loop.is_closed()]:
                del self._shelves[gone]
            shelf = self._shelves[here] = Shelf(self._terms, self._counts)
        return shelf


def _left(timeout: float | None, began: float) -> float | None:
    return None if timeout is None else max(timeout - (time.monotonic() - began), _LEAST_SECONDS)
