"""What time it is, for the whole cache; a test moves it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one that never goes back, for how long things last, and one that all machines share."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary moment."""
        ...

    def time(self) -> float:
        """Seconds since 1970, by this machine."""
        ...


class SystemClock:
    """The machine's own clocks."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)


SYSTEM_CLOCK: Clock = SystemClock()

EPOCH_MS = 1_577_836_800_000
"""2020 began, in Unix milliseconds: what the header of a stored value counts its moments from."""


class ManualClock:
    """A clock that stands still until it is told.

    >>> clock = ManualClock(start=1000.0)
    >>> clock.advance(2.5)
    >>> clock.time()
    1002.5
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.now = start

    def monotonic(self) -> float:
        """Seconds, as far as the clock was moved."""
        return self.now

    time = monotonic

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now += seconds
