"""Having a value that may be missing: looked up once for all who wait, computed by one process, backed by stale ones.

The order: whoever is first in the process leads a flight; the leader looks in both tiers, then takes the lock that
all processes share, and calls the factory. A value past its TTL stands in whenever that is quicker or all there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from perfctl.cache.entry import MISSING, Entry
from perfctl.cache.serving.call import Call
from perfctl.cache.serving.flights import Abandoned, Flight, Flights
from perfctl.cache.serving.reading import Reader
from perfctl.cache.serving.refresh import Refresh, takes_refresh
from perfctl.cache.serving.shared import UNANSWERED
from perfctl.cache.serving.stampede import LIVES_WAITED_FOR, LONGEST_REST, SHORTEST_REST, Lease, Stampede
from perfctl.cache.serving.terms import Terms
from perfctl.cache.serving.tiers import Tiers
from perfctl.cache.serving.writing import UNSTAMPED, Kept, Stamp, Writer
from perfctl.cache.ttl import ttl_ms

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import NamespaceState

Factory = Callable[..., Any]


@dataclass(slots=True, eq=False)
class Job:
    """One computation of one key."""

    state: NamespaceState
    name: bytes
    factory: Factory
    call: Call
    flight: Flight
    previous: Entry | None = None
    """The value past its TTL, where there is one."""
    lease: Lease | None = None
    stamp: Stamp = UNSTAMPED
    ticket: object = None
    refresh: Refresh | None = None
    is_stand_in: bool = False
    """Whether the value that was found is the stale one, while somebody else computes."""
    wants_refresh: bool = False
    """Whether the value that was found is due to be computed anew, before its TTL ends."""

    def produce(self) -> Any:
        """Call the factory."""
        takes = self.call.takes_refresh
        if takes is None:
            takes = takes_refresh(self.factory)
        if not takes:
            return self.factory()
        self.refresh = Refresh(self.previous, self.call.tags)
        return self.factory(self.refresh)


class Computer:
    """Computes what is missing."""

    def __init__(self, tiers: Tiers, reader: Reader, writer: Writer, stampede: Stampede | None) -> None:
        self.flights = Flights()
        self.terms = Terms(tiers)
        self._tiers = tiers
        self._reader = reader
        self._writer = writer
        self._stampede = stampede if tiers.config.cross_process_lock else None

    # The steps that async and blocking callers share.

    async def begin(self, job: Job) -> Any:
        """The value, or MISSING where the caller must compute it, with the lock where there is one."""
        state, name, call = job.state, job.name, job.call
        look = await self._reader.look(state, name, call.eager)
        entry = look.entry
        if entry is not None and self._reader.is_fresh(entry):
            self._reader.count(state, look)
            job.previous, job.wants_refresh = entry, self.terms.is_due(state, entry, call)
            return entry.value
        job.previous = entry
        if entry is not None and self.terms.is_safe(state, call):
            job.flight.offer(entry.value)
        value = await self._elect(job)
        if value is MISSING:
            state.counts.misses += 1
            await self.begin_anew(job)
        return value

    async def begin_refresh(self, job: Job) -> bool:
        """Whether the caller is to compute a value that is still fresh: no other process does."""
        if not await self.claim(job):
            return False
        await self.begin_anew(job)
        return True

    async def begin_anew(self, job: Job) -> None:
        """The caller computes the value whatever there is."""
        job.stamp = await self._writer.stamp(job.state, job.call.tags)
        job.ticket = self._tiers.computing[job.name] = object()

    async def finish(self, job: Job, value: Any) -> Any:
        """Keep what the factory returned, tell everybody; the value."""
        try:
            kept = await self._keep(job, value)
        except BaseException as error:
            self.flights.fail(job.name, job.flight, error)
            await self.release(job)
            raise
        self.flights.land(job.name, job.flight, value)
        is_ours = True
        try:
            await self._writer.send(kept)
        finally:
            is_ours = await self.release(job)
        if not is_ours and kept is not None:
            await self._writer.take_back([job.name])
        return value

    async def claim(self, job: Job) -> bool:
        """Whether the caller is to compute the value: it has the lock, or nobody can have it. Does not wait."""
        if self._stampede is None or job.flight.is_private:
            return True
        lease = await self._stampede.take(self._lock(job))
        job.lease = lease or None
        return lease is not None

    async def finish_many(self, made: dict[Job, Any]) -> None:
        """`finish` for the jobs of one call of a factory; MISSING is what it left out, and others may try."""
        kept = []
        try:
            for job, value in made.items():
                if value is MISSING:
                    self._end(job)
                    self.flights.fail(job.name, job.flight, Abandoned())
                    continue
                one = await self._keep(job, value)
                self.flights.land(job.name, job.flight, value)
                if one is not None:
                    kept.append(one)
            await self._writer.send_many(kept)
        finally:
            are_ours = await asyncio.gather(*[self.release(job) for job in made])
        broken = [job.name for job, is_ours in zip(made, are_ours, strict=True) if not is_ours]
        if broken and kept:
            await self._writer.take_back(broken)

    async def stand_in(self, job: Job, error: Exception) -> Any:
        """The factory failed: the stale value, where it still holds and may; the error to everybody, where not."""
        try:
            await self.release(job)
            self._end(job)
            if self.terms.is_safe(job.state, job.call):
                entry = (await self._reader.look(job.state, job.name)).entry
                if entry is not None:
                    self._rearm(entry)
                    job.flight.offer(entry.value)
                    self.flights.fail(job.name, job.flight, error)
                    job.state.counts.stale += 1
                    return entry.value
            raise error
        except BaseException as reason:  # the caller may be stopped meanwhile
            self.give_up(reason, job)
            raise

    async def abandon(self, reason: BaseException, *jobs: Job) -> None:
        """The leader was stopped. Who waits for any of them hears it at once, whatever becomes of the locks."""
        for job in jobs:
            self.give_up(reason, job)
        if isinstance(reason, GeneratorExit):  # collected with its event loop: it cannot await anything any more
            return
        for job in jobs:
            await self.release(job)

    def give_up(self, reason: BaseException, job: Job) -> None:
        """The same, but for the lock."""
        self.flights.fail(job.name, job.flight, reason)
        self._end(job)

    async def release(self, job: Job) -> bool:
        """Give the lock back; False when another process deleted the key since we took it."""
        lease, job.lease = job.lease, None
        if lease is None or self._stampede is None:
            return True
        return await self._stampede.release(lease)

    def has_stale(self, job: Job) -> bool:
        """Whether a stale value is there that may be given to somebody who does not wait any longer."""
        previous = job.previous
        return (
            previous is not None
            and self._tiers.computing.get(job.name) is job.ticket
            and self.terms.is_safe(job.state, job.call)
            and self._tiers.stands(job.state, previous)
        )

    def stale_value(self, job: Job) -> Any:
        """That value, counted."""
        job.state.counts.stale += 1
        return None if job.previous is None else job.previous.value

    def land(self, job: Job, value: Any) -> None:
        """What was found is for everybody; a stand-in is for those alone who take one."""
        if job.is_stand_in:
            self.flights.fail(job.name, job.flight, Abandoned())
        else:
            self.flights.land(job.name, job.flight, value)

    def lead_refresh(self, name: bytes, entry: Entry) -> Flight | None:
        """Begin to compute a value anew that is still fresh, unless somebody does: its readers do not notice."""
        flight = self.flights.lead(name)
        if flight is not None:
            flight.offer(entry.value)
            entry.good_until = min(entry.fresh_until, self._tiers.trusted_until(self._tiers.clock.monotonic()))
        return flight

    # Who computes.

    async def _elect(self, job: Job) -> Any:
        """MISSING: compute, we have the lock or nobody can have it. Else a value that somebody else computed."""
        stampede = self._stampede
        if stampede is None or job.flight.is_private:
            return MISSING
        lock = self._lock(job)
        now = self._tiers.clock.monotonic
        until = now() + (self.terms.hard_seconds(job.call) or LIVES_WAITED_FOR * stampede.lock_seconds)
        rest = SHORTEST_REST
        while True:
            lease = await stampede.take(lock)
            if lease is UNANSWERED:
                return MISSING
            job.lease = lease  # from now on it is given back, whatever happens
            if lease is None and job.previous is not None and self.terms.is_safe(job.state, job.call):
                job.is_stand_in = True
                return self.stale_value(job)
            if lease is None:
                if now() >= until:
                    return MISSING
                await stampede.wait(lock, rest)
                rest = min(rest * 1.5, LONGEST_REST)
            look = await self._reader.look(job.state, job.name, job.call.eager)
            if look.entry is not None and self._reader.is_fresh(look.entry):
                await self.release(job)
                self._reader.count(job.state, look)
                return look.entry.value
            job.previous = look.entry
            if lease is not None:
                return MISSING

    def _lock(self, job: Job) -> bytes:
        return self._tiers.layout.lock(job.state.name, job.name)

    # What becomes of a value.

    async def _keep(self, job: Job, value: Any) -> Kept | None:
        state, call, refresh = job.state, job.call, job.refresh
        is_void = self._tiers.computing.get(job.name) is not job.ticket
        self._end(job)
        lives, stamp, etag = call.ttl, job.stamp, None
        if value is None and self.terms.has_negative(state, call):
            lives = state.settings.negative_ttl_seconds if call.negative_ttl is None else call.negative_ttl
        if refresh is not None:
            lives = lives if refresh.ttl is None else refresh.ttl
            etag = (
                refresh.etag if refresh.is_kept or job.previous is None or refresh.etag != job.previous.etag else None
            )
            if refresh.tags != call.tags:
                later = await self._writer.stamp(state, refresh.tags)
                stamp = later._replace(version=stamp.version or later.version)
        if is_void or (call.keep_if is not None and not call.keep_if(value)):
            return None
        milliseconds = ttl_ms(lives, default=state.settings.ttl_seconds or self._tiers.config.ttl_seconds)
        return await self._writer.keep(
            state,
            job.name,
            value,
            stamp,
            ttl_ms=self.terms.jittered(milliseconds),
            reserve_seconds=state.settings.fail_safe_seconds or 0.0,
            sliding=call.sliding,
            etag=etag,
            eager=call.eager,
        )

    def _rearm(self, entry: Entry) -> None:
        """Serve the stale value for a while before the next try."""
        now = self._tiers.clock.monotonic()
        if entry.fresh_until <= now:
            entry.generation = entry.state.generation
            entry.good_until = min(now + self._tiers.config.fail_safe_throttle_seconds, entry.kept_until)

    def _end(self, job: Job) -> None:
        if self._tiers.computing.get(job.name) is job.ticket:
            self._tiers.computing.pop(job.name, None)


async def produced(job: Job) -> Any:
    """What the factory, plain or async, returns."""
    value = job.produce()
    return await value if isawaitable(value) else value
