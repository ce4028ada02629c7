"""Async callers of a missing value: those who lead, those who follow, and those who do not wait until the end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from perfctl.cache.entry import MISSING, Entry
from perfctl.cache.serving.call import Call
from perfctl.cache.serving.computing import Computer, Factory, Job, produced
from perfctl.cache.serving.flights import LOOK_SECONDS, Abandoned, Flight

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import NamespaceState
    from perfctl.cache.serving.background import Background


class Waiters:
    """The async face of a Computer."""

    def __init__(self, computer: Computer, background: Background) -> None:
        self._computer = computer
        self._background = background

    async def load(self, state: NamespaceState, name: bytes, factory: Factory, call: Call) -> Any:
        """The value: looked up or computed, once for all who wait."""
        while True:
            flight, leads = self._computer.flights.join(name)
            if leads:
                return await self._lead(Job(state, name, factory, call, flight))
            try:
                return await self.follow(Job(state, name, factory, call, flight))
            except Abandoned:
                continue

    async def recompute(self, state: NamespaceState, name: bytes, factory: Factory, call: Call) -> Any:
        """The value, computed now whatever there is; its error is raised, and what there is stays."""
        job = Job(state, name, factory, replace(call, fail_safe=False), Flight())
        try:
            await self._computer.begin_anew(job)
            return await self._compute(job)
        except BaseException as error:
            await self._computer.abandon(error, job)
            raise

    def refresh_soon(self, state: NamespaceState, name: bytes, factory: Factory, call: Call, entry: Entry) -> None:
        """Compute the value anew in the background, unless somebody does; its readers do not notice."""
        flight = self._computer.lead_refresh(name, entry)
        if flight is not None:
            job = Job(state, name, factory, call, flight, previous=entry)
            self._computer.flights.watch(self._background.spawn(self._refresh(job)), {name: flight})

    async def _lead(self, job: Job) -> Any:
        computer = self._computer
        if computer.terms.soft_seconds(job.call) is None and computer.terms.hard_seconds(job.call) is None:
            return await self._have(job)
        task = self._background.spawn(self._have(job))
        computer.flights.watch(task, {job.name: job.flight})
        return await self._watch(job, task)

    async def _have(self, job: Job) -> Any:
        """Look the value up, or compute it."""
        computer = self._computer
        try:
            value = await computer.begin(job)
            if value is MISSING:
                return await self._compute(job)
        except BaseException as error:
            await computer.abandon(error, job)
            raise
        computer.land(job, value)
        if job.wants_refresh and job.previous is not None:
            self.refresh_soon(job.state, job.name, job.factory, job.call, job.previous)
        return value

    async def _compute(self, job: Job) -> Any:
        """Call the factory and keep what it returns; or what stands in for it."""
        computer, started = self._computer, time.perf_counter()
        try:
            with computer.flights.leading(job.flight):
                value = await produced(job)
        except Exception as error:  # noqa: BLE001 - whatever it is, it reaches all who wait
            return await computer.stand_in(job, error)
        job.state.timings.factories.record(time.perf_counter() - started)
        return await computer.finish(job, value)

    async def _watch(self, job: Job, task: asyncio.Task[Any]) -> Any:
        """Wait as long as the caller wants to; the computation goes on."""
        computer = self._computer
        for seconds in computer.terms.waits(job.call):
            await asyncio.wait([task], timeout=seconds)
            if task.done():
                return task.result()
            if computer.has_stale(job):
                return computer.stale_value(job)
        raise computer.terms.timed_out(job.state, job.name, job.call)

    async def follow(self, job: Job) -> Any:
        """Wait for the leader, or take the stale value that it found."""
        computer, flight = self._computer, job.flight
        is_safe = computer.terms.is_safe(job.state, job.call)
        future = asyncio.shield(asyncio.wrap_future(flight.standin if is_safe else flight.result))
        hard = computer.terms.hard_seconds(job.call)
        try:
            with computer.flights.waiting(flight):
                async with asyncio.timeout(hard):
                    value = await _landed(flight, future)
        except TimeoutError:
            if hard is None or (future.done() and not future.cancelled()):
                raise  # the factory's own
            raise computer.terms.timed_out(job.state, job.name, job.call) from None
        if is_safe and flight.is_stale:
            job.state.counts.stale += 1
        else:
            job.state.counts.hits_l1 += 1
        return value

    async def _refresh(self, job: Job) -> None:
        computer = self._computer
        try:
            if await computer.begin_refresh(job):
                await self._compute(job)
            else:
                computer.flights.fail(job.name, job.flight, Abandoned())
        except BaseException as error:
            await computer.abandon(error, job)
            raise


async def _landed(flight: Flight, future: asyncio.Future[Any]) -> Any:
    """What a flight brings. Abandoned where its event loop is closed under it: then nobody would say so."""
    if flight.loop is not None and flight.loop is not asyncio.get_running_loop():
        while not (await asyncio.wait([future], timeout=LOOK_SECONDS))[0]:
            if flight.is_lost:
                raise Abandoned
    return await future
