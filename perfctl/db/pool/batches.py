"""Many statements at once over a few connections: each connection is taken once and asked one thing after another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.db.pool.pool import ConnectionPool
    from perfctl.db.postgres import Record, Session

CONCURRENCY = 4
"""Connections that one batch takes at most: more do not make it faster, and others want some, too."""
_WORTH_A_CONNECTION = 4
"""Statements for which one more connection is taken."""
_LEAST_SECONDS = 0.001

Ask = tuple[str, tuple[object, ...]]


async def gathered(
    pool: ConnectionPool, asks: Sequence[Ask], *, timeout: float | None, concurrency: int = CONCURRENCY
) -> list[list[Record]]:
    """The rows of each statement, in their order; `timeout` covers all of them together.

    The first that fails ends the batch: what was not begun is not sent.
    """
    batch = _Batch(pool, asks, timeout)
    width = min(concurrency, -(-len(asks) // _WORTH_A_CONNECTION))
    if width <= 1:
        await batch.work()
        return batch.found
    workers = [asyncio.create_task(batch.work(is_needed=number == 0)) for number in range(width)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return batch.found


class _Batch:
    """The statements of one call, which several connections share."""

    def __init__(self, pool: ConnectionPool, asks: Sequence[Ask], timeout: float | None) -> None:
        self.found: list[list[Record]] = [[] for _ in asks]
        self._pool, self._asks, self._next = pool, asks, 0
        self._until = None if timeout is None else time.monotonic() + timeout

    async def work(self, *, is_needed: bool = True) -> None:
        """Ask on one connection until nothing is left; one that is not needed is only taken where there is room."""
        if not is_needed and not self._pool.shelf().has_room:
            return
        while self._next < len(self._asks):
            async with self._pool.acquire(timeout=self._seconds()) as session:
                while self._next < len(self._asks) and session.is_usable:
                    await self._ask(session)

    async def _ask(self, session: Session) -> None:
        number = self._next
        self._next += 1
        sql, arguments = self._asks[number]
        try:
            self.found[number] = await session.fetch(sql, *arguments, timeout=self._seconds())
        except PerfctlError as error:
            if not self._pool.is_to_be_asked_again(error, sql):
                raise
            self.found[number] = await self._pool.fetch_again(sql, arguments, timeout=self._seconds())

    def _seconds(self) -> float | None:
        return None if self._until is None else max(self._until - time.monotonic(), _LEAST_SECONDS)
