"""What the application says of itself through perfctl: of this process, or of all its processes by the history."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from perfctl.errors import ConfigError, PerfctlError
from perfctl.metrics.collecting.order import APPLICATION
from perfctl.metrics.collecting.source import Gathered, Source, lasting
from perfctl.metrics.model import Reading
from perfctl.metrics.reading import value_of

if TYPE_CHECKING:
    from perfctl.metrics.history import History
    from perfctl.recording.frame import Frame

FIGURES = (
    "api_response_time_ms",
    "database_query_time_ms",
    "cache_hit_rate",
    "active_connections",
    "requests_per_second",
    "error_rate",
)
RECENT_SECONDS = 60.0
"""How far back "now" reaches in the history: some intervals of those that write to it."""
_DIGITS = 4


def application_source(
    here: Callable[[], Frame], history: History | None, *, recent_seconds: float = RECENT_SECONDS
) -> Source:
    """Requests, queries and look-ups that perfctl's middleware and engines recorded.

    `here` is all that this process recorded since it began; of the history the last `recent_seconds` count.
    """

    async def ask() -> Gathered:
        recent = await asyncio.to_thread(_recent, history, recent_seconds) if history is not None else ()
        return Gathered(readings=(*(each for each in recent if each.value is not None), *_told(known()), *recent))

    def known() -> tuple[Reading, ...]:
        frame = here()
        return tuple(_readings(frame, f"perfctl in this process, over {lasting(frame.seconds)}"))

    return Source(name="the application", figures=FIGURES, ask=ask, known=known, key=APPLICATION)


def _told(readings: Iterable[Reading]) -> Iterable[Reading]:
    """A pool of this process that has nothing open tells nothing of a database that was asked and did not answer."""
    return (each for each in readings if each.name != "active_connections" or each.value)


def _recent(history: History, seconds: float) -> tuple[Reading, ...]:
    """The end of the history; a history that cannot be read is a reason."""
    now = time.time()
    try:
        frame = history.window(now - seconds, now)
    except ConfigError:
        return ()
    except PerfctlError as error:
        return tuple(Reading(name, None, error.message) for name in FIGURES)
    if not frame.seconds:
        return ()
    return tuple(_readings(frame, f"the history, over {lasting(frame.seconds)}"))


def _readings(frame: Frame, source: str) -> Iterable[Reading]:
    """Those of the figures that the frame knows."""
    for name in FIGURES:
        found = value_of(frame, name)
        if found.value is not None:
            yield Reading(name, round(found.value, _DIGITS), source)
