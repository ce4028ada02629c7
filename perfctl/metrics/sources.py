"""Where figures come from in the engines: each is handed over as what it can count, not as what it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
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


class Lookups(Protocol):
    """Something that counted look-ups."""

    @property
    def hits(self) -> int: ...

    @property
    def misses(self) -> int: ...


def off(figures: tuple[str, ...], reason: str) -> Source:
    """An engine that is not configured: its figures have a reason, and nobody is asked."""

    async def nothing() -> tuple[Reading, ...]:
        return known()

    def known() -> tuple[Reading, ...]:
        return tuple(Reading(name, None, reason) for name in figures)

    return Source(name=reason, figures=figures, ask=nothing, known=known)


def cache_source(here: Callable[[], Lookups], everywhere: Callable[[], Awaitable[Lookups]] | None) -> Source:
    """The hit ratio, of all processes by the counters they share on the server; unasked, of this process.

    `everywhere` is None for a cache that has no server behind it.
    """

    async def ask() -> tuple[Reading, ...]:
        shared = () if everywhere is None else (_hit_ratio(await everywhere(), "counters of all processes"),)
        return (*shared, *known())

    def known() -> tuple[Reading, ...]:
        return (_hit_ratio(here(), "this process"),)

    return Source(name="Redis", figures=CACHE_FIGURES, ask=ask, known=known)


def database_source(fetch: Fetch, *, connections: Callable[[], int]) -> Source:
    """Mean time of a statement from pg_stat_statements, clients from pg_stat_activity or, unasked, the pool."""

    async def ask() -> list[Reading]:
        activity = (await fetch(_text("activity")))[0]
        clients = Reading("active_connections", float(activity["connections"]), "pg_stat_activity, this database")
        if not activity["counts_statements"]:
            return [clients, Reading("database_query_time_ms", None, _NO_EXTENSION)]
        return [clients, await _mean_time(fetch)]

    def known() -> Iterator[Reading]:
        yield Reading("active_connections", float(connections()), "this process's pool")
        yield Reading("database_query_time_ms", None, "this process did not ask pg_stat_statements; measure() does")

    return Source(name="PostgreSQL", figures=DATABASE_FIGURES, ask=ask, known=lambda: tuple(known()))


_NO_EXTENSION = "the extension pg_stat_statements is not in this database: create extension pg_stat_statements"


async def _mean_time(fetch: Fetch) -> Reading:
    try:
        times = (await fetch(_text("statement_times")))[0]
    except (ServiceError, AuthError) as error:
        return Reading("database_query_time_ms", None, error.message)
    if not times["calls"]:
        return Reading("database_query_time_ms", None, "pg_stat_statements has counted no statement of this database")
    since = times["counted_since"]
    source = f"pg_stat_statements, {times['calls']} calls" + (f" since {since:%Y-%m-%d %H:%M}" if since else "")
    return Reading("database_query_time_ms", round(times["total_ms"] / times["calls"], 4), source)


def _hit_ratio(lookups: Lookups, source: str) -> Reading:
    total = lookups.hits + lookups.misses
    if not total:
        return Reading("cache_hit_rate", None, f"{source}: nothing was looked up yet")
    return Reading("cache_hit_rate", round(lookups.hits / total, 4), f"{source}, {total} look-ups")


def _text(question: str) -> str:
    return (_SQL / f"{question}.sql").read_text(encoding="utf-8")
