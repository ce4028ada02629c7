"""The figures of an application that is not ours, from the page that it shows to Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from perfctl.errors import ServiceError
from perfctl.metrics.collecting.order import PROMETHEUS
from perfctl.metrics.collecting.prometheus.asked import Wanted, wanted_of
from perfctl.metrics.collecting.prometheus.between import (
    Answered,
    Durations,
    Key,
    Scraped,
    durations_of,
    grown,
    present,
    requests_of,
    scraped,
    who,
)
from perfctl.metrics.collecting.prometheus.fetching import Address, address_of, fetch
from perfctl.metrics.collecting.prometheus.names import Family
from perfctl.metrics.collecting.prometheus.text import read_page
from perfctl.metrics.collecting.source import Gathered, Source, lasting
from perfctl.metrics.model import Reading
from perfctl.recording.histogram import Histogram
from perfctl.recording.series import OTHER, Series, series

FIGURES = ("api_response_time_ms", "requests_per_second", "error_rate")
LIMIT_SECONDS = 4.0
"""Less than a source may take: the reason is then what the address did, and not that time was up."""
MAX_SERIES = 1000
DOUBTFUL_LOOKS = 3
"""So many looks in a row must be at the same process, after another one answered, before it is taken to be alone."""
_OTHERS = "several processes answer here in turn, each with its own counters: what came lately cannot be told"
_MB = 1_000_000


def prometheus_source(
    url: str,
    names: tuple[str, ...] = (),
    *,
    limit_seconds: float = LIMIT_SECONDS,
    max_series: int = MAX_SERIES,
    clock: Callable[[], float] = time.monotonic,
) -> Source:
    """Time to answer, requests per second and errors, and what `names` (`figure=metric`) say beside.

    ConfigError for an address, or a name, that is none.
    """
    figures = tuple(dict.fromkeys((*FIGURES, *(each.partition("=")[0].strip() for each in names))))
    scrape = _Scrape(address_of(url), wanted_of(names), figures, limit_seconds, max_series, clock)
    return Source(name="Prometheus", figures=figures, ask=scrape.ask, key=PROMETHEUS)


class _Scrape:
    """Reads the page again and again; each is told apart from the one before.

    What lies behind a load balancer, or is one of several workers, has pages of several processes: the difference of
    two of those is nothing that ever came.
    """

    def __init__(
        self,
        address: Address,
        wanted: Wanted,
        figures: tuple[str, ...],
        limit_seconds: float,
        max_series: int,
        clock: Callable[[], float],
    ) -> None:
        self._address, self._wanted = address, wanted
        self._limit_seconds, self._max_series, self._clock = limit_seconds, max_series, clock
        self._before: Scraped | None = None
        self._doubts = 0
        self._figures = figures

    async def ask(self) -> Gathered:
        text = await fetch(self._address, limit_seconds=self._limit_seconds)
        at = self._clock()
        page = await asyncio.to_thread(read_page, text, self._wanted.names, where=str(self._address))
        now = scraped(page, at, time.time())
        before, self._before = self._before, now
        is_other = before is not None and self._is_doubtful(before, now)
        lately = None if before is None or is_other else _Look(now, grown(before, now), at - before.at, self._wanted)
        ever = _Look(now, dict(now.values), None, self._wanted)
        if lately is None and not ever.has_http and not page.samples:
            raise ServiceError(
                f"{self._address} has {page.lines} samples, and none of a known name",
                hint="name them: metrics.prometheus_metrics: [requests_per_second=app_hits_total]",
            )
        where = f"Prometheus at {self._address.host}:{self._address.port}"
        return Gathered(
            readings=(
                *(Reading(figure, None, f"{where}: {_OTHERS}") for figure in self._figures if is_other),
                *(lately.readings(where) if lately else ()),
                *ever.readings(where),
            ),
            counters=_dropped(lately, self._max_series),
            gauges={},
            histograms=_histograms(lately, self._max_series) if lately else {},
            seconds=lately.seconds if lately else None,
            notes=(f"{where}: {_OTHERS}",) if is_other else (),
            is_first=before is None,
        )

    def _is_doubtful(self, before: Scraped, now: Scraped) -> bool:
        """Whether another process answers than before, or did a moment ago: the one that does is not all of them."""
        if who(before, now) == "another":
            self._doubts = DOUBTFUL_LOOKS
            return True
        self._doubts -= self._doubts > 0
        return self._doubts > 0


@dataclass(frozen=True, slots=True)
class _Look:
    """What a stretch of time came to."""

    now: Scraped
    gained: Mapping[Key, float]
    seconds: float | None
    """None: since the application started."""
    wanted: Wanted

    @property
    def has_http(self) -> bool:
        return self._duration is not None or self._counter is not None

    @property
    def _duration(self) -> Family | None:
        return present(self.wanted.durations, self.now, "_count")

    @property
    def _counter(self) -> Family | None:
        return present(self.wanted.requests, self.now, "_total", "")

    def durations(self) -> dict[Answered, Durations]:
        """By method, route and status."""
        return durations_of(self._duration, self.gained) if self._duration else {}

    def readings(self, where: str) -> Iterator[Reading]:
        """A figure that has no value here has its reason."""
        since = "since it started" if self.seconds is None else f"over {lasting(self.seconds)}"
        source = f"{where}, {since}"
        yield self._mean("api_response_time_ms", self._duration, source)
        yield from self._traffic(source)
        for figure, family in self.wanted.others.items():
            yield from self._other(figure, family, source)

    def _mean(self, figure: str, family: Family | None, source: str) -> Reading:
        if family is None:
            return Reading(figure, None, f"{source}: no histogram or summary of a known name")
        found = durations_of(family, self.gained).values()
        count, seconds = sum(each.number for each in found), sum(each.seconds for each in found)
        if not count:
            return Reading(figure, None, f"{source}: {family.name} counted nothing")
        return Reading(figure, round(seconds / count * 1000, 4), f"{source}, {family.name}, {count:.0f} counted")

    def _traffic(self, source: str) -> Iterator[Reading]:
        """By the counter of requests, where there is one that knows the status or the durations do not."""
        found = {whose: each.number for whose, each in self.durations().items()}
        family = self._duration
        if self._counter is not None and not (
            family and any(whose.status for whose in durations_of(family, self.now.values))
        ):
            family, found = self._counter, requests_of(self._counter, self.gained)
        if family is None:
            for figure in ("requests_per_second", "error_rate"):
                yield Reading(figure, None, f"{source}: no counter of requests of a known name")
            return
        yield from self._rates(family, found, source)

    def _rates(self, family: Family, found: Mapping[Answered, float], source: str) -> Iterator[Reading]:
        total = sum(found.values())
        said = f"{source}, {family.name}"
        if self.seconds:
            yield Reading("requests_per_second", round(total / self.seconds, 4), said)
        else:
            yield Reading("requests_per_second", None, f"{said}: one look is no rate")
        failed = self._failed(found)
        if not total or failed is None:
            reason = "counted nothing" if not total else "has no label that tells what failed"
            yield Reading("error_rate", None, f"{said} {reason}")
        else:
            yield Reading("error_rate", round(min(failed / total, 1.0), 6), f"{said}, {total:.0f} counted")

    def _failed(self, found: Mapping[Answered, float]) -> float | None:
        if self.wanted.failures is not None:
            return sum(requests_of(self.wanted.failures, self.gained).values())
        if not any(whose.status for whose in found):
            return None
        return sum(count for whose, count in found.items() if (whose.status or "").startswith("5"))

    def _other(self, figure: str, family: Family, source: str) -> Iterator[Reading]:
        """A duration, a counter or a value, by what the page says that it is."""
        lines = {
            name: [v for (n, _), v in self.gained.items() if n == name]
            for name in (family.name, f"{family.name}_total")
        }
        if present((family,), self.now, "_count") and figure.endswith("_time_ms"):
            yield self._mean(figure, family, source)
        elif lines[f"{family.name}_total"]:
            if self.seconds:
                total = sum(lines[f"{family.name}_total"])
                yield Reading(figure, _in_unit(figure, total / self.seconds, family.name), f"{source}, {family.name}")
        elif values := [value for (name, _), value in self.now.values.items() if name == family.name]:
            yield Reading(
                figure, _in_unit(figure, sum(values), family.name), f"{source.partition(',')[0]}, {family.name}"
            )


def _in_unit(figure: str, value: float, name: str) -> float:
    """Bytes become MB, and shares percent, as the name tells."""
    if figure.endswith("_mb") and "bytes" in name:
        return round(value / _MB, 4)
    if figure == "cpu_usage_percent" and ("seconds" in name or "ratio" in name):
        return round(value * 100, 4)
    return round(value, 4)


def _histograms(look: _Look, max_series: int) -> dict[Series, Histogram]:
    """At most so many series: what is beyond them is one, named other."""
    found: dict[Series, Histogram] = {}
    for whose, durations in look.durations().items():
        made = durations.histogram()
        if made is None:
            continue
        one = series("http.request.duration", method=whose.method, route=whose.route, status=whose.status)
        if len(found) >= max_series - 1 and one not in found:
            one = series("http.request.duration", method=OTHER, route=OTHER, status=OTHER)
        if one in found:
            found[one].merge(made)
        else:
            found[one] = made
    return found


def _dropped(look: _Look | None, max_series: int) -> dict[Series, float]:
    beyond = len(look.durations()) - (max_series - 1) if look else 0
    return {series("perfctl.series.dropped", metric="http.request.duration"): float(beyond)} if beyond > 0 else {}
