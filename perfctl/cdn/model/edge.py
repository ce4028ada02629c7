"""What the edge answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class EdgeAnswer:
    """What the edge answered to one GET, and what its headers say about the cache."""

    url: str
    status: int
    cache: Literal["hit", "miss", "refresh-hit", "error", "unknown"]
    """From `X-Cache`."""
    x_cache: str | None
    age_seconds: int | None
    cache_control: str | None
    content_type: str | None
    content_encoding: str | None
    size_bytes: int
    etag: str | None
    vary: str | None
    via_pop: str | None
    """The edge location, from `X-Amz-Cf-Pop`."""
    took_ms: float
    headers: tuple[tuple[str, str], ...] = ()
    """Every header field, in the order in which they came."""
