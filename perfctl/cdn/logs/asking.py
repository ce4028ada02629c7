"""AccessLogs: one question to the access logs at a time, asked in the background."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from perfctl.cdn.background import in_background
from perfctl.config import CDNConfig
from perfctl.errors import NotConfiguredError

if TYPE_CHECKING:
    from perfctl.cdn.logs.counting import Reading
    from perfctl.cdn.logs.filtering import Filter
    from perfctl.cdn.logs.inflating import Told
    from perfctl.cdn.logs.listing import LatencyBy, LatencyOf, PlaceBy, TopBy, TopOf
    from perfctl.cdn.logs.locations import LogSource
    from perfctl.cdn.model.logs import LogErrors, LogLatency, LogMisses, LogPlaces, LogReport, LogStats, LogTop
    from perfctl.cdn.services import Services

T = TypeVar("T")

DEFAULT_LIMIT = 10
"""So many rows where nobody says how many."""


class AccessLogs:
    """The access logs at the places that are named, else at those of the configuration (`cdn.logs`).

    Every question reads them once, in flat memory. `wanted` says which requests count, `told` hears how many bytes
    were read. NotConfiguredError where no place is known; UsageError where one holds nothing, or numpy is missing.
    """

    def __init__(self, config: CDNConfig, services: Callable[[], Awaitable[Services]]) -> None:
        self._config = config
        self._services = services

    async def stats(
        self, places: Sequence[str] = (), *, wanted: Filter | None = None, told: Told | None = None
    ) -> LogStats:
        """The short figures: requests, hit ratios, errors, times."""
        from perfctl.cdn.logs.report import stats

        return await self._asked(stats, places, wanted, told)

    async def report(
        self,
        places: Sequence[str] = (),
        *,
        limit: int | None = DEFAULT_LIMIT,
        wanted: Filter | None = None,
        told: Told | None = None,
    ) -> LogReport:
        """Everything at a glance, with so many URLs (None: all that are kept)."""
        from perfctl.cdn.logs.report import report

        return await self._asked(partial(report, limit=limit), places, wanted, told)

    async def top(
        self,
        places: Sequence[str] = (),
        *,
        by: TopBy = "requests",
        of: TopOf = "path",
        limit: int | None = DEFAULT_LIMIT,
        wanted: Filter | None = None,
        told: Told | None = None,
    ) -> LogTop:
        """What stands for most requests, bytes, misses or time."""
        from perfctl.cdn.logs.listing import top

        return await self._asked(partial(top, by=by, of=of, limit=limit), places, wanted, told)

    async def misses(
        self, places: Sequence[str] = (), *, wanted: Filter | None = None, told: Told | None = None
    ) -> LogMisses:
        """Why requests were not answered from the cache."""
        from perfctl.cdn.logs.misses import misses

        return await self._asked(misses, places, wanted, told)

    async def errors(
        self, places: Sequence[str] = (), *, wanted: Filter | None = None, told: Told | None = None
    ) -> LogErrors:
        """The answers that were none, by status."""
        from perfctl.cdn.logs.listing import errors

        return await self._asked(errors, places, wanted, told)

    async def pops(
        self,
        places: Sequence[str] = (),
        *,
        by: PlaceBy = "pop",
        limit: int | None = None,
        wanted: Filter | None = None,
        told: Told | None = None,
    ) -> LogPlaces:
        """What each edge location served."""
        from perfctl.cdn.logs.listing import pops

        return await self._asked(partial(pops, by=by, limit=limit), places, wanted, told)

    async def latency(
        self,
        places: Sequence[str] = (),
        *,
        of: LatencyOf = "time-taken",
        by: LatencyBy = "region",
        limit: int | None = None,
        wanted: Filter | None = None,
        told: Told | None = None,
    ) -> LogLatency:
        """How long requests took, in all and by group."""
        from perfctl.cdn.logs.listing import latency

        return await self._asked(partial(latency, of=of, by=by, limit=limit), places, wanted, told)

    async def _asked(
        self,
        question: Callable[[Reading, Iterator[LogSource]], T],
        places: Sequence[str],
        wanted: Filter | None,
        told: Told | None,
    ) -> T:
        from dataclasses import replace

        from perfctl.cdn.logs.counting import Reading
        from perfctl.cdn.logs.filtering import Filter
        from perfctl.cdn.logs.locations import files_of, is_s3

        chosen = places_of(places, self._config)
        wanted = wanted or Filter()
        if not wanted.locations and self._config.edge_locations:
            wanted = replace(wanted, locations=self._config.edge_locations)
        services = await self._services() if any(is_s3(place) for place in chosen) else None
        sources = files_of(chosen, services, since=wanted.since, until=wanted.until)
        return await in_background(lambda: question(Reading(wanted, told), sources))


def places_of(places: Sequence[str], config: CDNConfig) -> tuple[str, ...]:
    """The places that are named, else those of the configuration. NotConfiguredError where there are none."""
    chosen = tuple(places) or config.logs
    if not chosen:
        raise NotConfiguredError(
            "no access logs are known",
            hint="name files, folders or s3://bucket/prefix, or set cdn.logs in perfctl.yaml",
        )
    return chosen
