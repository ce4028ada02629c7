"""What a simulation answers, and the made-up logs that it can be tried on: frozen results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Corpus:
    """Access logs that were made up, and what their caches did."""

    folder: str
    form: str
    """v1, v2-json or v2-w3c."""
    files: int
    requests: int
    urls: int
    """That were asked for at least once."""
    size_bytes: int
    """Of the files."""
    hours: float
    """From the first request to the last."""
    hits: int
    refresh_hits: int
    misses: int
    hit_ratio: float | None
    """Hit and RefreshHit over all requests; None without one."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What one configuration answers to the requests of the log."""

    name: str
    """`observed` is the log itself, `as it is` its replay; then what is other."""
    ttl_seconds: float | None
    """Of all that is cached; None: as it is, content by content."""
    requests: int
    hits: int
    """From a cache of CloudFront, Origin Shield's included."""
    refresh_hits: int
    """Expired, and found unchanged at the origin."""
    shield_hits: int
    """The hits that an edge location or region had to ask the Shield for."""
    hit_ratio: float | None
    """Hits and refreshed hits over all requests, errors and other methods included."""
    origin_requests: int
    origin_request_ratio: float | None
    origin_bytes: int
    shield_requests: int
    """That Origin Shield charges for."""
    cost_usd: float
    """Requests, transfer to viewers, Origin Shield, the origin's requests and transfer, at the settings' prices."""
    saved_usd: float | None
    """Against `as it is`; None for what was observed."""
    month_saved_usd: float | None
    """The same over 30 days like those of the log; None where the log spans less than an hour."""


@dataclass(frozen=True, slots=True)
class ContentFit:
    """One kind of content: how the log's caches treat it, and how well its replay agrees."""

    pattern: str
    requests: int
    """That were replayed."""
    ttl_seconds: float | None
    """As the log tells; None: longer than it can tell."""
    ttl_from: str
    """`log`; `beyond` where no object was seen to expire; `never` where none is cached; `all` where there is too little
    evidence, and the TTL of all content stands in."""
    observed_hit_ratio: float
    """Hits and refreshed hits over these requests."""
    replayed_hit_ratio: float


@dataclass(frozen=True, slots=True)
class CdnSimulation:
    """Access logs replayed through caches of other configurations: a row each."""

    listing: ClassVar[str] = "rows"

    places: tuple[str, ...]
    requests: int
    replayed: int
    """GET and HEAD that were answered below 400: those on which the configuration has a say."""
    malformed: int
    """Lines that are no request."""
    undated: int
    """Requests without a date: counted, not replayed."""
    hours: float
    """From the first replayed request to the last."""
    caches: str
    """Where the log's caches stand: `location` or `region`."""
    cache_key: str
    """What tells their objects apart: path, path and query, ..."""
    has_shield: bool
    """Whether the log shows hits of Origin Shield: it is there already."""
    idle_seconds: float | None
    """After which an object that nobody asks for is forgotten; None: the log shows no sign of that."""
    residual: float | None
    """The hit ratio of `as it is` less the observed one: the error to expect of the other rows."""
    agreement: float | None
    """The share of replayed requests that the replay answers as the log did, from the cache or not."""
    rows: tuple[WhatIf, ...]
    contents: tuple[ContentFit, ...] = ()
    """By requests, the most first."""
