"""One call for all who want the same key at the same time, across threads and event loops."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


class Abandoned(Exception):  # noqa: N818 - a signal to those who wait, never an error of anybody
    """The leader was cancelled: somebody else must lead."""


@dataclass(slots=True, eq=False)
class Flight:
    """A call that is under way."""

    leader: object
    thread: int = field(default_factory=threading.get_ident)
    result: Future[Any] = field(default_factory=Future)
    """What the leader gets in the end."""
    standin: Future[Any] = field(default_factory=Future)
    """A stale value at once where there is one, else the same."""
    is_stale: bool = False
    """Whether `standin` holds a stale value."""
    is_private: bool = False
    """Nobody can join it: its leader leads another one of the same name, which holds the lock."""

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

        A leader that comes again (a function that asks for its own key) leads a flight of its own: it cannot wait
        for itself. Nor can a caller that `blocks` wait for a task of its own thread.
        """
        caller = _caller()
        with self._lock:
            flight = self._flights.get(name)
            if flight is None:
                flight = self._flights[name] = Flight(caller)
                return flight, True
            cannot_wait = flight.leader is caller or (blocks and flight.thread == threading.get_ident())
            return (Flight(caller, is_private=True), True) if cannot_wait else (flight, False)

    def lead(self, name: bytes) -> Flight | None:
        """A flight that the caller leads, where nobody else does."""
        with self._lock:
            if name in self._flights:
                return None
            flight = self._flights[name] = Flight(_caller())
            return flight

    def land(self, name: bytes, flight: Flight, value: Any) -> None:
        """Everybody who waits gets the value."""
        self._leave(name, flight)
        _set(flight.result, value)
        _set(flight.standin, value)

    def fail(self, name: bytes, flight: Flight, error: BaseException) -> None:
        """Everybody who waits gets the leader's error, or, when the leader was stopped, another try."""
        self._leave(name, flight)
        reason = error if isinstance(error, Exception) else Abandoned()
        for future in (flight.result, flight.standin):
            with suppress(InvalidStateError):
                future.set_exception(reason)

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


def _caller() -> object:
    """The task, or the thread where there is none."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return task or threading.current_thread()
