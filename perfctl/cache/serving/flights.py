"""One call for all who want the same key at the same time, across threads and event loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

LOOK_SECONDS = 1.0
"""How often who waits for a call on another event loop looks whether that loop is still there."""


class Abandoned(Exception):  # noqa: N818 - a signal to those who wait, never an error of anybody
    """The leader was cancelled: somebody else must lead."""


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that the caller runs on; None outside of any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@dataclass(slots=True, eq=False)
class Flight:
    """A call that is under way."""

    thread: int = field(default_factory=threading.get_ident)
    """Where it is made."""
    loop: asyncio.AbstractEventLoop | None = field(default_factory=running_loop)
    """The event loop on which it is made; None where it blocks its thread."""
    result: Future[Any] = field(default_factory=Future)
    """What the leader gets in the end."""
    standin: Future[Any] = field(default_factory=Future)
    """A stale value at once where there is one, else the same."""
    is_stale: bool = False
    """Whether `standin` holds a stale value."""
    is_private: bool = False
    """Nobody can join it: its leader leads another one of the same name, which holds the lock."""
    awaits: list[Flight] = field(default_factory=list)
    """Flights that its leader waits for, or leads on the way."""

    @property
    def is_lost(self) -> bool:
        """Whether its event loop was closed under it: it will never land."""
        return self.loop is not None and self.loop.is_closed()

    def offer(self, value: Any) -> None:
        """A stale value for those who need not wait."""
        self.is_stale = True
        _set(self.standin, value)


class Flights:
    """Who is the first to want a name leads; the others wait for what the leader gets."""

    def __init__(self) -> None:
        self._flights: dict[bytes, Flight] = {}
        self._lock = threading.Lock()

    def join(self, name: bytes, *, blocks: bool = False) -> tuple[Flight, bool]:
        """The flight of a name, and whether the caller must make the call itself.

        Who would wait for himself (a function that asks for its own key, two that ask for each other's) leads a
        flight of his own. So does a caller that `blocks` and would wait for a task of its own thread.
        """
        with self._lock:
            flight = self._flights.get(name)
            if flight is None or flight.is_lost:
                self._flights[name] = led = Flight()
                if flight is not None:
                    _fail(flight, Abandoned())
                return led, True
            cannot_wait = (blocks and flight.thread == threading.get_ident()) or _waits_for_us(flight)
            return (Flight(is_private=True), True) if cannot_wait else (flight, False)

    def lead(self, name: bytes) -> Flight | None:
        """A flight that the caller leads, where nobody else does."""
        with self._lock:
            known = self._flights.get(name)
            if known is not None and not known.is_lost:
                return None
            flight = self._flights[name] = Flight()
            return flight

    @contextmanager
    def leading(self, *flights: Flight) -> Iterator[None]:
        """Within it, the caller's code and all that it starts makes these calls."""
        outer = _LEADING.get()
        token = _LEADING.set(outer + flights)
        for each in outer:
            each.awaits.extend(flights)
        try:
            yield
        finally:
            with suppress(ValueError):  # a coroutine that is collected ends in another context
                _LEADING.reset(token)
            for each in outer:
                for flight in flights:
                    each.awaits.remove(flight)

    @contextmanager
    def waiting(self, flight: Flight) -> Iterator[None]:
        """Within it, the caller waits for a flight. Abandoned where that came to wait for the caller meanwhile."""
        own = _LEADING.get()
        with self._lock:
            if _waits_for_us(flight):
                raise Abandoned
            for each in own:
                each.awaits.append(flight)
        try:
            yield
        finally:
            for each in own:
                each.awaits.remove(flight)

    def land(self, name: bytes, flight: Flight, value: Any) -> None:
        """Everybody who waits gets the value."""
        self._leave(name, flight)
        _set(flight.result, value)
        _set(flight.standin, value)

    def fail(self, name: bytes, flight: Flight, error: BaseException) -> None:
        """Everybody who waits gets the leader's error, or, when the leader was stopped, another try."""
        self._leave(name, flight)
        _fail(flight, error)

    def watch(self, task: asyncio.Task[Any], flights: dict[bytes, Flight]) -> None:
        """A task that is cancelled before its first step lands nothing: have these abandoned then."""

        def ended(task: asyncio.Task[Any]) -> None:
            if task.cancelled():
                for name, flight in flights.items():
                    self.fail(name, flight, Abandoned())

        task.add_done_callback(ended)

    def forget(self) -> None:
        """In a forked child, where nobody leads."""
        self._flights, self._lock = {}, threading.Lock()

    def _leave(self, name: bytes, flight: Flight) -> None:
        with self._lock:
            if self._flights.get(name) is flight:
                del self._flights[name]


def _set(future: Future[Any], value: Any) -> None:
    with suppress(InvalidStateError):
        future.set_result(value)


def _fail(flight: Flight, error: BaseException) -> None:
    reason = error if isinstance(error, Exception) else Abandoned()
    if isinstance(error, StopIteration):  # no future takes it, and no coroutine raises it
        reason = RuntimeError("the function raised StopIteration")
        reason.__cause__ = error
    for future in (flight.result, flight.standin):
        with suppress(InvalidStateError):
            future.set_exception(reason)


_LEADING: ContextVar[tuple[Flight, ...]] = ContextVar("leading", default=())
"""The flights within whose calls this code runs, the outermost first."""


def _waits_for_us(flight: Flight) -> bool:
    """Whether a flight waits, by however many others, for one that the caller leads."""
    own = _LEADING.get()
    if not own:
        return False
    seen: set[Flight] = set()
    waiting = [flight]
    while waiting:
        each = waiting.pop()
        if each in own:
            return True
        if each not in seen:
            seen.add(each)
            waiting += each.awaits
    return False
