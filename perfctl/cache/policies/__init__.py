"""Who leaves when the in-process tier is full: one file a policy, one row in the table.

A policy sees keys and sizes, never values, so that a simulation runs the same files as the cache. It is not told how
much room there is: `evict` is asked only while the tier is over its bound, so the number of those it knows is the
room, in entries of their present mean size, and follows that mean.
"""

from __future__ import annotations

import importlib
import math
import secrets
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Protocol

from perfctl.errors import ConfigError


class Policy(Protocol):
    """The order in which entries leave. Not thread-safe: the tier that owns it holds a lock."""

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """A key came in. One that was there already was written anew: that counts as a use."""
        ...

    def hit(self, key: Hashable) -> None:
        """A key was read. One that is not there is passed over: reads are told late."""
        ...

    def remove(self, key: Hashable) -> None:
        """A key left: deleted or expired. One that is not there is passed over."""
        ...

    def evict(self) -> Hashable:
        """Choose who leaves, and forget it.

        Asked straight after an `add`, as often as it takes; never the one that was added while there is another.
        """
        ...

    def __len__(self) -> int:
        """How many keys it knows: exactly those that came in and did not leave."""
        ...


POLICIES: Mapping[str, str] = {
    "adaptive": "adaptive:Adaptive",
    "lru": "lru:LRU",
    "lfu": "lfu:LFU",
    "ttl": "ttl:TTL",
    "wtinylfu": "wtinylfu:WTinyLFU",
    "sieve": "sieve:Sieve",
    "s3fifo": "s3fifo:S3FIFO",
    "arc": "arc:ARC",
    "2q": "two_q:TwoQ",
    "fifo": "fifo:FIFO",
    "opt": "opt:OPT",
}
"""The name in the configuration; file and class."""

SHIPPED = "adaptive"
"""The configuration's default."""

CLAIRVOYANT = frozenset({"opt"})
"""Policies that need the future: limits to compare with, not offered in the configuration."""


def refuse_unknown_policy(name: str) -> None:
    """ConfigError for a name in the configuration that is not offered."""
    if name not in POLICIES or name in CLAIRVOYANT:
        offered = ", ".join(name for name in POLICIES if name not in CLAIRVOYANT)
        raise ConfigError(f"cache.eviction_policy: {name!r} is not offered", hint=f"one of {offered}")


def policy_named(name: str, *, seed: int | None = None, future: Sequence[Hashable] = ()) -> Policy:
    """A new policy of a row of the table.

    `seed` makes its samples repeatable for keys that are numbers; without one nobody outside can foresee them.
    `future` is every key that will be asked for, in order, for the clairvoyant.
    """
    module, _, kind = POLICIES[name].partition(":")
    make = getattr(importlib.import_module(f"{__name__}.{module}"), kind)
    if name in CLAIRVOYANT:
        clairvoyant: Policy = make(future)
        return clairvoyant
    policy: Policy = make(secrets.randbits(32) if seed is None else seed)
    return policy


def replay(policy: Policy, keys: Iterable[Hashable], capacity: int) -> int:
    """The hits when each of `keys` is read in turn, and put in where it is missing: `capacity` entries of one size.

    Keys should be whole numbers, numbered by first appearance: they are fast, and every run draws the same samples.
    """
    there: dict[Hashable, bool] = {}
    add, hit, evict, never = policy.add, policy.hit, policy.evict, math.inf
    hits = 0
    for key in keys:
        if key in there:
            hits += 1
            hit(key)
        else:
            there[key] = True
            add(key, 1, never)
            if len(there) > capacity:
                del there[evict()]
    return hits
