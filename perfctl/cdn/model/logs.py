"""What access logs tell. Ratios are 0..1; None is what the logs do not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """What was read, and what was passed over."""

    requests: int
    malformed: int
    """Lines that are no request: cut, too long, with another number of fields."""
    left_out: int
    """Requests that the filters left out."""
    files: int
    truncated_files: int
    """Of those, how many end before their time; what they hold is counted."""
    bytes_read: int
    """As the files lie there, packed."""
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Quantiles:
    """How long something took. Each percentile is within 0.5 % of the exact one, the mean is exact."""

    requests: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class OfficialRatios:
    """The figures that AWS calls its hit ratios: three different ones."""

    console_hit_ratio: float | None
    """The console's chart: `x-edge-response-result-type` is Hit, over all requests; RefreshHit does not count."""
    bytes_from_misses: int
    """The console's other chart: the sum of `sc-bytes` where `x-edge-result-type` is Miss."""
    bytes_from_misses_ratio: float | None
    """Its share of all bytes."""
    cache_hit_rate: float | None
    """CloudWatch's CacheHitRate: Hit and RefreshHit over cacheable requests, which POST, PUT, PATCH, DELETE and
    errors are not."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something was there."""

    name: str
    requests: int
    share: float


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """What one edge location, city or region served."""

    place: str
    city: str | None
    region: str
    requests: int
    share: float
    hit_ratio: float | None
    errors: int
    """Answers of 400 and above."""
    sent_bytes: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class HourRow:
    """An hour (UTC)."""

    at: datetime
    requests: int
    hit_ratio: float | None
    errors: int
    sent_bytes: int


@dataclass(frozen=True, slots=True)
class TopRow:
    """What one URL (or host, referrer ...) stands for."""

    name: str
    requests: int
    share: float
    """Of that by which the rows are ordered."""
    hit_ratio: float | None
    misses: int
    miss_bytes: int
    errors: int
    sent_bytes: int
    mean_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStats(LogFacts):
    """The short figures."""

    hit_ratio: float | None
    """Hit and RefreshHit over all requests, by `x-edge-result-type`."""
    origin_request_ratio: float | None
    """What went to the origin over all requests: Miss, RefreshHit, and errors that are not the viewer's or the edge's
    own."""
    bandwidth_saved_ratio: float | None
    """The bytes of Hit and RefreshHit over all bytes to viewers."""
    sent_bytes: int
    requests_per_second: float | None
    errors_4xx: int
    errors_5xx: int
    error_ratio: float | None
    official: OfficialRatios
    time_taken: Quantiles
    time_to_first_byte: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport(LogStats):
    """Everything at a glance."""

    listing: ClassVar[str] = "rows"

    results: tuple[Counted, ...]
    """By `x-edge-result-type`."""
    statuses: tuple[Counted, ...]
    regions: tuple[PlaceRow, ...]
    hours: tuple[HourRow, ...]
    at_most_too_high: int
    """By how much the requests of a row may be told too high: 0 is exact (up to 100,000 URLs)."""
    total: int
    rows: tuple[TopRow, ...]
    """URLs without their query strings, the most requested first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTop(LogFacts):
    """What stands for most requests, bytes, misses or time."""

    listing: ClassVar[str] = "rows"

    by: str
    of: str
    at_most_too_high: int
    """By how much a row may be told too high in what it is ordered by: 0 is exact."""
    total: int
    has_more: bool
    """Whether there are more than were kept."""
    rows: tuple[TopRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPlaces(LogFacts):
    """What each edge location served."""

    listing: ClassVar[str] = "rows"

    by: str
    total: int
    rows: tuple[PlaceRow, ...]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One status, with what the edge says of it and where it happened most."""

    status: str
    requests: int
    share: float
    """Of all requests."""
    meaning: str
    reasons: tuple[Counted, ...]
    """By `x-edge-detailed-result-type`; shares are of this status."""
    urls: tuple[Counted, ...]
    places: tuple[Counted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogErrors(LogFacts):
    """The answers that were none."""

    listing: ClassVar[str] = "rows"

    errors: int
    error_ratio: float | None
    hours: tuple[HourRow, ...]
    rows: tuple[ErrorRow, ...]


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """How long the requests of one group took."""

    name: str
    requests: int
    share: float
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class LatencyBucket:
    """How many requests took longer than `above_ms` and at most `to_ms`."""

    above_ms: float
    to_ms: float
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLatency(LogFacts):
    """How long requests took, in all and by group."""

    listing: ClassVar[str] = "rows"

    of: str
    by: str
    overall: Quantiles
    buckets: tuple[LatencyBucket, ...]
    total: int
    rows: tuple[LatencyRow, ...]


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A parameter in the query strings of requests that missed."""

    name: str
    kind: str
    """`tracking`, `cache buster` or `other`."""
    misses: int
    different_values: int
    """Exact up to 256, within a tenth or so beyond."""


@dataclass(frozen=True, slots=True)
class MissReason:
    """Why requests missed, as one of a few reasons."""

    reason: str
    requests: int
    share: float
    """Of all requests that missed."""
    example: str | None
    """The path that stands for most of them."""
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMisses(LogFacts):
    """Why requests were not answered from the cache."""

    listing: ClassVar[str] = "rows"

    misses: int
    miss_ratio: float | None
    sampled_ratio: float
    """Of how much of the paths the history was kept: 1 is of all (up to 1,000,000 requests)."""
    parameters: tuple[QueryParameter, ...]
    rows: tuple[MissReason, ...]
