"""What all processes counted, and what lies on the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from perfctl.cache.model.servers import NodeStats
from perfctl.cache.model.stats import ServerFacts


@dataclass(frozen=True, slots=True)
class NamespaceStats:
    """One namespace: what it holds now, and what all processes counted in it."""

    namespace: str
    keys: int
    size_bytes: int
    hits: int
    misses: int
    hit_ratio: float | None
    hits_l1: int
    hits_l2: int
    sets: int
    hit_ratio_l1: float | None = None
    """Of all look-ups, those answered in a process."""
    hit_ratio_l2: float | None = None
    """Of the look-ups that reached the server, those answered there."""
    garbage: int = 0
    """Keys of what was cleared, whose memory was not given back yet; not among `keys`."""
    stale: int = 0
    """Values past their TTL that stood in for something better."""
    evictions: int = 0
    """Values that left a process for want of room."""
    undecodable: int = 0
    """Values read from the server that perfctl could not have written."""
    compression_ratio: float | None = None
    """What goes to the server by what was serialised; None before anything was looked at."""


@dataclass(frozen=True, slots=True)
class SharedStats:
    """The cache on the server, by namespace: the biggest first."""

    listing: ClassVar[str] = "rows"

    rows: tuple[NamespaceStats, ...]
    keys: int
    size_bytes: int
    hits: int
    misses: int
    hit_ratio: float | None
    counted_since: str | None
    """When the first of the counted look-ups was reported, in ISO 8601."""
    server: ServerFacts = field(default_factory=ServerFacts)
    nodes: tuple[NodeStats, ...] = ()
    """With `--server`: what each primary says of itself."""
