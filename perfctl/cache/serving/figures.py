"""What one process's cache did, added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.cache.model import CacheStats, Percentiles

if TYPE_CHECKING:
    from perfctl.cache.wiring import Wiring


def figures(cache: Wiring) -> CacheStats:
    """The figures of now; counting goes on."""
    namespaces = cache.counters.snapshot()
    counts = namespaces.values()
    works, local = cache.works, cache.local
    decoded = sum(each.decoded_bytes for each in counts)
    return CacheStats(
        namespaces=namespaces,
        hits=sum(each.hits for each in counts),
        misses=sum(each.misses for each in counts),
        sets=sum(each.sets for each in counts),
        evictions=local.evictions,
        entries=len(local),
        size_bytes=local.size_bytes,
        undecodable=sum(each.undecodable for each in counts),
        stale=sum(each.stale for each in counts),
        compression_ratio=sum(each.encoded_bytes for each in counts) / decoded if decoded else None,
        reads=Percentiles() if works.shared is None else works.shared.latency.percentiles(),
        factories=works.computer.latency.percentiles(),
        unsent=len(works.tiers.recovery) + len(cache.marks.unsent),
    )
