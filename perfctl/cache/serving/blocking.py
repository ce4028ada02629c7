"""Blocking callers of a missing value: the factory runs in the caller's thread, the rest on the process's portal."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from perfctl.cache.entry import MISSING, Entry
from perfctl.cache.serving.call import Call
from perfctl.cache.serving.computing import Computer, Factory, Job
from perfctl.cache.serving.flights import LOOK_SECONDS, Abandoned, Flight

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import NamespaceState

_Value = TypeVar("_Value")
Run = Callable[[Coroutine[Any, Any, Any]], Any]
"""Await something from a thread that blocks."""


class BlockingWaiters:
    """The blocking face of a Computer."""

    def __init__(self, computer: Computer, run: Run) -> None:
        self._computer = computer
        self._run = run

    def load(self, state: NamespaceState, name: bytes, factory: Factory, call: Call) -> Any:
        """The value: looked up or computed, once for all who wait."""
        while True:
            flight, leads = self._computer.flights.join(name, blocks=True)
            job = Job(state, name, factory, call, flight)
            if leads:
                return self._lead(job)
            try:
                return self._follow(job)
            except Abandoned:
                continue

    def recompute(self, state: NamespaceState, name: bytes, factory: Factory, call: Call) -> Any:
        """The value, computed now whatever there is; its error is raised, and what there is stays."""
        job = Job(state, name, factory, replace(call, fail_safe=False), Flight())
        try:
            self._run(self._computer.begin_anew(job))
            return self._compute(job)
        except BaseException as error:
            self._abandon(error, job)
            raise

    def _lead(self, job: Job) -> Any:
        computer = self._computer
        if computer.terms.soft_seconds(job.call) is None and computer.terms.hard_seconds(job.call) is None:
            return self._have(job)
        return self._watch(job, _in_a_thread(lambda: self._have(job)))

    def _have(self, job: Job) -> Any:
        """Look the value up, or compute it."""
        computer = self._computer
        job.flight.thread, job.flight.loop = threading.get_ident(), None
        try:
            value = self._run(computer.begin(job))
            if value is MISSING:
                return self._compute(job)
        except BaseException as error:
            self._abandon(error, job)
            raise
        computer.land(job, value)
        if job.wants_refresh and job.previous is not None:
            self._refresh_soon(job, job.previous)
        return value

    def _compute(self, job: Job) -> Any:
        computer, started = self._computer, time.perf_counter()
        try:
            with computer.flights.leading(job.flight):
                value = job.produce()
        except Exception as error:  # noqa: BLE001 - whatever it is, it reaches all who wait
            return self._run(computer.stand_in(job, error))
        job.state.timings.factories.record(time.perf_counter() - started)
        return self._run(computer.finish(job, value))

    def _watch(self, job: Job, computed: Future[Any]) -> Any:
        """Wait as long as the caller wants to; the computation goes on in its thread."""
        computer = self._computer
        for seconds in computer.terms.waits(job.call):
            try:
                return computed.result(seconds)
            except TimeoutError:
                if computed.done():
                    raise  # the factory's own
            if computer.has_stale(job):
                return computer.stale_value(job)
        raise computer.terms.timed_out(job.state, job.name, job.call)

    def _follow(self, job: Job) -> Any:
        computer, flight = self._computer, job.flight
        is_safe = computer.terms.is_safe(job.state, job.call)
        future = flight.standin if is_safe else flight.result
        try:
            with computer.flights.waiting(flight):
                value = _landed(flight, future, computer.terms.hard_seconds(job.call))
        except TimeoutError:
            if future.done():
                raise  # the factory's own
            raise computer.terms.timed_out(job.state, job.name, job.call) from None
        if is_safe and flight.is_stale:
            job.state.counts.stale += 1
        else:
            job.state.counts.hits_l1 += 1
        return value

    def _refresh_soon(self, found: Job, entry: Entry) -> None:
        flight = self._computer.lead_refresh(found.name, entry)
        if flight is not None:
            job = Job(found.state, found.name, found.factory, found.call, flight, previous=entry)
            _in_a_thread(lambda: self._refresh(job))

    def _refresh(self, job: Job) -> None:
        computer = self._computer
        job.flight.thread, job.flight.loop = threading.get_ident(), None
        try:
            if self._run(computer.begin_refresh(job)):
                self._compute(job)
            else:
                computer.flights.fail(job.name, job.flight, Abandoned())
        except BaseException as error:
            self._abandon(error, job)
            raise

    def _abandon(self, reason: BaseException, job: Job) -> None:
        """Whatever becomes of the portal, nobody waits for us any longer."""
        self._computer.give_up(reason, job)
        if job.lease is not None or not isinstance(reason, Exception):
            self._run(self._computer.release(job))


def _landed(flight: Flight, future: Future[Any], seconds: float | None) -> Any:
    """What a flight brings, within so long. Abandoned where its event loop is closed under it: then nobody would say
    so."""
    until = None if seconds is None else time.monotonic() + seconds
    while True:
        left = LOOK_SECONDS if until is None else min(LOOK_SECONDS, until - time.monotonic())
        try:
            return future.result(max(0.0, left))
        except TimeoutError:
            if future.done() or (until is not None and time.monotonic() >= until):
                raise
            if flight.is_lost:
                raise Abandoned from None


def finished(work: Coroutine[Any, Any, _Value]) -> _Value:
    """What a coroutine returns that waits for nobody."""
    try:
        work.send(None)
    except StopIteration as stop:
        value: _Value = stop.value
        return value
    work.close()
    raise RuntimeError("it waits for somebody")


def on_portal(work: Coroutine[Any, Any, _Value]) -> _Value:
    """The same for one that does, on the process's background loop."""
    from perfctl.bridge import portal, result_on

    return result_on(portal().loop, work)


def _in_a_thread(work: Callable[[], Any]) -> Future[Any]:
    """Run in a thread of its own, with the caller's context variables; a late one does not hold up the exit."""
    future: Future[Any] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            future.set_exception(error)

    threading.Thread(target=run, name="perfctl-factory", daemon=True).start()
    return future
