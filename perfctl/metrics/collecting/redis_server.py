"""The cache's figures: perfctl's counters that all processes share, else what the server counts of every client."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from perfctl.metrics.collecting.order import REDIS
from perfctl.metrics.collecting.source import Gathered, Source, lasting
from perfctl.metrics.model import Reading
from perfctl.recording.series import Series

FIGURES = ("cache_hit_rate",)


@dataclass(frozen=True, slots=True)
class Lookups:
    """How often a cache was asked, and had it."""

    hits: int
    misses: int

    def since(self, before: Lookups) -> Lookups | None:
        """What came since then; None where the counters went back: another server, or a restarted one."""
        more = Lookups(self.hits - before.hits, self.misses - before.misses)
        return more if more.hits >= 0 and more.misses >= 0 else None


@dataclass(frozen=True, slots=True)
class ServerCounts:
    """What the server says of itself; None where it may not be asked."""

    keyspace: Lookups | None = None
    memory_bytes: int | None = None
    runs: tuple[str, ...] = ()
    """Another one after each start: counters that outgrew what they were before it did not fall."""

    def since(self, before: ServerCounts) -> Lookups | None:
        """The look-ups that came since then; None where that cannot be told."""
        if self.keyspace is None or before.keyspace is None or self.runs != before.runs:
            return None
        return self.keyspace.since(before.keyspace)


class CountsLookups(Protocol):
    """A server that look-ups are counted on."""

    async def counted(self) -> Lookups:
        """What processes with perfctl reported, ever."""
        ...

    async def server(self) -> ServerCounts:
        """What the server counted itself, of every client, since it started."""
        ...


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    shared: Lookups
    server: ServerCounts


class _Redis:
    """Looks at the server again and again; each look is told apart from the one before."""

    def __init__(self, here: Callable[[], Lookups], server: CountsLookups, clock: Callable[[], float]) -> None:
        self._here, self._server, self._clock = here, server, clock
        self._before: _Look | None = None

    async def ask(self) -> Gathered:
        now = _Look(self._clock(), await self._server.counted(), await self._server.server())
        before, self._before = self._before, now
        return Gathered(
            readings=tuple(self._readings(before, now)),
            counters=_grown(before, now),
            gauges=_gauges(now.server),
            seconds=None if before is None else now.at - before.at,
            is_first=before is None,
        )

    def _readings(self, before: _Look | None, now: _Look) -> list[Reading]:
        """What is about this cache before what is about all that the server holds; what came lately before all ever."""
        shared, every = "perfctl's counters, all processes", "Redis INFO, all clients and keys"
        lately = lasting(now.at - before.at) if before else ""
        readings = []
        if before is not None:
            readings.append(hit_ratio(now.shared.since(before.shared), f"{shared}, over {lately}"))
        readings.append(hit_ratio(now.shared, f"{shared}, since they began"))
        readings.append(hit_ratio(self._here(), "this process, since it began"))
        if before is not None and before.server.keyspace is not None and now.server.keyspace is not None:
            readings.append(hit_ratio(now.server.since(before.server), f"{every}, over {lately}"))
        readings.append(hit_ratio(now.server.keyspace, f"{every}, since the server started"))
        return readings


def redis_source(
    here: Callable[[], Lookups], server: CountsLookups | None, *, clock: Callable[[], float] = time.monotonic
) -> Source:
    """The hit ratio; unasked: of this process. `server` is None for a cache that has none behind it."""

    def known() -> tuple[Reading, ...]:
        return (hit_ratio(here(), "this process, since it began"),)

    async def here_alone() -> Gathered:
        return Gathered(readings=known())

    ask = here_alone if server is None else _Redis(here, server, clock).ask
    return Source(name="Redis", figures=FIGURES, ask=ask, known=known, key=REDIS)


def hit_ratio(lookups: Lookups | None, source: str) -> Reading:
    """Hits by look-ups as a reading; without any, the reason."""
    if lookups is None:
        return Reading("cache_hit_rate", None, f"{source}: not told, or the counters began anew in between")
    total = lookups.hits + lookups.misses
    if not total:
        return Reading("cache_hit_rate", None, f"{source}: nothing was looked up")
    plural = "look-up" if total == 1 else "look-ups"
    return Reading("cache_hit_rate", round(lookups.hits / total, 4), f"{source}, {total} {plural}")


def _grown(before: _Look | None, now: _Look) -> dict[Series, float]:
    more = None if before is None else now.server.since(before.server)
    if more is None:
        return {}
    return {Series("redis.keyspace.hits"): float(more.hits), Series("redis.keyspace.misses"): float(more.misses)}


def _gauges(server: ServerCounts) -> dict[Series, float]:
    return {} if server.memory_bytes is None else {Series("redis.memory.used"): float(server.memory_bytes)}
