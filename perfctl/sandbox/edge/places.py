"""Where edge locations are, and how far it is from one place to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import asin, cos, radians, sin, sqrt
from types import MappingProxyType

from perfctl.cdn.regions import UNKNOWN, region_of

EARTH_KILOMETRES = 6_371.0
KILOMETRES_PER_MS = 70.0
"""Of a round trip: light in glass goes 200 km in a millisecond, cables go detours, and a trip has two ways."""


@dataclass(frozen=True, slots=True)
class Place:
    """An edge location: its name as in logs, the country of its viewers, and where it stands."""

    name: str
    country: str
    latitude: float
    longitude: float

    @property
    def code(self) -> str:
        """The airport's three letters."""
        return self.name[:3]


_PLACES = (
    Place("IAD89-P1", "US", 38.9, -77.5),
    Place("CMH68-P1", "US", 40.0, -82.9),
    Place("SFO53-P1", "US", 37.6, -122.4),
    Place("SEA73-P1", "US", 47.4, -122.3),
    Place("GRU3-P1", "BR", -23.4, -46.5),
    Place("DUB56-P1", "IE", 53.4, -6.3),
    Place("LHR62-P1", "GB", 51.5, -0.5),
    Place("FRA60-P1", "DE", 50.0, 8.6),
    Place("CDG52-P1", "FR", 49.0, 2.5),
    Place("NRT57-P1", "JP", 35.8, 140.4),
    Place("ICN57-P1", "KR", 37.5, 126.4),
    Place("SIN52-P1", "SG", 1.4, 104.0),
    Place("SYD62-P1", "AU", -33.9, 151.2),
    Place("BOM78-P1", "IN", 19.1, 72.9),
    Place("JNB50-P1", "ZA", -26.1, 28.2),
)
PLACES: Mapping[str, Place] = MappingProxyType({place.code: place for place in _PLACES})
"""Edge locations by airport."""

HOMES: Mapping[str, str] = MappingProxyType(
    {
        "us-east-1": "IAD",
        "us-east-2": "CMH",
        "us-west-1": "SFO",
        "us-west-2": "SEA",
        "sa-east-1": "GRU",
        "eu-west-1": "DUB",
        "eu-west-2": "LHR",
        "eu-central-1": "FRA",
        "ap-northeast-1": "NRT",
        "ap-northeast-2": "ICN",
        "ap-southeast-1": "SIN",
        "ap-southeast-2": "SYD",
        "ap-south-1": "BOM",
    }
)
"""The edge location near a region."""


def home_of(region: str) -> Place:
    """The edge location near a region; an unknown name gives one made of its letters."""
    if region in HOMES:
        return PLACES[HOMES[region]]
    letters = "".join(letter for letter in region.upper() if letter.isalpha())
    return Place(f"{(letters or 'LOC')[:3]:X<3}50-P1", "ZZ", 0.0, 0.0)


def place_named(text: str) -> Place | None:
    """`FRA`, or a whole name like `FRA60-P1`, in any case; None for a place that is not in the table."""
    return PLACES.get(text[:3].upper()) if text.isascii() and len(text) >= 3 else None


def regional_place(place: Place) -> Place:
    """Where the regional cache behind an edge location stands."""
    region = region_of(place.name)
    return place if region == UNKNOWN else home_of(region)


@dataclass(frozen=True, slots=True)
class Distances:
    """How long a round trip takes. Nothing takes time unless it is said."""

    world: bool = False
    """By the distance on the globe."""
    origin_region: str = "us-east-1"
    """Where the origin stands, when distances count."""
    viewer_ms: float = 0.0
    """Between a viewer and its edge location."""
    origin_ms: float = 0.0
    """Between any place and the origin, beside the distance."""
    pops: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds between a viewer and the edge location of this airport, in place of `viewer_ms`."""

    def to_viewer_seconds(self, place: Place) -> float:
        return self.pops.get(place.code, self.viewer_ms) / 1000

    def to_origin_seconds(self, place: Place) -> float:
        return self.origin_ms / 1000 + self.between_seconds(place, home_of(self.origin_region))

    def between_seconds(self, one: Place, other: Place) -> float:
        return kilometres(one, other) / KILOMETRES_PER_MS / 1000 if self.world else 0.0


def kilometres(one: Place, other: Place) -> float:
    """The great-circle distance (haversine formula).

    >>> round(kilometres(PLACES["FRA"], PLACES["IAD"]), -2)
    6600.0
    """
    north, east = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    square = sin(north / 2) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(east / 2) ** 2
    return 2 * EARTH_KILOMETRES * asin(min(sqrt(square), 1.0))
