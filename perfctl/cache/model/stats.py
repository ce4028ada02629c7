"""What one process counted, and what a server says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself; None where it may not be asked."""

    product: str | None = None
    version: str | None = None
    mode: str | None = None
    used_memory_bytes: int | None = None
    max_memory_bytes: int | None = None
    maxmemory_policy: str | None = None
    replicas: int | None = None
    nodes: int = 1
    keyspace_hits: int | None = None
    """Look-ups of all clients, ours or not, that found their key, since the server started."""
    keyspace_misses: int | None = None
    runs: tuple[str, ...] = ()
    """Of each server a word that is another one after each start."""


@dataclass(frozen=True, slots=True)
class TierStats:
    """What one process counted in one namespace since it started."""

    hits_l1: int = 0
    hits_l2: int = 0
    misses: int = 0
    sets: int = 0
    stale: int = 0
    """Values past their TTL that stood in for something better."""
    evictions: int = 0
    """Values that left the process for want of room."""
    undecodable: int = 0
    """Values read from Redis that perfctl could not have written: each counted as a miss."""
    decoded_bytes: int = 0
    """Of one write in eight: what was serialised ..."""
    encoded_bytes: int = 0
    """... and what of it went to the server."""

    @property
    def hits(self) -> int:
        """Look-ups that were answered, by whichever tier."""
        return self.hits_l1 + self.hits_l2

    @property
    def compression_ratio(self) -> float | None:
        """What goes to the server by what was serialised; None before anything was looked at."""
        return self.encoded_bytes / self.decoded_bytes if self.decoded_bytes else None

    @property
    def hit_ratio(self) -> float | None:
        """Hits by look-ups; None before the first one."""
        return ratio(self.hits, self.misses)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Durations that were measured, each figure within one per cent; None before the first."""

    count: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What this process's cache did since it started."""

    namespaces: dict[str, TierStats]
    hits: int
    misses: int
    sets: int
    evictions: int
    entries: int
    size_bytes: int
    """What the in-process tier holds."""
    undecodable: int
    """Values read from Redis that perfctl could not have written: each counted as a miss."""
    stale: int = 0
    """Values past their TTL that stood in for something better."""
    compression_ratio: float | None = None
    """What goes to the server by what was serialised; None before anything was looked at."""
    reads: Percentiles = field(default_factory=Percentiles)
    """How long Redis took to answer reads."""
    factories: Percentiles = field(default_factory=Percentiles)
    """How long missing values took to compute."""
    unsent: int = 0
    """Keys whose newest word Redis has not heard yet: it was away."""

    @property
    def hit_ratio(self) -> float | None:
        """Hits by look-ups; None before the first one."""
        return ratio(self.hits, self.misses)

    @property
    def hit_rate(self) -> float:
        """The hit ratio by the specification's name; 0 before the first look-up."""
        return self.hit_ratio or 0.0


def ratio(hits: int, misses: int) -> float | None:
    """Hits by look-ups; None where there were none."""
    return hits / (hits + misses) if hits + misses else None
