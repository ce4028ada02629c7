"""Many keys at once: one look, one call of the factory for those that are missing, one write.

Each key has its own flight and its own lock, as if it were asked for alone: keys that another caller or another
process computes are waited for, after what is ours is done, so that no two wait for each other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from perfctl.cache.entry import MISSING, Entry
from perfctl.cache.serving.call import Call
from perfctl.cache.serving.computing import Job
from perfctl.cache.serving.flights import Abandoned
from perfctl.cache.ttl import ttl_ms
from perfctl.errors import TimedOutError

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import NamespaceState
    from perfctl.cache.serving.works import Works

Values = dict[bytes, Any]


class Convoy:
    """One `get_or_set_many`."""

    def __init__(
        self,
        works: Works,
        state: NamespaceState,
        names: Mapping[bytes, str],
        factory: Callable[[list[str]], Any],
        call: Call,
    ) -> None:
        """`names` are the server's names, with their keys."""
        self._works = works
        self._computer = works.computer
        self._state = state
        self._names = names
        self._factory = factory
        self._call = call
        self._due: dict[bytes, Entry] = {}

    async def have(self) -> Values:
        """The values by name; MISSING where the factory left a key out."""
        values: Values = {}
        wanted = []
        for name in self._names:
            entry = self._works.reader.here(self._state, name)
            if entry is None:
                wanted.append(name)
            else:
                self._state.counts.hits_l1 += 1
                values[name] = entry.value
        while wanted:
            led, followed = self._joined(wanted)
            values |= await self._lead(led)
            values |= await self._follow(followed)
            wanted = [name for name in wanted if name not in values]
        if self._due:
            self._works.background.spawn(self._refresh(self._due))
        return values

    def _joined(self, names: list[bytes]) -> tuple[dict[bytes, Job], dict[bytes, Job]]:
        led: dict[bytes, Job] = {}
        followed: dict[bytes, Job] = {}
        for name in names:
            flight, leads = self._computer.flights.join(name)
            (led if leads else followed)[name] = Job(self._state, name, self._factory, self._call, flight)
        return led, followed

    async def _lead(self, jobs: dict[bytes, Job]) -> Values:
        if not jobs:
            return {}
        computer = self._computer
        if computer.terms.soft_seconds(self._call) is None and computer.terms.hard_seconds(self._call) is None:
            return await self._have(jobs)
        task = self._works.background.spawn(self._have(jobs))
        computer.flights.watch(task, {name: job.flight for name, job in jobs.items()})
        return await self._watch(jobs, task)

    async def _have(self, jobs: dict[bytes, Job]) -> Values:
        """What is there, and what the factory makes of the rest. What another process computes is left to `_follow`:
        its flight is abandoned, and whoever waits comes again."""
        computer = self._computer
        values: Values = {}
        try:
            await self._look(jobs, values)
            mine = await self._elected({name: job for name, job in jobs.items() if name not in values}, values)
            if mine:
                self._state.counts.misses += len(mine)
                values |= await self._compute(mine)
            others = [job for name, job in jobs.items() if name not in values]
            for job in others:
                values[job.name] = await self._awaited(job)
        except BaseException as error:
            await computer.abandon(error, *jobs.values())
            raise
        return values

    async def _look(self, jobs: dict[bytes, Job], values: Values) -> None:
        looks = await self._works.reader.look_many(self._state, list(jobs), self._call.eager)
        for name, job in jobs.items():
            look = looks[name]
            if look.entry is not None and self._works.reader.is_fresh(look.entry):
                self._works.reader.count(self._state, look)
                values[name] = look.entry.value
                self._computer.land(job, look.entry.value)
                if self._computer.terms.is_due(self._state, look.entry, self._call):
                    self._due[name] = look.entry
                continue
            job.previous = look.entry
            if look.entry is not None and self._computer.terms.is_safe(self._state, self._call):
                job.flight.offer(look.entry.value)

    async def _elected(self, jobs: dict[bytes, Job], values: Values) -> dict[bytes, Job]:
        """Those that we compute; a stale value stands in for those that another process does."""
        grants = await asyncio.gather(*[self._computer.claim(job) for job in jobs.values()])
        mine = {job.name: job for job, is_ours in zip(jobs.values(), grants, strict=True) if is_ours}
        for name, job in jobs.items():
            if name not in mine and self._computer.has_stale(job):
                job.is_stand_in = True
                values[name] = self._computer.stale_value(job)
                self._computer.land(job, values[name])
        if mine:
            await self._recheck(mine, values)
        return mine

    async def _recheck(self, mine: dict[bytes, Job], values: Values) -> None:
        """What another process computed before we had its lock."""
        if not any(job.lease for job in mine.values()):
            return
        looks = await self._works.reader.look_many(self._state, list(mine), self._call.eager)
        for name in list(mine):
            entry = looks[name].entry
            if entry is not None and self._works.reader.is_fresh(entry):
                job = mine.pop(name)
                self._works.reader.count(self._state, looks[name])
                values[name] = entry.value
                self._computer.land(job, entry.value)
                await self._computer.release(job)

    async def _awaited(self, job: Job) -> Any:
        """Another process computes it: as for a single key, whose factory is ours with one key."""
        value = await self._computer.begin(job)
        if value is MISSING:
            return (await self._compute({job.name: job}))[job.name]
        self._computer.land(job, value)
        return value

    async def _compute(self, jobs: dict[bytes, Job]) -> Values:
        """Call the factory for these, and keep what it returns."""
        computer, started = self._computer, time.perf_counter()
        for job in jobs.values():
            await computer.begin_anew(job)
        keys = {self._names[name]: job for name, job in jobs.items()}
        try:
            with computer.flights.leading(*[job.flight for job in jobs.values()]):
                value = self._factory(list(keys))
                made: Mapping[str, Any] = await value if isawaitable(value) else value
        except Exception as error:  # noqa: BLE001 - whatever it is, it reaches all who wait
            return {name: await computer.stand_in(job, error) for name, job in jobs.items()}
        self._state.timings.factories.record(time.perf_counter() - started)
        values = await self._finish(keys, made)
        extra = {key: value for key, value in made.items() if key not in keys}
        if extra:
            await self._keep_extra(extra)
        return values

    async def _refresh(self, due: Mapping[bytes, Entry]) -> None:
        """Compute these anew before their lives end, but for those that somebody computes."""
        computer = self._computer
        flights = {name: computer.lead_refresh(name, entry) for name, entry in due.items()}
        jobs = {
            name: Job(self._state, name, self._factory, self._call, flight, previous=due[name])
            for name, flight in flights.items()
            if flight is not None
        }
        mine = {}
        try:
            for name, job in jobs.items():
                if await computer.claim(job):
                    mine[name] = job
                else:
                    computer.flights.fail(name, job.flight, Abandoned())
            if mine:
                await self._compute(mine)
        except BaseException as error:
            await computer.abandon(error, *jobs.values())
            raise

    async def _finish(self, keys: dict[str, Job], made: Mapping[str, Any]) -> Values:
        has_negative = self._computer.terms.has_negative(self._state, self._call)
        made = {key: made.get(key) for key in keys} if has_negative else made
        values: Values = {job.name: made.get(key, MISSING) for key, job in keys.items()}
        await self._computer.finish_many({job: values[job.name] for job in keys.values()})
        return values

    async def _keep_extra(self, extra: Mapping[str, Any]) -> None:
        """What the factory returned beside what it was asked for."""
        tiers, writer, state = self._works.tiers, self._works.writer, self._state
        stamp = await writer.stamp(state, self._call.tags)
        lives_ms = ttl_ms(self._call.ttl, default=state.settings.ttl_seconds or tiers.config.ttl_seconds)
        names = {tiers.layout.of(key, state.name): value for key, value in extra.items()}
        kept = [await writer.keep(state, name, value, stamp, ttl_ms=lives_ms) for name, value in names.items()]
        await writer.send_many([each for each in kept if each is not None])

    async def _watch(self, jobs: dict[bytes, Job], task: asyncio.Task[Values]) -> Values:
        """Wait as long as the caller wants to. A key that has a stale value is given that; one that has none is why
        the others are waited for until the hard time-out."""
        computer = self._computer
        for seconds in computer.terms.waits(self._call):
            await asyncio.wait([task], timeout=seconds)
            if task.done():
                return task.result()
            if all(computer.has_stale(job) or job.flight.result.done() for job in jobs.values()):
                return {name: self._at_hand(job) for name, job in jobs.items()}
        late = next(name for name, job in jobs.items() if not job.flight.result.done())
        raise computer.terms.timed_out(self._state, late, self._call)

    def _at_hand(self, job: Job) -> Any:
        return job.flight.result.result() if job.flight.result.done() else self._computer.stale_value(job)

    async def _follow(self, jobs: dict[bytes, Job]) -> Values:
        """What other callers of this process compute; those that gave up are asked for again."""
        values: Values = {}
        for name, job in jobs.items():
            try:
                values[name] = await self._works.waiters.follow(job)
            except Abandoned:
                continue
            except TimedOutError:
                if not self._computer.has_stale(job):
                    raise
                values[name] = self._computer.stale_value(job)
        return values
