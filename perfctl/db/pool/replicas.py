"""Reads from replicas, for callers who ask for it: spread over those that answer, from the primary when none does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from perfctl.errors import TimedOutError, UnreachableError

if TYPE_CHECKING:
    from perfctl.db.pool.pool import ConnectionPool
    from perfctl.db.postgres import Record

_REST_SECONDS = 5.0
"""How long a replica that could not be reached is left alone."""


class Replicas:
    """A pool for each replica; the primary's is the last resort."""

    def __init__(self, pools: Sequence[ConnectionPool], primary: ConnectionPool) -> None:
        self._pools, self._primary = tuple(pools), primary
        self._away_until = [-inf] * len(self._pools)
        self._turn = 0

    @property
    def pools(self) -> tuple[ConnectionPool, ...]:
        """One for each replica, in the order of the configuration."""
        return self._pools

    async def fetch(self, sql: str, *arguments: object, timeout: float | None = None) -> list[Record]:
        """The rows of a read from a replica, which may lag behind; from the primary when no replica can be reached."""
        until = None if timeout is None else time.monotonic() + timeout
        for number in self._order():
            try:
                return await self._pools[number].fetch(sql, *arguments, timeout=_left(until))
            except TimedOutError:
                raise
            except UnreachableError:
                self._away_until[number] = time.monotonic() + _REST_SECONDS
        return await self._primary.fetch(sql, *arguments, timeout=_left(until))

    async def close(self) -> None:
        """Close their connections."""
        for pool in self._pools:
            await pool.close()

    def _order(self) -> list[int]:
        """The replicas that are not known to be away, another one first each time."""
        now, count = time.monotonic(), len(self._pools)
        self._turn += 1
        turns = [(self._turn + step) % count for step in range(count)]
        return [number for number in turns if self._away_until[number] <= now]


def _left(until: float | None) -> float | None:
    return None if until is None else max(until - time.monotonic(), 0.001)
