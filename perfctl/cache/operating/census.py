"""What lies on the server by namespace: names counted by SCAN, the rest told from a sample of each namespace."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from perfctl.cache.counters import NamespaceCounts, by_namespace
from perfctl.cache.model import NamespaceSize, NamespaceStats, SharedStats, ratio
from perfctl.cache.store import SINCE
from perfctl.cache.values.codec import UndecodableError

if TYPE_CHECKING:
    from perfctl.cache.operating.operator import CacheOperator

SAMPLES = 1000
"""Names of a namespace that are looked at; the others are taken to be alike. Up to so many, the figures are exact."""
_HEAD_BYTES = 512
"""Room for a header with many tags."""
_SIZED = 200
"""Those of them whose memory is asked."""


@dataclass(slots=True)
class Sample:
    """A uniform sample of the names seen, of bounded size (reservoir sampling, Vitter 1985, algorithm R)."""

    seen: int = 0
    names: list[bytes] = field(default_factory=list)

    def add(self, name: bytes) -> None:
        """See one more name."""
        self.seen += 1
        if len(self.names) < SAMPLES:
            self.names.append(name)
            return
        place = int(random.random() * self.seen)  # noqa: S311 - a sample, no secret
        if place < SAMPLES:
            self.names[place] = name


async def measure(
    operator: CacheOperator,
    namespace: str,
    *,
    tag: str | None = None,
    version: int | None = None,
    is_sample: bool = False,
) -> NamespaceSize:
    """How much lies in a namespace (with `tag`: of what carries it), and how much garbage earlier clears left.

    `version`: as of when the namespace had that version, for who cleared it meanwhile. `is_sample`: of a thousand or
    two of its values only, where the server can draw them.
    """
    from perfctl.cache.operating.tally import tally

    counted = await tally(operator.store, operator.layout, namespace, wanted=SAMPLES, only_names=is_sample)
    if counted is None:
        sample = (await samples(operator, operator.layout.namespace(namespace))).get(namespace, Sample())
    else:
        sample = Sample(*counted)
    return await _sized(operator, namespace, sample, tag, version)


async def shared_stats(operator: CacheOperator, namespace: str | None) -> SharedStats:
    """What lies on the server by namespace (or in one), and what all processes counted there."""
    layout, store = operator.layout, operator.store
    found = await samples(operator, layout.root if namespace is None else layout.namespace(namespace))
    counters = await store.counters(layout.counters)
    counts = by_namespace(counters)
    names = {namespace} if namespace is not None else {*found, *counts}
    rows = [await _row(operator, name, found.get(name, Sample()), counts.get(name)) for name in names]
    rows.sort(key=lambda row: (-row.size_bytes, -row.hits, row.namespace))
    hits, misses = sum(row.hits for row in rows), sum(row.misses for row in rows)
    return SharedStats(
        rows=tuple(rows),
        keys=sum(row.keys for row in rows),
        size_bytes=sum(row.size_bytes for row in rows),
        hits=hits,
        misses=misses,
        hit_ratio=ratio(hits, misses),
        counted_since=_moment(counters.get(SINCE)),
        server=await store.facts(),
    )


async def samples(
    operator: CacheOperator, prefix: bytes, *, wanted: Callable[[bytes], bool] | None = None
) -> dict[str, Sample]:
    """A sample of the values' names below a prefix, by namespace."""
    found: dict[str, Sample] = {}
    split = operator.layout.split
    async for names in operator.store.scan(prefix):
        for name in names:
            parts = split(name)
            if parts is not None and (wanted is None or wanted(name)):
                found.setdefault(parts[0], Sample()).add(name)
    return found


async def _row(
    operator: CacheOperator, namespace: str, sample: Sample, counts: NamespaceCounts | None
) -> NamespaceStats:
    counts = counts or NamespaceCounts()
    size = await _sized(operator, namespace, sample)
    hits = counts.hits_l1 + counts.hits_l2
    return NamespaceStats(
        namespace=namespace,
        keys=size.keys,
        size_bytes=size.size_bytes,
        hits=hits,
        misses=counts.misses,
        hit_ratio=ratio(hits, counts.misses),
        hits_l1=counts.hits_l1,
        hits_l2=counts.hits_l2,
        sets=counts.sets,
        hit_ratio_l1=ratio(counts.hits_l1, counts.hits_l2 + counts.misses),
        hit_ratio_l2=ratio(counts.hits_l2, counts.misses),
        garbage=size.garbage,
        stale=counts.stale,
        evictions=counts.evictions,
        undecodable=counts.undecodable,
        compression_ratio=counts.frozen().compression_ratio,
    )


async def _sized(
    operator: CacheOperator, namespace: str, sample: Sample, tag: str | None = None, version: int | None = None
) -> NamespaceSize:
    if not sample.names:
        return NamespaceSize(namespace, 0, 0)
    live, garbage = await _sorted(operator, namespace, sample.names, tag, version)
    share = sample.seen / len(sample.names)
    parts = [operator.layout.split(name) for name in live[:5]]
    return NamespaceSize(
        namespace=namespace,
        keys=round(len(live) * share),
        size_bytes=round(await _bytes(operator, live) * share),
        samples=tuple(sorted(part[1] for part in parts if part)),
        garbage=round(len(garbage) * share),
        garbage_bytes=round(await _bytes(operator, garbage) * share),
    )


async def _sorted(
    operator: CacheOperator, namespace: str, names: Sequence[bytes], tag: str | None, version: int | None
) -> tuple[list[bytes], list[bytes]]:
    """Those that may be served (and carry the tag), and those that were cleared; what carries no header may be
    served for all we know."""
    heads = await operator.store.heads(names, _HEAD_BYTES)
    metas = {}
    for name, head in zip(names, heads, strict=True):
        if head is not None:
            try:
                metas[name] = operator.codec.peek(head)
            except UndecodableError:
                continue
    current = await operator.versions.learn(namespace, metas.values())
    live, garbage = [], []
    for name in names:
        meta = metas.get(name)
        if meta is not None and version is not None and meta.version == version:
            meta = meta._replace(version=current)
        if meta is not None and operator.versions.is_cleared(namespace, meta):
            garbage.append(name)
        elif tag is None or (meta is not None and tag in dict(meta.tags)):
            live.append(name)
    return live, garbage


async def _bytes(operator: CacheOperator, names: Sequence[bytes]) -> float:
    """The memory of all of them, told from the first 200."""
    if not names:
        return 0
    known = [size for size in await operator.store.sizes(names[:_SIZED]) if size is not None]
    return sum(known) / len(known) * len(names) if known else 0


def _moment(since: int | None) -> str | None:
    return None if since is None else datetime.fromtimestamp(since, UTC).isoformat()
