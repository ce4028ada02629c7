"""The cache's figures: perfctl's counters that all processes share, else what the server counts of every client."""

from __future__ import annotations

import math
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

    @property
    def total(self) -> int:
        """Of both kinds."""
        return self.hits + self.misses

    def since(self, before: Lookups) -> Lookups | None:
        """What came since then; None where the counters went back: another server, or a restarted one."""
        more = Lookups(self.hits - before.hits, self.misses - before.misses)
        return more if more.hits >= 0 and more.misses >= 0 else None

    def without(self, ours: Lookups) -> Lookups:
        """Those of others."""
        return Lookups(max(self.hits - ours.hits, 0), max(self.misses - ours.misses, 0))


_NONE = Lookups(0, 0)
_HASHES, _HASHES_A_SECOND = 5, 2.0
"""How many hashes perfctl's processes read together, at most: one a look, and one each time the cache is counted."""


@dataclass(frozen=True, slots=True)
class ServerCounts:
    """What the server says of itself; None where it may not be asked."""

    keyspace: Lookups | None = None
    memory_bytes: int | None = None
    runs: tuple[str, ...] = ()
    """Another one after each start: counters that outgrew what they were before it did not fall."""
    ours: Lookups = _NONE
    """What of these look-ups this process's own questions are, and no application's."""
    maybe_ours: int | None = None
    """How many calls there were of the commands that perfctl looks with, by whomever."""
    hashes_read: int = 0
    """How many of these calls read a hash, as applications do, too."""

    def since(self, before: ServerCounts, *, seconds: float = math.inf) -> ServerCounts | None:
        """What came since then, so long ago; None where that cannot be told.

        An application that lives on hashes reads more of them than perfctl ever does: what is beyond is not ours.
        """
        if self.keyspace is None or before.keyspace is None or self.runs != before.runs:
            return None
        keyspace, ours = self.keyspace.since(before.keyspace), self.ours.since(before.ours)
        if keyspace is None or ours is None:
            return None
        read = self.hashes_read - before.hashes_read
        beyond = max(read - (_HASHES + _HASHES_A_SECOND * seconds), 0)
        calls = None if self.maybe_ours is None else round(self.maybe_ours - (before.maybe_ours or 0) - beyond)
        return ServerCounts(keyspace, self.memory_bytes, self.runs, ours, calls, read)

    @property
    def theirs(self) -> Lookups | None:
        """Without what is surely ours; None where most of the rest may be, too: of another process of perfctl."""
        if self.keyspace is None:
            return None
        rest = self.keyspace.without(self.ours)
        is_doubtful = self.maybe_ours is not None and 2 * (self.maybe_ours - self.ours.total) > rest.total
        return None if rest.total and is_doubtful else rest


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
            readings.append(
                _of_server(now.server.since(before.server, seconds=now.at - before.at), f"{every}, over {lately}")
            )
        readings.append(_of_server(now.server, f"{every}, since the server started"))
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
    total = lookups.total
    if not total:
        return Reading("cache_hit_rate", None, f"{source}: nothing was looked up")
    plural = "look-up" if total == 1 else "look-ups"
    return Reading("cache_hit_rate", round(lookups.hits / total, 4), f"{source}, {total} {plural}")


def _of_server(counts: ServerCounts | None, source: str) -> Reading:
    """An application's hit ratio, or why there is none: what perfctl looks up itself is none of its look-ups."""
    theirs = counts.theirs if counts is not None else None
    if theirs is None and counts is not None and counts.keyspace is not None:
        return Reading("cache_hit_rate", None, f"{source}: most look-ups may be perfctl's own")
    return hit_ratio(theirs, source)


def _grown(before: _Look | None, now: _Look) -> dict[Series, float]:
    """What applications looked up; nothing, and not 0, where that cannot be told from what perfctl did."""
    since = None if before is None else now.server.since(before.server, seconds=now.at - before.at)
    more = since.theirs if since is not None else None
    if more is None:
        return {}
    return {Series("redis.keyspace.hits"): float(more.hits), Series("redis.keyspace.misses"): float(more.misses)}


def _gauges(server: ServerCounts) -> dict[Series, float]:
    return {} if server.memory_bytes is None else {Series("redis.memory.used"): float(server.memory_bytes)}
