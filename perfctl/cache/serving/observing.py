"""What a cache counts anyway, told to the registry whenever somebody looks: recording costs a hit nothing."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from perfctl.cache.model import TierStats

if TYPE_CHECKING:
    from perfctl.cache.wiring import Wiring
    from perfctl.recording.registry import Registry


class Observer:
    """Adds what a cache has counted since the last look to the registry, and shows its size."""

    def __init__(self, cache: Wiring, registry: Registry) -> None:
        self._cache = weakref.ref(cache)
        self._registry = registry
        self._told: dict[str, TierStats] = {}
        registry.observe(self)

    def __call__(self) -> None:
        """Look. A cache that is gone is looked at no more."""
        cache = self._cache()
        if cache is None:
            return self._registry.unobserve(self)
        for namespace, now in cache.counters.snapshot().items():
            self._count(namespace, self._told.get(namespace, TierStats()), now)
            self._told[namespace] = now
        if "local" in vars(cache):
            self._registry.gauge("cache.entries", tier="l1").set(len(cache.local))
            self._registry.gauge("cache.memory.used", tier="l1").set(cache.local.size_bytes)
        return None

    def forget(self, cache: Wiring) -> None:
        """In a forked child: what was counted so far is told by the parent."""
        self._told = cache.counters.snapshot()

    def _count(self, namespace: str, before: TierStats, now: TierStats) -> None:
        """What cannot be decoded is counted as a miss, too: here it is one or the other."""
        undecodable = now.undecodable - before.undecodable
        for tier, result, count in (
            ("l1", "hit", now.hits_l1 - before.hits_l1),
            ("l2", "hit", now.hits_l2 - before.hits_l2),
            ("none", "stale", now.stale - before.stale),
            ("none", "miss", now.misses - before.misses - undecodable),
            ("none", "error", undecodable),
        ):
            if count > 0:
                self._registry.counter("cache.requests", namespace=namespace, tier=tier, result=result).add(count)
        evicted = now.evictions - before.evictions
        if evicted > 0:
            self._registry.counter("cache.evictions", tier="l1").add(evicted)
