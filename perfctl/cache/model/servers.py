"""What each node says of itself, for `cache stats --server` and the checks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SlowCommand:
    """A command that stood in a node's slow log."""

    command: str
    """The command and its first argument, cut."""
    calls: int
    slowest_ms: float
    last: str
    """When it ran last, in ISO 8601."""


@dataclass(frozen=True, slots=True)
class NodeStats:
    """One primary; None where it may not be asked."""

    node: str
    version: str | None = None
    keys: int | None = None
    used_memory_bytes: int | None = None
    max_memory_bytes: int | None = None
    """None: no limit."""
    maxmemory_policy: str | None = None
    fragmentation_ratio: float | None = None
    """Memory of the process by memory of the data."""
    evicted_keys: int | None = None
    """Since the server started, as the next ones."""
    expired_keys: int | None = None
    hits: int | None = None
    misses: int | None = None
    hit_ratio: float | None = None
    """Of all look-ups on this server, ours or not."""
    clients: int | None = None
    blocked_clients: int | None = None
    tracking_clients: int | None = None
    """Those that are told of changes: the caches with an in-process tier."""
    operations_per_second: float | None = None
    replicas: int | None = None
    replication_lag_bytes: int | None = None
    """How far the slowest replica is behind; None without one."""
    replication_lag_seconds: float | None = None
    """Since that replica last spoke."""
    slow_commands: tuple[SlowCommand, ...] | None = None
    """What the slow log holds, the slowest first."""
    uptime_seconds: int | None = None
    tracking_keys: int | None = None
    tracking_prefixes: int | None = None
