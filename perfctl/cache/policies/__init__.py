"""Who leaves when the in-process tier is full: one file a policy, one row in the table.

A policy sees keys and sizes, never values, so that a simulation runs the same files as the cache.
"""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Mapping
from typing import Protocol

from perfctl.errors import ConfigError


class Policy(Protocol):
    """The order in which entries leave. Not thread-safe: the tier that owns it holds a lock."""

    def __init__(self, capacity_bytes: int) -> None: ...

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """A key that was not there came in."""
        ...

    def hit(self, key: Hashable) -> None:
        """A key that is there was read."""
        ...

    def remove(self, key: Hashable) -> None:
        """A key that is there left: deleted, expired or replaced."""
        ...

    def evict(self) -> Hashable:
        """Choose who leaves, and forget it. Asked before a newcomer comes in, and only while there is somebody."""
        ...

    def __len__(self) -> int:
        """How many keys it knows: exactly those that came in and did not leave."""
        ...


POLICIES: Mapping[str, str] = {"lru": "LRU", "lfu": "LFU", "ttl": "TTL"}
"""The file's name, which is the name in the configuration, and the class in it."""


def refuse_unknown_policy(name: str) -> None:
    """ConfigError for a name in the configuration that is not offered."""
    if name not in POLICIES:
        raise ConfigError(f"cache.eviction_policy: {name!r} is not offered", hint=f"one of {', '.join(POLICIES)}")


def policy_named(name: str, capacity_bytes: int) -> Policy:
    """A new policy of a row of the table."""
    policy: Policy = getattr(importlib.import_module(f"{__name__}.{name}"), POLICIES[name])(capacity_bytes)
    return policy
