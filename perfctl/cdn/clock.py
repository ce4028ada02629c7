"""The clock by which the CDN's engine waits, and how long it does."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

WAIT_SECONDS = 900.0
"""Until an invalidation has completed, or a distribution is deployed, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Time:
    """The clock and the pause, so that a test's hour takes no time."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
