"""The parts of one cache, put together when it is first used."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from perfctl.cache.serving.background import Background
from perfctl.cache.serving.blocking import BlockingWaiters, finished, on_portal
from perfctl.cache.serving.computing import Computer
from perfctl.cache.serving.hearing import Hearing
from perfctl.cache.serving.plain import PlainReads
from perfctl.cache.serving.reading import Reader
from perfctl.cache.serving.shared import SharedTier
from perfctl.cache.serving.stampede import Stampede
from perfctl.cache.serving.tiers import Tiers
from perfctl.cache.serving.waiting import Waiters
from perfctl.cache.serving.writing import Writer
from perfctl.cache.store import ForbiddenError

if TYPE_CHECKING:
    from perfctl.cache.coherence.backplane import Backplane
    from perfctl.cache.coherence.marks import NamespaceState
    from perfctl.cache.coherence.reclaimer import Reclaimer
    from perfctl.cache.store import Store
    from perfctl.cache.wiring import Wiring

_LOG = logging.getLogger("perfctl.cache")

TICK_SECONDS = 1.0
"""How often a cache that is in use looks after itself: what expired, what the server should hear."""
_TELL_EVERY_TICKS = 2
_WARM_EVERY_TICKS = 60
_SWEEPS_A_TICK = 200


class Works:
    """Reads, writes and computes for one cache. `begin` starts what goes on by itself; `end` stops it."""

    def __init__(self, cache: Wiring, store: Store | None) -> None:
        config = cache.config
        self.background = Background()
        self.shared = None
        if store is not None:
            self.shared = SharedTier(
                store,
                self.background,
                clock=cache.clock,
                patience_seconds=config.patience_seconds,
                breaker_seconds=config.breaker_seconds,
                on_return=self._returned,
            )
        self.tiers = Tiers(
            config=config,
            layout=cache.layout,
            clock=cache.clock,
            codec=cache.codec,
            marks=cache.marks,
            local=cache.local,
            shared=self.shared,
            announce=self.announce,
            background=self.background,
        )
        self.reader = Reader(self.tiers)
        self.plain = PlainReads(self.tiers, self.reader)
        self.writer = Writer(self.tiers)
        self.stampede = None
        self.backplane: Backplane | None = None
        if self.shared is not None and store is not None:
            self.stampede = Stampede(self.shared, self.background, lock_seconds=config.lock_seconds)
            self.backplane = self._new_backplane(store, self.stampede, cache)
        self.computer = Computer(self.tiers, self.reader, self.writer, self.stampede)
        self.waiters = Waiters(self.computer, self.background)
        self.run: Callable[[Coroutine[Any, Any, Any]], Any] = finished if self.shared is None else on_portal
        self.blocking = BlockingWaiters(self.computer, self.run)
        self._store = None if cache.is_in_memory else store
        self._reclaimer: Reclaimer | None = None
        self._home: asyncio.AbstractEventLoop | None = None
        self._cache = weakref.ref(cache)
        self._runs = 0
        self._may_tell = True
        self._dropped: weakref.finalize[[], Wiring] | None = None
        self._ending: asyncio.Task[None] | None = None
        self.is_running = False

    def begin(self) -> None:
        """Somebody uses the cache: listen, and look after it from time to time. Does nothing the second time."""
        from perfctl.bridge import portal

        self.is_running, self.background.is_ending = True, False
        self._runs += 1
        shared, loop, run = portal(), portal().loop, self._runs
        cache = self._cache()
        if self.shared is not None and cache is not None:
            shared.closes(cache)
            _ = self.shared.store.address  # its driver is imported now, not within the first caller's patience
            self._end_with(cache, loop)
        if self.backplane is not None:
            self.backplane.start()
        ticker = _Ticker(weakref.ref(self), run)
        loop.call_soon_threadsafe(loop.call_later, TICK_SECONDS, ticker.tick)

    async def end(self) -> None:
        """Stop all that; what was not told is told now."""
        from perfctl.bridge import done_on

        self.is_running, self.background.is_ending = False, True
        self._runs += 1
        await self.background.drain()
        if self._reclaimer is not None and self._home is not None and self._home.is_running():
            await done_on(self._home, self._reclaimer.stop())
        if self.backplane is not None:
            await self.backplane.stop()
        await self.tell()

    def reclaim_soon(self, state: NamespaceState) -> None:
        """Give back, bit by bit, the server's memory of what was cleared."""
        from perfctl.bridge import portal
        from perfctl.cache.coherence.reclaimer import Reclaimer

        cache = self._cache()
        if self._store is None or cache is None:
            return
        if self._reclaimer is None:
            self._reclaimer = Reclaimer(self._store, cache.layout)
        self._home = portal().loop
        if not self._reclaimer.is_requested(state.name):  # so that a server that is away costs no thread's waking
            self._home.call_soon_threadsafe(self._reclaimer.request, state.name)

    def _end_with(self, cache: Wiring, loop: asyncio.AbstractEventLoop) -> None:
        """Stop on this loop when the cache is collected, on whatever thread that happens."""
        if self._dropped is not None:
            self._dropped.detach()
        store = cache.own_store

        def end() -> None:
            with suppress(RuntimeError):  # the loop was closed, or is the parent's
                loop.call_soon_threadsafe(start)

        def start() -> None:
            self._ending = asyncio.get_running_loop().create_task(self._abandon(store))

        self._dropped = weakref.finalize(cache, end)
        self._dropped.atexit = False

    async def _abandon(self, store: Store | None) -> None:
        """The cache was dropped unclosed: stop, and close its connections."""
        self.is_running, self.background.is_ending = False, True
        self._runs += 1
        if self._reclaimer is not None:
            await self._reclaimer.stop()
        if self.backplane is not None:
            await self.backplane.close()
        await self.background.drain()
        if store is not None:
            await store.close()

    async def tell(self) -> None:
        """Tell the server what was counted since it was last told."""
        cache, shared = self._cache(), self.shared
        if cache is None or shared is None or not self._may_tell:
            return
        increments = cache.counters.take()
        since = int(cache.clock.time())
        if not increments:
            return

        async def count() -> bool:
            try:
                await shared.store.count(cache.layout.counters, increments, since=since)
            except ForbiddenError:  # a user of one namespace alone: the sum of all processes goes without us
                self._may_tell = False
            return True

        if not await shared.ask(count, False):
            cache.counters.give_back(increments)

    async def tend_dictionaries(self) -> None:
        """Adopt the dictionaries that other processes trained, train where it pays."""
        cache = self._cache()
        if cache is not None and cache.config.dictionaries:
            await cache.codec.dictionaries.maintain()

    def tick(self, run: int, ticks: int) -> bool:
        """One look around; False when it was the last."""
        if not self.is_running or run != self._runs:
            return False
        for _ in range(_SWEEPS_A_TICK):
            if self.tiers.local.sweep() != 0.0:
                break
        if self.shared is not None and not self.shared.is_away:
            if ticks % _TELL_EVERY_TICKS == 0:
                self.background.spawn(self.tell(), is_idle=True)
                self.background.spawn(self.tend_dictionaries(), is_idle=True)
            if ticks % _WARM_EVERY_TICKS == 0:
                self.background.spawn(self.tiers.marks.warm(), is_idle=True)
        return True

    def forget(self) -> None:
        """In a forked child: what is under way is the parent's, and what it heard is not heard here."""
        self.is_running = False
        self._runs += 1
        self.background.forget()
        self.plain.forget()
        self.computer.flights.forget()
        self.tiers.recovery.forget()
        self.tiers.fetching.clear()
        self.tiers.computing.clear()
        self.tiers.is_verified = False
        self.tiers.local.renew_lock()
        if self.shared is not None:
            self.shared.forget()
        if self.stampede is not None:
            self.stampede.forget()

    async def _returned(self) -> None:
        await self.writer.recover()

    def announce(self, names: Sequence[bytes]) -> None:
        """Tell other processes what was written, where the server does not."""
        if self.backplane is not None:
            self.backplane.announce(names)

    def _new_backplane(self, store: Store, stampede: Stampede, cache: Wiring) -> Backplane | None:
        """None for a store that nobody else can write to unheard."""
        config, marks = cache.config, cache.marks
        if config.backplane == "off" or cache.is_in_memory:
            return None
        from perfctl.cache.coherence.backplane import Backplane

        backplane = Backplane(
            config.backplane,
            store,
            cache.layout,
            Hearing(self.tiers, stampede),
            protocol=config.protocol,
            prefixes=lambda: [state.prefix for state in marks.states()],
        )
        stampede.channel = backplane.wakes
        return backplane


class _Ticker:
    """Looks after a cache for as long as somebody else holds it."""

    def __init__(self, works: weakref.ref[Works], run: int) -> None:
        self._works = works
        self._run = run
        self._ticks = 0

    def tick(self) -> None:
        works = self._works()
        self._ticks += 1
        try:
            goes_on = works is not None and works.tick(self._run, self._ticks)
        except Exception as error:  # noqa: BLE001 - a background loop: it must not end for one bad tick
            _LOG.warning("looking after the cache failed: %r", error)
            goes_on = True
        if goes_on:
            asyncio.get_running_loop().call_later(TICK_SECONDS, self.tick)
