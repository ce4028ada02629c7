"""What one process's cache did, added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.cache.model import CacheStats, Percentiles
from perfctl.cache.timings import total

if TYPE_CHECKING:
    from perfctl.cache.wiring import Wiring
    from perfctl.recording.histogram import Histogram


def figures(cache: Wiring) -> CacheStats:
    """The figures of now; counting goes on."""
    namespaces = cache.counters.snapshot()
    counts = namespaces.values()
    works, local = cache.works, cache.local
    timings = [state.timings for state in cache.marks.states()]
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
        reads=_percentiles(total(timings, "reads")),
        factories=_percentiles(total(timings, "factories")),
        unsent=len(works.tiers.recovery) + len(cache.marks.unsent),
    )


def _percentiles(seconds: Histogram) -> Percentiles:
    p50, p95, p99, most = (_ms(seconds.quantile(share)) for share in (0.5, 0.95, 0.99, 1.0))
    return Percentiles(seconds.count, p50, p95, p99, most)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
