"""Many statements at once over a few connections: each connection is taken once and asked one thing after another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError, TimedOutError

if TYPE_CHECKING:
    from perfctl.db.pool.pool import ConnectionPool
    from perfctl.db.postgres import Record, Session

CONCURRENCY = 4
"""Connections that one batch takes at most: more do not make it faster, and others want some, too."""
_WORTH_A_CONNECTION = 4
"""Statements for which one more connection is taken."""

Ask = tuple[str, tuple[object, ...]]


async def gathered(
    pool: ConnectionPool, asks: Sequence[Ask], *, timeout: float | None, concurrency: int = CONCURRENCY
) -> list[list[Record]]:
    """The rows of each statement, in their order; `timeout` covers all of them together.

    The first that fails ends the batch: what was not begun is not sent.
    """
    batch = _Batch(pool, asks)
    try:
        async with asyncio.timeout(timeout):  # one timer for all: one for each costs a tenth of a read
            await _shared_out(batch, pool, concurrency)
    except TimeoutError as error:
        raise TimedOutError(
            f"{batch.done} of {len(asks)} statements were done within {timeout:g} s", hint="give it longer"
        ) from error
    return batch.found


async def _shared_out(batch: _Batch, pool: ConnectionPool, concurrency: int) -> None:
    shelf = pool.shelf()
    # Beside other callers a batch keeps to one connection: together they keep this process busy as it is.
    spare = min(concurrency - shelf.in_use, -(-len(batch.asks) // _WORTH_A_CONNECTION), shelf.room) - 1
    helpers = [asyncio.create_task(batch.work(is_needed=False)) for _ in range(spare)]
    try:
        await batch.work()
        for helper in helpers:
            await helper
    finally:
        for helper in helpers:
            helper.cancel()
        if helpers:
            await asyncio.gather(*helpers, return_exceptions=True)


class _Batch:
    """The statements of one call, which several connections share."""

    def __init__(self, pool: ConnectionPool, asks: Sequence[Ask]) -> None:
        self.asks, self.done = asks, 0
        self.found: list[list[Record]] = [[] for _ in asks]
        self._pool, self._next = pool, 0

    async def work(self, *, is_needed: bool = True) -> None:
        """Ask on one connection until nothing is left; a helper stops as soon as somebody else wants a connection."""
        shelf, count = self._pool.shelf(), len(self.asks)
        while self._next < count and (is_needed or shelf.room):
            async with self._pool.acquire() as session:
                while self._next < count and session.is_usable and (is_needed or not shelf.waiters):
                    await self._ask(session)

    async def _ask(self, session: Session) -> None:
        number = self._next
        self._next += 1
        sql, arguments = self.asks[number]
        try:
            self.found[number] = await session.fetch(sql, *arguments)
        except PerfctlError as error:
            if not self._pool.is_to_be_asked_again(error, sql):
                raise
            self.found[number] = await self._pool.fetch_again(sql, arguments, timeout=None)
        self.done += 1
