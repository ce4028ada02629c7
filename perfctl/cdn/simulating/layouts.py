"""What one cache holds: where it stands, and which requests it takes for the same object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perfctl.cdn.logs.arrays import Ints, Mask, Words, np
from perfctl.cdn.logs.values import mixed
from perfctl.cdn.regions import region_of
from perfctl.cdn.simulating.replaying import firsts_of, gaps_of, order_of
from perfctl.cdn.simulating.requests import HIT, Names

Place = Literal["location", "region", "everywhere"]
Key = Literal["path", "reduced", "query", "cookie"]


@dataclass(frozen=True, slots=True)
class Layout:
    """A cache at each edge location, in each region or one for all, and what is in its key beside the path."""

    place: Place
    key: Key


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """Events object by object and place by place, each by time; a fetch before the hits of its second."""

    events: np.ndarray
    order: Ints
    first: Mask
    times_ms: Ints
    gaps_ms: Ints
    group: Ints
    rule: Ints
    result: Ints
    is_real: Mask
    size_bytes: Ints


class Places:
    """Edge locations as numbers of their regions."""

    def __init__(self, names: Names) -> None:
        regions = [region_of(name.decode("latin-1")) for name in names.locations]
        number = {region: place for place, region in enumerate(dict.fromkeys(regions))}
        self.names = tuple(number)
        self.regions = np.array([number[region] for region in regions] or [0], np.int64)

    def of(self, events: np.ndarray, place: Place) -> Ints:
        """Where each event's cache stands."""
        location = events["location"].astype(np.int64)
        if place == "location":
            return location
        return self.regions[location] if place == "region" else np.zeros(len(events), np.int64)


def keys_of(events: np.ndarray, key: Key) -> Words:
    """A fingerprint of each event's cache key."""
    path: Words = events["path"]
    if key == "path":
        return path
    if key == "reduced":
        return mixed(path, events["reduced"])
    with_query = mixed(path, events["query"])
    return mixed(with_query, events["cookie"]) if key == "cookie" else with_query


def numbered(keys: Words) -> Ints:
    """Small numbers for equal keys."""
    return np.unique(keys, return_inverse=True)[1].astype(np.int64, copy=False)


def sort(events: np.ndarray, layout: Layout, places: Places) -> Sorted:
    """The events as a layout's caches see them."""
    place = places.of(events, layout.place)
    groups = numbered(keys_of(events, layout.key)) * (int(place.max(initial=0)) + 1) + place
    return arranged(events, groups)


def arranged(events: np.ndarray, groups: Ints) -> Sorted:
    """The events sorted by these groups, then by time."""
    seconds = events["second"].astype(np.int64)
    order = order_of(groups, seconds * 2 + (events["result"] == HIT))
    of_order = events[order]
    first = firsts_of(groups[order])
    times_ms = of_order["second"].astype(np.int64) * 1000
    return Sorted(
        events=of_order,
        order=order,
        first=first,
        times_ms=times_ms,
        gaps_ms=gaps_of(times_ms, first),
        group=of_order["group"].astype(np.int64),
        rule=of_order["rule"].astype(np.int64),
        result=of_order["result"].astype(np.int64),
        is_real=of_order["is_real"].copy(),
        size_bytes=of_order["size_bytes"].astype(np.int64),
    )
