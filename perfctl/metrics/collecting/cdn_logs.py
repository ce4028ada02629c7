"""What the edge logged of the application's answers, in the time that was logged last."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from perfctl.metrics.collecting.order import CDN
from perfctl.metrics.collecting.source import Gathered, Source, lasting
from perfctl.metrics.model import Reading
from perfctl.recording.series import Series, series

FIGURES = ("api_response_time_ms", "requests_per_second", "error_rate")
WINDOW_SECONDS = 900.0
"""CloudFront delivers logs some minutes late: a shorter look back would find none."""
AGAIN_SECONDS = 60.0
"""Logs are not read more often than that: they grow by files, not by requests."""


@dataclass(frozen=True, slots=True)
class Logged:
    """What the logs say of a time; None is what they do not say."""

    requests: int
    hits: int | None
    errors: int
    """Answers of 500 and above."""
    bytes: int
    mean_ms: float | None
    first_at: float | None
    """When the first and the last of these requests were answered, in Unix seconds."""
    last_at: float | None


Look = Callable[[float, float], Awaitable[Logged]]
"""The requests that were answered in [since, until), in Unix seconds."""


class _Logs:
    """Reads the logs of the last minutes, and of what it has not counted yet."""

    def __init__(self, look: Look, clock: Callable[[], float]) -> None:
        self._look, self._clock = look, clock
        self._counted_until: float | None = None
        self._counted_at: float | None = None
        """When something was counted for the last time."""
        self._answer: tuple[float, Gathered] | None = None

    async def ask(self) -> Gathered:
        now = self._clock()
        if self._answer is not None and now - self._answer[0] < AGAIN_SECONDS:
            return Gathered(readings=self._answer[1].readings)
        logged = await self._look(now - WINDOW_SECONDS, now)
        gathered = await self._new(logged, now)
        self._answer = (now, gathered)
        return gathered

    async def _new(self, logged: Logged, now: float) -> Gathered:
        """With what was answered after the last request that was counted: a log line that comes later than those of
        its time is in no counter, but in the readings."""
        readings = _readings(logged)
        until, self._counted_until = self._counted_until, logged.last_at or self._counted_until
        counted_at = self._counted_at = now if self._counted_at is None else self._counted_at
        if until is None or logged.last_at is None or logged.last_at <= until:
            return Gathered(readings=readings)
        new = await self._look(until, logged.last_at)
        self._counted_at = now
        return Gathered(readings=readings, counters=_counters(new), seconds=self._lasted(new, counted_at, now))

    def _lasted(self, new: Logged, counted_at: float, now: float) -> float:
        """The time that these requests stand for: theirs, and at least that since the look before, which found none.

        It ends now, not when the last of them was answered: logs come late, and the history tells when it knew.
        """
        looked_at = self._answer[0] if self._answer is not None else counted_at
        theirs = new.last_at - new.first_at if new.last_at is not None and new.first_at is not None else 0.0
        return min(max(theirs, now - looked_at), now - counted_at)


def cdn_source(look: Look, *, clock: Callable[[], float] = time.time) -> Source:
    """Time to answer, requests per second and errors, by the access logs of the last quarter of an hour."""
    return Source(name="the CDN's logs", figures=FIGURES, ask=_Logs(look, clock).ask, key=CDN)


def _readings(logged: Logged) -> tuple[Reading, ...]:
    if not logged.requests:
        reason = f"the CDN's access logs: no request of the last {lasting(WINDOW_SECONDS)}"
        return tuple(Reading(name, None, reason) for name in FIGURES)
    source = f"the CDN's access logs, {logged.requests} requests of the last {lasting(WINDOW_SECONDS)}"
    return (
        _reading("api_response_time_ms", logged.mean_ms, source),
        _reading("requests_per_second", _rate(logged), source),
        _reading("error_rate", logged.errors / logged.requests, source),
    )


def _reading(name: str, value: float | None, source: str) -> Reading:
    return Reading(
        name, value if value is None else round(value, 4), source if value is not None else f"{source}: not told"
    )


def _rate(logged: Logged) -> float | None:
    """Over the time that is in the logs: what lies after the last line is not known yet."""
    if logged.first_at is None or logged.last_at is None or logged.last_at <= logged.first_at:
        return None
    return logged.requests / (logged.last_at - logged.first_at)


def _counters(logged: Logged) -> dict[Series, float]:
    if not logged.requests or logged.hits is None:
        return {}
    return {
        series("cdn.requests", result="hit"): float(logged.hits),
        series("cdn.requests", result="miss"): float(logged.requests - logged.hits),
        Series("cdn.bytes"): float(logged.bytes),
    }
