"""What the edge's own response headers say, in words and numbers (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

CacheState = Literal["hit", "miss", "refresh-hit", "error", "unknown"]

_X_CACHE: Mapping[str, CacheState] = {
    "hit": "hit",
    "miss": "miss",
    "refreshhit": "refresh-hit",
    "error": "error",
}


def cache_state(x_cache: str | None) -> CacheState:
    """What `X-Cache` says, in one word.

    >>> cache_state("RefreshHit from cloudfront")
    'refresh-hit'
    """
    return _X_CACHE.get((x_cache or "").split(" ")[0].lower(), "unknown")


def age_seconds(value: str | None) -> int | None:
    """The seconds of an `Age` header; None where there is none, or it is no number."""
    text = (value or "").strip()
    return int(text) if text.isascii() and text.isdigit() else None
