"""What the caches answer the made-up requests: a true replay through one cache a place, so that results agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from perfctl.cdn.generating.site import KINDS, LOCATIONS
from perfctl.cdn.generating.traffic import METHODS, NO_QUERY, Traffic
from perfctl.cdn.regions import region_of
from perfctl.cdn.simulating.replaying import NEVER, fetches, firsts_of, gaps_of, order_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

Caches = Literal["location", "region"]
RESULTS = ("Hit", "RefreshHit", "Miss", "Error", "Redirect")
HIT, REFRESH, MISS, ERROR, REDIRECT = range(len(RESULTS))


@dataclass(frozen=True, slots=True)
class Rules:
    """How the caches of a corpus work."""

    ttl_seconds: Mapping[str, float]
    """By the kind's name."""
    caches: Caches = "location"
    """Where one cache stands: at each edge location, or in each region."""
    has_query_in_key: bool = True
    idle_seconds: float | None = None
    """An object that nobody asked for so long is forgotten, as a cache of limited size does (Che's approximation)."""


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer a request, a column each."""

    result: NDArray[np.int8]
    status: Numbers
    size_bytes: Numbers
    took_ms: Numbers


def answered(traffic: Traffic, rules: Rules, *, seed: int) -> Answers:
    """The answers to the traffic under these rules."""
    import numpy as np

    random = np.random.default_rng([seed, 2])
    is_gone = _gone(traffic, seed)
    result = np.full(len(traffic), MISS, np.int8)
    ttl_ms = np.array([_ttl_ms(rules.ttl_seconds[kind.name]) for kind in KINDS])[traffic.kind]
    is_read = traffic.method <= METHODS.index("HEAD")
    cached = np.flatnonzero(is_read & (ttl_ms > 0) & ~traffic.is_plain_http & ~traffic.fails & ~is_gone)
    result[cached] = _from_caches(traffic, cached, ttl_ms[cached], rules, random.random(len(traffic))[cached])
    result[is_gone | traffic.fails] = ERROR
    result[traffic.is_plain_http] = REDIRECT
    status = _statuses(traffic, result, is_gone, random)
    return Answers(
        result=result,
        status=status,
        size_bytes=_sizes(traffic, status, seed),
        took_ms=_times(traffic, result, random),
    )


def _gone(traffic: Traffic, seed: int) -> NDArray[np.bool_]:
    """One URL in 150 does not exist, but for the busiest of its kind."""
    import numpy as np

    gone = np.random.default_rng([seed, 3]).random(len(traffic.kind_of_url)) < 1 / 150
    first = np.searchsorted(traffic.kind_of_url, traffic.kind_of_url)
    gone[np.arange(len(gone)) - first < 20] = False
    return gone[traffic.url]


def _ttl_ms(seconds: float) -> int:
    return min(round(seconds * 1000), NEVER)


def _from_caches(
    traffic: Traffic, cached: Numbers, ttl_ms: Numbers, rules: Rules, draws: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Hit, RefreshHit or Miss for each of the requests that may be cached."""
    import numpy as np

    groups = _groups(traffic, cached, rules)
    times = traffic.times_ms[cached]
    order = order_of(groups, times)
    first = firsts_of(groups[order])
    idle = NEVER if rules.idle_seconds is None else _ttl_ms(rules.idle_seconds)
    fetched = fetches(times[order], first, ttl_ms[order], idle_ms=idle)
    is_validated = np.array([kind.is_validated for kind in KINDS])[traffic.kind[cached][order]]
    is_held = ~first & (gaps_of(times[order], first) < idle)
    refreshed = fetched & is_held & is_validated & (draws[order] < 0.92)
    result = np.empty(len(cached), np.int8)
    result[order] = np.where(refreshed, REFRESH, np.where(fetched, MISS, HIT))
    return result


def _groups(traffic: Traffic, cached: Numbers, rules: Rules) -> Numbers:
    """A number for each object at each place."""
    import numpy as np

    regions = {name: number for number, name in enumerate(sorted({region_of(place) for place, _, _ in LOCATIONS}))}
    places = (
        np.arange(len(LOCATIONS))
        if rules.caches == "location"
        else np.array([regions[region_of(place)] for place, _, _ in LOCATIONS])
    )
    query = traffic.query[cached].astype(np.int64) if rules.has_query_in_key else np.int64(NO_QUERY)
    keys = traffic.url[cached] * np.int64(1 << 32) + query
    _, key = np.unique(keys, return_inverse=True)
    groups: Numbers = key * len(LOCATIONS) + places[traffic.location[cached]]
    return groups


def _statuses(
    traffic: Traffic, result: NDArray[np.int8], is_gone: NDArray[np.bool_], random: np.random.Generator
) -> Numbers:
    import numpy as np

    draws = random.random(len(traffic))
    status = np.full(len(traffic), 200)
    status[(result <= REFRESH) & (draws < 0.05)] = 304
    status[is_gone] = 404
    status[traffic.fails] = np.where(draws[traffic.fails] < 0.5, 502, 503)
    status[traffic.is_plain_http] = 301
    return status


def _sizes(traffic: Traffic, status: Numbers, seed: int) -> Numbers:
    """Log-normal by URL: an object has one size, and little goes out where there is no body."""
    import numpy as np

    random = np.random.default_rng([seed, 4])
    medians = np.array([kind.median_bytes for kind in KINDS])[traffic.kind_of_url]
    sizes = (medians * random.lognormal(0, 0.8, len(medians))).astype(np.int64)[traffic.url] + 420
    is_empty = (status != 200) | (traffic.method != 0)
    return np.where(is_empty, 380 + sizes % 97, sizes)


def _times(traffic: Traffic, result: NDArray[np.int8], random: np.random.Generator) -> Numbers:
    """Log-normal: some milliseconds from the edge, the way to the origin and its work on top of it."""
    import numpy as np

    away = np.array([milliseconds for _, _, milliseconds in LOCATIONS])[traffic.location]
    near = 9 * random.lognormal(0, 0.9, len(traffic))
    far = away + 55 * random.lognormal(0, 0.7, len(traffic))
    asks = (result == MISS) | (result == REFRESH) | (result == ERROR)
    return np.rint(np.where(asks, near + far, near)).astype(np.int64)
