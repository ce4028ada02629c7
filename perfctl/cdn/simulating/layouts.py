"""What one cache holds: where it stands, and which requests it takes for the same object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perfctl.cdn.logs.arrays import Ints, Mask, Words, np
from perfctl.cdn.logs.values import mixed
from perfctl.cdn.regions import region_of
from perfctl.cdn.simulating.replaying import firsts_of, gaps_of, order_of
from perfctl.cdn.simulating.requests import EVENT, HIT, Names

Place = Literal["location", "region"]
Key = Literal["path", "reduced", "query", "cookie"]
_WIDE = dict.fromkeys(("second", "location", "group", "rule"), np.int64)


@dataclass(frozen=True, slots=True)
class Layout:
    """A cache at each edge location or in each region, and what is in its key beside the path."""

    place: Place
    key: Key


class Columns:
    """Events column by column, each whole in memory: to gather from them costs a third of gathering events."""

    def __init__(self, events: np.ndarray) -> None:
        self._columns = {name: events[name].astype(_WIDE.get(name, events[name].dtype)) for name in EVENT.names or ()}
        self._size = len(events)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """Events object by object and place by place, each by time; a fetch before the hits of its second."""

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

    def of(self, events: Columns, place: Place) -> Ints:
        """Where each event's cache stands."""
        location: Ints = events["location"]
        return location if place == "location" else self.regions[location]


def keys_of(events: Columns, key: Key) -> Words:
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
    order = np.argsort(keys, kind="stable")
    numbers = np.empty(len(keys), np.int64)
    numbers[order] = np.cumsum(firsts_of(keys[order])) - 1
    return numbers


def sort(events: Columns, layout: Layout, places: Places) -> Sorted:
    """The events as a layout's caches see them."""
    place = places.of(events, layout.place)
    groups = numbered(keys_of(events, layout.key)) * (int(place.max(initial=0)) + 1) + place
    return arranged(events, groups)


def arranged(events: Columns, groups: Ints) -> Sorted:
    """The events sorted by these groups, then by time."""
    order = order_of(groups, events["second"] * 2 + (events["result"] == HIT))
    first = firsts_of(groups[order])
    times_ms = events["second"][order] * 1000
    return Sorted(
        order=order,
        first=first,
        times_ms=times_ms,
        gaps_ms=gaps_of(times_ms, first),
        group=events["group"][order],
        rule=events["rule"][order],
        result=events["result"][order],
        is_real=events["is_real"][order],
        size_bytes=events["size_bytes"][order],
    )
