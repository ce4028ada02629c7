"""The sweeps that a process makes in the background of what it cleared, one process at a time for each namespace."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from typing import TYPE_CHECKING
from weakref import WeakSet

from perfctl.cache.coherence.reclaim import Pace, reclaim
from perfctl.cache.keys import KeyLayout
from perfctl.cache.store import ForbiddenError
from perfctl.endings import ended
from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.cache.store import Store

_LOG = logging.getLogger("perfctl.cache")

SHARE = 0.2
"""Of its time, how much a sweep in the background spends at work."""
RATE = 50_000.0
"""How many names a sweep in the background unlinks a second, at most."""
LEASE_MS = 15_000
"""How long the others wait for a process that died while it swept."""

_PAUSE_SECONDS = 10.0
"""Between two sweeps of one namespace by one process, at least; ten times the last sweep, where that is longer."""


class Reclaimer:
    """Sweeps, in the background, the namespaces that this process cleared; one process at a time sweeps a namespace.

    `request` and `stop` are for the event loop that sweeps, the process's portal.
    """

    def __init__(self, store: Store, layout: KeyLayout) -> None:
        self._store = store
        self._layout = layout
        self._sweeps: dict[str, asyncio.Task[None]] = {}
        self._wanted: set[str] = set()
        _RECLAIMERS.add(self)

    def is_requested(self, namespace: str) -> bool:
        """Whether a sweep that has not begun will see what was cleared until now. For any thread."""
        return namespace in self._wanted and namespace in self._sweeps

    def request(self, namespace: str) -> None:
        """Sweep it soon, once, however often this is called until then."""
        self._wanted.add(namespace)
        if namespace not in self._sweeps:
            task = asyncio.get_running_loop().create_task(self._sweep(namespace))
            self._sweeps[namespace] = task
            task.add_done_callback(lambda _: self._sweeps.pop(namespace, None))

    async def stop(self) -> None:
        """End what is under way: the next clear, or the operator's, goes on."""
        tasks, self._sweeps = list(self._sweeps.values()), {}
        await ended(*tasks)

    def forget(self) -> None:
        """In a forked child: the parent's sweeps are the parent's."""
        self._sweeps, self._wanted = {}, set()

    async def _sweep(self, namespace: str) -> None:
        while namespace in self._wanted:
            started = time.perf_counter()
            try:
                is_done = await self._sweep_with_lease(namespace)
            except PerfctlError as error:
                _LOG.debug("reclaiming %s goes on later: %s", namespace, error.message)
                is_done = False
            took = time.perf_counter() - started
            await asyncio.sleep(max(_PAUSE_SECONDS, 10 * took) if is_done else LEASE_MS / 1000)

    async def _sweep_with_lease(self, namespace: str) -> bool:
        """Whether this process swept all of it; False while another one does."""
        lease, token = self._layout.own(namespace, b"reclaim"), secrets.token_bytes(8)
        if not await self._store.take(lease, token, LEASE_MS):
            return False
        self._wanted.discard(namespace)
        keeper = asyncio.create_task(self._keep(lease, token))
        try:
            swept = await reclaim(
                self._store,
                self._layout,
                namespace,
                pace=Pace(RATE, share=SHARE),
                goes_on=lambda: not keeper.done(),
            )
        except BaseException:
            self._wanted.add(namespace)
            raise
        finally:
            await ended(keeper)
        await self._free(lease, token)
        _LOG.debug("reclaimed %d of %d names of %s", swept.deleted, swept.seen, namespace)
        return swept.is_complete

    async def _keep(self, lease: bytes, token: bytes) -> None:
        """Hold the lease while the sweep lasts; returns when it was lost."""
        while await self._is_kept(lease, token):  # noqa: ASYNC110 - it is the server that is asked
            await asyncio.sleep(LEASE_MS / 3000)

    async def _is_kept(self, lease: bytes, token: bytes) -> bool:
        try:
            return await self._store.keep(lease, token, LEASE_MS)
        except ForbiddenError:  # no scripts for this user: look, then renew
            return await self._store.fetch(lease) == token and await self._store.touch([lease], LEASE_MS) == 1

    async def _free(self, lease: bytes, token: bytes) -> None:
        try:
            await self._store.release(lease, token)
        except ForbiddenError:
            if await self._store.fetch(lease) == token:
                await self._store.delete([lease])


_RECLAIMERS: WeakSet[Reclaimer] = WeakSet()


def _forget_all_after_fork() -> None:
    for reclaimer in list(_RECLAIMERS):
        reclaimer.forget()


os.register_at_fork(after_in_child=_forget_all_after_fork)
