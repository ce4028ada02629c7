"""Where figures come from in the engines: each is handed over as what it can count, not as what it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from perfctl.errors import AuthError, ServiceError
from perfctl.metrics.engine import Source
from perfctl.metrics.model import Reading

_SQL = Path(__file__).parent / "sql"

CACHE_FIGURES = ("cache_hit_rate",)
DATABASE_FIGURES = ("database_query_time_ms", "active_connections")

Fetch = Callable[[str], Awaitable[Sequence[Mapping[str, Any]]]]
"""One statement in, its rows out."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """How often a cache was asked, and had it."""

    hits: int
    misses: int


class CountsLookups(Protocol):
    """A server that look-ups are counted on."""

    async def counted(self) -> Lookups:
        """What processes with perfctl reported."""
        ...

    async def keyspace(self) -> Lookups:
        """What the server counted itself, of every client; zeros where it may not be asked."""
        ...


def off(figures: tuple[str, ...], reason: str) -> Source:
    """An engine that is not configured: its figures have a reason, and nobody is asked."""

    async def nothing() -> tuple[Reading, ...]:
        return known()

    def known() -> tuple[Reading, ...]:
        return tuple(Reading(name, None, reason) for name in figures)

    return Source(name=reason, figures=figures, ask=nothing, known=known)


def cache_source(here: Callable[[], Lookups], server: CountsLookups | None) -> Source:
    """The hit ratio: of all processes by the counters that they share, else of all clients by the server's own.

    Unasked: of this process. `server` is None for a cache that has none behind it.
    """

    async def ask() -> tuple[Reading, ...]:
        if server is None:
            return known()
        shared = _hit_ratio(await server.counted(), "perfctl's counters, all processes")
        if shared.value is not None:
            return (shared,)
        return (*known(), shared, _hit_ratio(await server.keyspace(), "Redis INFO, all clients and keys"))

    def known() -> tuple[Reading, ...]:
        return (_hit_ratio(here(), "this process"),)

    return Source(name="Redis", figures=CACHE_FIGURES, ask=ask, known=known)


def database_source(fetch: Fetch, *, connections: Callable[[], int], times_ms: Callable[[], Sequence[float]]) -> Source:
    """Mean time of a statement from pg_stat_statements, clients from pg_stat_activity.

    Unasked: the `times_ms` of the statements that this process sent, and the `connections` of its pool.
    """

    async def ask() -> list[Reading]:
        activity = (await fetch(_text("activity")))[0]
        clients = Reading("active_connections", float(activity["connections"]), "pg_stat_activity, this database")
        schema = activity["statements_schema"]
        return [clients, await _mean_time(fetch, schema) if schema else Reading(_TIME, None, _NO_EXTENSION)]

    def known() -> list[Reading]:
        pool = Reading("active_connections", float(connections()), "this process's pool")
        return [pool, _mean_of(times_ms())]

    return Source(name="PostgreSQL", figures=DATABASE_FIGURES, ask=ask, known=known)


_TIME = "database_query_time_ms"
_NO_EXTENSION = "the extension pg_stat_statements is not in this database: create extension pg_stat_statements"


async def _mean_time(fetch: Fetch, schema: str) -> Reading:
    try:
        times = (await fetch(_text("statement_times").format(schema=schema)))[0]
    except (ServiceError, AuthError) as error:
        return Reading(_TIME, None, error.message)
    if not times["calls"]:
        return Reading(_TIME, None, "pg_stat_statements has counted no statement of this database")
    return Reading(_TIME, round(times["total_ms"] / times["calls"], 4), f"pg_stat_statements, {times['calls']} calls")


def _mean_of(times_ms: Sequence[float]) -> Reading:
    if not times_ms:
        return Reading(_TIME, None, "this process: no statement was sent yet")
    return Reading(_TIME, round(sum(times_ms) / len(times_ms), 4), f"this process, {len(times_ms)} statements")


def _hit_ratio(lookups: Lookups, source: str) -> Reading:
    total = lookups.hits + lookups.misses
    if not total:
        return Reading("cache_hit_rate", None, f"{source}: nothing was looked up yet")
    return Reading("cache_hit_rate", round(lookups.hits / total, 4), f"{source}, {total} look-ups")


def _text(question: str) -> str:
    return (_SQL / f"{question}.sql").read_text(encoding="utf-8")
