"""The tier behind the process, as applications meet it: a server that is down is a miss and one warning."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from perfctl.cache.store import Fetched, Store, Write
from perfctl.errors import PerfctlError, ServiceError

_LOG = logging.getLogger("perfctl.cache")

_REST_SECONDS = 1.0
"""How long a server that did not answer is left alone: callers need not wait for the time-out again."""

_Answer = TypeVar("_Answer")


class SharedTier:
    """Asks a Store, and never raises for its sake."""

    def __init__(self, store: Store, *, now: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now = now
        self._rests_until = 0.0
        self._is_well = True

    async def get(self, name: bytes) -> Fetched | None:
        """The blob; None when it is not there, or nobody answers."""
        return await self._ask(lambda: self._store.get(name), None)

    async def set(self, write: Write) -> bool:
        """Keep a blob; whether that was done."""
        return await self._ask(lambda: _done(self._store.set(write)), False)

    async def delete(self, names: Sequence[bytes]) -> bool:
        """Forget names; whether that was done."""
        return await self._ask(lambda: _done(self._store.delete(names)), False)

    async def count(self, name: bytes, increments: Mapping[bytes, int]) -> bool:
        """Add to the shared counters; whether that was done."""
        return await self._ask(lambda: _done(self._store.count(name, increments, since=int(time.time()))), False)

    async def ask(self, call: Callable[[], Awaitable[_Answer]], otherwise: _Answer) -> _Answer:
        """The answer of any call to the store, or `otherwise`."""
        return await self._ask(call, otherwise)

    async def _ask(self, call: Callable[[], Awaitable[_Answer]], otherwise: _Answer) -> _Answer:
        if self._now() < self._rests_until:
            return otherwise
        try:
            answer = await call()
        except PerfctlError as error:
            self._failed(error)
            return otherwise
        self._answered()
        return answer

    def _failed(self, error: PerfctlError) -> None:
        if not isinstance(error, ServiceError):
            self._rests_until = self._now() + _REST_SECONDS
        if self._is_well:
            _LOG.warning("the cache goes on without Redis: %s", error.message)
        self._is_well = False

    def _answered(self) -> None:
        if not self._is_well:
            _LOG.warning("Redis at %s answers again", self._store.address)
        self._is_well = True


async def _done(call: Awaitable[object]) -> bool:
    await call
    return True
