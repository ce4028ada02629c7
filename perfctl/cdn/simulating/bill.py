"""What a configuration comes to: its requests as ratios, and in dollars."""

from __future__ import annotations

from dataclasses import dataclass

from perfctl.cdn.model.simulation import WhatIf
from perfctl.cdn.simulating.requests import Unreplayed
from perfctl.cdn.simulating.whatif import Change, Tally

_PER = 10_000
_GB = 1_000_000_000
_MONTH_HOURS = 720.0
_FEWEST_HOURS = 1.0


@dataclass(frozen=True, slots=True)
class Prices:
    """In dollars: 10,000 requests of viewers, 10,000 through the Shield, a GB to viewers, a GB from the origin, and
    one request to the origin."""

    request_usd: float
    shield_usd: float
    transfer_usd: float
    origin_transfer_usd: float
    miss_usd: float


@dataclass(frozen=True, slots=True)
class Span:
    """What all configurations have in common."""

    requests: int
    unreplayed: Unreplayed
    sent_bytes: int
    """Of the replayed requests."""
    hours: float


def observed_row(hits: int, refresh_hits: int, misses: int, origin_bytes: int, span: Span, prices: Prices) -> WhatIf:
    """The log itself."""
    tally = Tally(hits=hits, refresh_hits=refresh_hits, misses=misses, origin_bytes=origin_bytes)
    return row_of("observed", Change(), tally, span, prices, None)


def row_of(name: str, change: Change, tally: Tally, span: Span, prices: Prices, baseline_usd: float | None) -> WhatIf:
    """A configuration's row; without the baseline's cost it says nothing of savings."""
    left = span.unreplayed
    refreshed, missed = round(tally.refresh_hits), round(tally.misses)
    origin_requests = refreshed + missed + left.origin_requests
    origin_bytes = round(tally.origin_bytes) + left.origin_bytes
    shield_requests = tally.shield_requests + (left.origin_requests if change.shield else 0)
    cost = (
        span.requests / _PER * prices.request_usd
        + (span.sent_bytes + left.sent_bytes) / _GB * prices.transfer_usd
        + shield_requests / _PER * prices.shield_usd
        + origin_bytes / _GB * prices.origin_transfer_usd
        + origin_requests * prices.miss_usd
    )
    saved = None if baseline_usd is None else baseline_usd - cost
    is_long = span.hours >= _FEWEST_HOURS
    return WhatIf(
        name=name,
        ttl_seconds=None if change.ttl_ms is None else change.ttl_ms / 1000,
        requests=span.requests,
        hits=tally.hits + left.hits,
        refresh_hits=refreshed,
        shield_hits=tally.shield_hits,
        hit_ratio=(tally.hits + left.hits + tally.refresh_hits) / span.requests if span.requests else None,
        origin_requests=origin_requests,
        origin_request_ratio=origin_requests / span.requests if span.requests else None,
        origin_bytes=origin_bytes,
        shield_requests=shield_requests,
        cost_usd=round(cost, 6),
        saved_usd=None if saved is None else round(saved, 6) + 0.0,
        month_saved_usd=round(saved * _MONTH_HOURS / span.hours, 2) + 0.0 if saved is not None and is_long else None,
    )
