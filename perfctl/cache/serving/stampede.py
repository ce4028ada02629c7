"""Which of all processes computes a missing value: a lock on the server that its owner renews while it lives.

SET NX PX with a random token, released by a script that deletes it only if it is still ours and publishes its name.
Those who wait are woken by the backplane, and look for themselves now and then in case that it says nothing.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from perfctl.cache.serving.background import Background
from perfctl.cache.serving.flights import running_loop
from perfctl.cache.serving.shared import UNANSWERED, SharedTier

SHORTEST_REST, LONGEST_REST = 0.03, 0.2
"""Seconds between two looks of who waits, without a wake-up: the first, and, growing by half each time, the last."""
_FREES_EVERY_SECONDS = 0.25
_MOST_ORPHANS = 1000
LIVES_WAITED_FOR = 12
"""How many lives of a lock a process waits, while its owner renews it, before it computes anyway."""


@dataclass(slots=True)
class Lease:
    """A lock that is ours."""

    lock: bytes
    token: bytes
    good_until: float
    """Until when the server keeps it at least, by the monotonic clock."""
    renewal: asyncio.TimerHandle | None = None
    is_released: bool = False


class Stampede:
    """The locks of one cache."""

    def __init__(self, shared: SharedTier, background: Background, *, lock_seconds: float) -> None:
        self.lock_seconds = lock_seconds
        self.channel: bytes | None = None
        """Where freed locks are published; by default each on the channel of its own name."""
        self._shared = shared
        self._background = background
        self._waiting: dict[bytes, set[_Waiter]] = {}
        self._lock = threading.Lock()
        self._orphans: dict[bytes, bytes] = {}
        """Locks that the server may keep for us, by their tokens: it did not answer when we took or freed them."""
        self._frees = False

    async def take(self, lock: bytes) -> Lease | None:
        """The lock, renewed on the running loop until it is released; None where another one has it, UNANSWERED
        where nobody says so."""
        token = secrets.token_bytes(16)
        milliseconds = round(self.lock_seconds * 1000)
        was_away, began = self._shared.is_away, time.monotonic()
        is_ours = await self._take(lock, token, milliseconds)
        if is_ours is False and await self._free(lock):
            began = time.monotonic()
            is_ours = await self._take(lock, token, milliseconds)
        if is_ours is UNANSWERED and not was_away:  # it was asked, so it may be ours all the same
            self._free_later(lock, token)
        if not is_ours:
            unanswered: Lease | None = UNANSWERED if is_ours is UNANSWERED else None
            return unanswered
        lease = Lease(lock, token, began + self.lock_seconds)
        self._renew_later(lease)
        return lease

    async def release(self, lease: Lease) -> bool:
        """Free it and wake those who wait; False when somebody broke it: the key was deleted meanwhile, whatever was
        computed for it. A lock that ran out is somebody else's."""
        lease.is_released = True
        if lease.renewal is not None:
            lease.renewal.cancel()
        is_ours = await self._release(lease.lock, lease.token)
        if is_ours is UNANSWERED:
            self._free_later(lease.lock, lease.token)
        return is_ours is not False or time.monotonic() >= lease.good_until

    async def wait(self, lock: bytes, seconds: float) -> None:
        """Return when the lock changed hands, or after so long."""
        waiter = _Waiter()
        with self._lock:
            self._waiting.setdefault(lock, set()).add(waiter)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiter.woken.wait()
        finally:
            with self._lock:
                waiting = self._waiting.get(lock, set())
                waiting.discard(waiter)
                if not waiting:
                    self._waiting.pop(lock, None)

    def woken(self, lock: bytes) -> None:
        """Hear that something happened to a name, a lock or not; from any thread, without waiting."""
        if lock not in self._waiting:
            return
        for waiter in list(self._waiting.get(lock, ())):
            waiter.wake()

    def forget(self) -> None:
        """In a forked child, where nobody waits."""
        self._waiting, self._lock = {}, threading.Lock()
        self._orphans, self._frees = {}, False

    async def _take(self, lock: bytes, token: bytes, milliseconds: int) -> Any:
        """True, False, or UNANSWERED."""
        store = self._shared.store
        try:
            return await self._shared.ask(lambda: store.take(lock, token, milliseconds), UNANSWERED, name=lock)
        except BaseException:  # the caller was stopped, and the server may have heard it
            self._free_later(lock, token)
            raise

    async def _release(self, lock: bytes, token: bytes) -> Any:
        """True, False when it was somebody else's by now, or UNANSWERED."""
        store = self._shared.store
        try:
            return await self._shared.ask(
                lambda: store.release(lock, token, channel=self.channel), UNANSWERED, name=lock
            )
        except BaseException:
            self._free_later(lock, token)
            raise

    async def _free(self, lock: bytes) -> bool:
        """Free a lock that the server may have kept for us though we did not hear of it; whether it was so."""
        token = self._orphans.get(lock)
        if token is None:
            return False
        is_freed = await self._release(lock, token)
        if is_freed is not UNANSWERED and self._orphans.get(lock) is token:
            del self._orphans[lock]
        return is_freed is True

    def _free_later(self, lock: bytes, token: bytes) -> None:
        """When the server answers, unless it has let go of it itself by then."""
        if len(self._orphans) < _MOST_ORPHANS:
            self._orphans[lock] = token
        if not self._frees and running_loop() is not None:  # it is None for a caller that is collected
            self._frees = True
            self._background.spawn(self._free_all(), is_idle=True)

    async def _free_all(self) -> None:
        try:
            for _ in range(max(1, round(self.lock_seconds / _FREES_EVERY_SECONDS))):
                await asyncio.sleep(_FREES_EVERY_SECONDS)
                for lock in list(self._orphans):
                    await self._free(lock)
                if not self._orphans:
                    return
            self._orphans.clear()
        finally:
            self._frees = False

    def _renew_later(self, lease: Lease) -> None:
        loop = asyncio.get_running_loop()
        lease.renewal = loop.call_later(self.lock_seconds / 3, self._renew_soon, lease)

    def _renew_soon(self, lease: Lease) -> None:
        self._background.spawn(self._renew(lease), is_idle=True)

    async def _renew(self, lease: Lease) -> None:
        store, milliseconds, began = self._shared.store, round(self.lock_seconds * 1000), time.monotonic()
        is_ours: Any = await self._shared.ask(
            lambda: store.keep(lease.lock, lease.token, milliseconds), UNANSWERED, name=lease.lock
        )
        if is_ours is True:
            lease.good_until = began + self.lock_seconds
        if not lease.is_released and (is_ours or is_ours is UNANSWERED):
            self._renew_later(lease)


class _Waiter:
    """One who waits on one event loop, woken from any thread."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        with suppress(RuntimeError):  # its loop ended meanwhile
            self._loop.call_soon_threadsafe(self.woken.set)
