"""What the cache answers: frozen results, without a driver. What few commands answer stands in files of its own."""

from __future__ import annotations

from perfctl.cache.model.keys import (
    CachedValue,
    Cleared,
    Deleted,
    KeyLife,
    KeyPresence,
    NamespaceSize,
    Preloaded,
    Presence,
    Stored,
    Touched,
)
from perfctl.cache.model.stats import (
    CacheStats,
    NamespaceStats,
    Percentiles,
    ServerFacts,
    SharedStats,
    TierStats,
    ratio,
)

__all__ = [
    "CacheStats",
    "CachedValue",
    "Cleared",
    "Deleted",
    "KeyLife",
    "KeyPresence",
    "NamespaceSize",
    "NamespaceStats",
    "Percentiles",
    "Preloaded",
    "Presence",
    "ServerFacts",
    "SharedStats",
    "Stored",
    "TierStats",
    "Touched",
    "ratio",
]
