"""The connections of one event loop, which no other loop can use: taken, waited for, given back, swept."""

from __future__ import annotations

import asyncio
import random
import time
import weakref
from collections import deque
from collections.abc import Coroutine
from math import inf
from typing import TYPE_CHECKING

from perfctl.db.pool.statistics import Closing, Counts
from perfctl.db.pool.terms import Terms
from perfctl.errors import AuthError, PerfctlError, TimedOutError, UnreachableError

if TYPE_CHECKING:
    from perfctl.db.postgres import Session

CARE_SECONDS = 5.0
"""How long the server may take to end a statement that was broken off, and to take back what was left behind."""
EXPECTED_SECONDS = 0.05
"""So long callers wait for one that is being cleaned, before another one is opened for them."""
PROOF_SECONDS = 2.0
FAREWELL_SECONDS = 1.0
CROWDED_SECONDS = 60.0
"""How long a caller who names no time-out waits for a server whose connections are all taken."""
_FIRST_REST, _LONGEST_REST = 0.02, 0.25
_LEAST_SWEEP_SECONDS = 0.05
_SPREAD = 0.1
"""By this share lifetimes differ, so that connections that were opened together are not closed together."""


class Shelf:
    """Idle connections, the most recently used last; callers who wait, the first first.

    `open` counts every connection from the moment it is dialled until it is closed: it never exceeds the maximum.
    Taking and giving back are plain calls; whatever must wait for the server goes on in tasks of the shelf's own, so
    that a caller who is cancelled takes nothing with him.
    """

    def __init__(self, terms: Terms, counts: Counts) -> None:
        self.idle: list[Session] = []
        self.waiters: deque[asyncio.Future[Session]] = deque()
        self.open = self.in_use = self.connecting = 0
        self._expected = 0
        """Connections that are cleaned at the moment and were not for long."""
        self._terms, self._counts = terms, counts
        self._loop = asyncio.get_running_loop()
        self._dialling: set[asyncio.Task[None]] = set()
        self._caring: set[asyncio.Task[None]] = set()
        self._lost_at = -inf
        self._sweeping: asyncio.TimerHandle | None = None

    @property
    def room(self) -> int:
        """How many more callers would not have to wait for others to finish."""
        return 0 if self.waiters else len(self.idle) + self._terms.max_connections - self.open

    def take(self) -> Session | None:
        """An idle connection, or None where one must be waited for."""
        while self.idle:
            session = self.idle.pop()
            if session.is_usable:
                self.in_use += 1
                return session
            self._broke(session)
        return None

    async def wait(self, timeout: float | None) -> Session:
        """A connection that is given back or opened meanwhile, in the order in which callers came.

        TimedOutError where none is to be had within `timeout` seconds, the server's error where it lets nobody in.
        """
        waiter: asyncio.Future[Session] = self._loop.create_future()
        since = time.monotonic()
        if self.open >= self._terms.max_connections:
            self._counts.waits += 1
        self.waiters.append(waiter)
        self.grow()
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except TimeoutError as error:
            self._leave(waiter)
            raise self._timed_out(timeout) from error
        except BaseException:
            self._leave(waiter)
            raise
        finally:
            waited = time.monotonic() - since
            self._counts.wait_seconds += waited
            self._counts.waited.record(waited)

    def give_back(self, session: Session) -> None:
        """Take a connection back: to the next caller, to the shelf, or out of use."""
        self.in_use -= 1
        session.note_release()
        if session.is_usable:
            self._put(session)
        elif session.is_closed:
            self._broke(session)
        else:
            self._expected += 1
            late = self._loop.call_later(EXPECTED_SECONDS, self._expect_less)
            self._spawn(self._cared_for(session, late), self._caring)

    def grow(self) -> None:
        """Open connections for callers who wait, as many as are allowed; some may be back at once."""
        while self.open < self._terms.max_connections and self.connecting + self._expected < len(self.waiters):
            self.open += 1
            self.connecting += 1
            self._spawn(self._opened(), self._dialling)

    def lost(self) -> None:
        """A connection broke: the server may have gone, and with it those that lie idle. They are looked at."""
        self._lost_at = time.monotonic()
        doubtful, self.idle = self.idle, []
        for session in doubtful:
            self._spawn(self._proven(session), self._caring)

    async def end(self) -> None:
        """Close what is idle; what is in use is closed when it is given back."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for task in list(self._dialling):
            task.cancel()
        if self._caring:  # statements that were broken off are to end on the server, too
            await asyncio.wait(list(self._caring), timeout=FAREWELL_SECONDS)
        tasks = [*self._dialling, *self._caring]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self.idle:
            session = self.idle.pop()
            self._count_out("end")
            await session.close()
        self.grow()

    # What goes on in the background.

    async def _opened(self) -> None:
        """Open a connection for whoever waits first; patient while there is hope."""
        began, rest = time.monotonic(), _FIRST_REST
        try:
            while True:
                try:
                    session = await self._terms.connect()
                    break
                except PerfctlError as error:
                    if not self._is_worth_another_try(error, began):
                        self._refuse(error)
                        raise
                await asyncio.sleep(rest)
                rest = min(rest * 2, _LONGEST_REST)
        except BaseException as error:
            self.connecting -= 1
            self.open -= 1
            if not isinstance(error, PerfctlError):
                raise
            self.grow()
            return
        self.connecting -= 1
        self._counts.created += 1
        session.opened -= random.uniform(0, _SPREAD) * self._terms.lifetime_seconds  # noqa: S311 - spreads closings
        self._put(session)

    def _is_worth_another_try(self, error: PerfctlError, began: float) -> bool:
        """Whether a connection that was refused may be let in soon, and anybody still waits for one."""
        now, patience = time.monotonic(), self._terms.patience_seconds
        reason = getattr(error, "reason", None)
        if not self.waiters or now - began > (CROWDED_SECONDS if reason == "crowded" else patience):
            return False
        if reason in ("crowded", "starting"):
            return True
        if isinstance(error, AuthError):  # a password that is changed while we look it up
            return self.open > self.connecting and now - began < 1.0
        is_away = isinstance(error, UnreachableError) and not isinstance(error, TimedOutError)
        return is_away and now - self._lost_at < patience

    def _refuse(self, error: PerfctlError) -> None:
        """Give the error to who waits first; to all, where no connection is left that might come back."""
        count = 1 if self.open > self.connecting else len(self.waiters)
        for _ in range(count):
            waiter = self._next()
            if waiter is not None:
                waiter.set_exception(error)

    async def _cared_for(self, session: Session, late: asyncio.TimerHandle) -> None:
        is_usable = False
        try:
            is_usable = await session.restore(timeout=CARE_SECONDS)
        finally:
            if late.when() > self._loop.time():
                late.cancel()
                self._expected -= 1
            if is_usable:
                self._counts.reset += 1
                self._put(session)
            else:
                self._drop(session, "broken" if session.is_closed else "unrepaired")

    def _expect_less(self) -> None:
        self._expected -= 1
        self.grow()

    async def _proven(self, session: Session) -> None:
        is_alive = False
        try:
            is_alive = await session.is_alive(timeout=PROOF_SECONDS)
        finally:
            if is_alive:
                self._put(session)
            else:
                self._drop(session, "broken")

    def _spawn(self, work: Coroutine[None, None, None], among: set[asyncio.Task[None]]) -> None:
        task = self._loop.create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)

    # Where a connection goes.

    def _put(self, session: Session) -> None:
        """A connection that is fit for use goes to who waits first, or to the shelf."""
        waiter = self._next()
        if waiter is not None:
            self.in_use += 1
            waiter.set_result(session)
            return
        terms, now = self._terms, time.monotonic()
        if not terms.keep:
            self._drop(session, "unpooled")
        elif terms.lifetime_seconds and now - session.opened > terms.lifetime_seconds:
            self._drop(session, "age")
        else:
            session.idle_since = now
            self.idle.append(session)
            if self._sweeping is None:
                self._sweep_later()

    def _next(self) -> asyncio.Future[Session] | None:
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _leave(self, waiter: asyncio.Future[Session]) -> None:
        """The caller waits no longer; a connection that was just handed to him goes to the next."""
        if not waiter.done():
            waiter.cancel()
            self.waiters.remove(waiter)
        elif not waiter.cancelled() and waiter.exception() is None:
            self.give_back(waiter.result())
        elif waiter.cancelled() and waiter in self.waiters:
            self.waiters.remove(waiter)

    def _broke(self, session: Session) -> None:
        self._drop(session, "broken")
        self.lost()

    def _drop(self, session: Session, reason: Closing) -> None:
        session.hang_up()
        self._count_out(reason)
        self.grow()

    def _count_out(self, reason: Closing) -> None:
        self.open -= 1
        self._counts.closed[reason] += 1

    def _timed_out(self, timeout: float | None) -> TimedOutError:
        if self.in_use >= self._terms.max_connections:
            told = f"all {self._terms.max_connections} connections stayed in use for {timeout:g} s"
            return TimedOutError(told, hint="raise max_connections, or give it longer")
        return TimedOutError(
            f"{self._terms.server} let nobody in for {timeout:g} s: no connection was made",
            hint="give it longer with --timeout; perfctl db doctor says whether the server lets us in",
        )

    # Sweeping: a timer only while something lies idle; it holds neither the shelf nor a loop.

    def _sweep_later(self) -> None:
        terms = self._terms
        seconds = min(terms.idle_seconds, terms.lifetime_seconds or inf) / 2
        held = weakref.ref(self)
        self._sweeping = self._loop.call_later(max(seconds, _LEAST_SWEEP_SECONDS), _sweep, held)

    def sweep(self) -> None:
        """Close what lies idle for long, beyond the minimum, and what grew old."""
        self._sweeping = None
        now, terms = time.monotonic(), self._terms
        for session in list(self.idle):
            is_old = 0 < terms.lifetime_seconds < now - session.opened
            is_spare = self.open > terms.min_connections and now - session.idle_since >= terms.idle_seconds
            if is_old or is_spare:
                self.idle.remove(session)
                self._drop(session, "age" if is_old else "idle")
        if self.idle:
            self._sweep_later()


def _sweep(held: weakref.ref[Shelf]) -> None:
    shelf = held()
    if shelf is not None:
        shelf.sweep()
