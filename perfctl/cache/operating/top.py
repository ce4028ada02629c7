"""The hottest, the biggest and the immortal keys, from a sample; by MONITOR only when it is asked for."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from perfctl.cache.model.look import TopKey, TopKeys
from perfctl.cache.operating.servers import allowed
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cache.operating.operator import CacheOperator
    from perfctl.cache.store import KeyFacts

RANKINGS = ("hot", "big", "no-ttl")
_BATCH = 500
_SCANNED = 2_000_000
"""Names of a namespace or pattern that are walked at most for a sample."""


async def top_keys(
    operator: CacheOperator, by: str, *, namespace: str | None, is_raw: bool, samples: int, count: int
) -> TopKeys:
    """Draw a sample, ask the server about each of it, rank.

    Of the whole server it is drawn by RANDOMKEY, of a namespace by SCAN. `hot` is by OBJECT FREQ where
    maxmemory-policy is an LFU, else the least OBJECT IDLETIME. UsageError for another ranking.
    """
    if by not in RANKINGS:
        raise UsageError(f"--by: {by!r} is not one of {', '.join(RANKINGS)}", hint="hot, big or no-ttl", where="--by")
    if namespace is None:
        drawn, how = await operator.store.sample(samples), "drawn at random (RANDOMKEY)"
        drawn = drawn if len(drawn) <= samples else random.sample(drawn, samples)
    else:
        drawn, how = await _scanned(operator, operator.layout.namespace(namespace), samples)
    wanted = _is_foreign_or_value if is_raw and namespace is None else _is_value
    found = [facts for facts in drawn if wanted(operator, facts.name)]
    is_measured = not found or any(facts.size_bytes is not None for facts in found)
    if not is_measured:
        sizes = await operator.store.sizes([facts.name for facts in found])
        found = [replace(facts, size_bytes=size) for facts, size in zip(found, sizes, strict=True)]
    chosen, measure = _ranked(found, by)
    if not is_measured:
        measure += "; sizes are lengths, for MEMORY is forbidden"
    return TopKeys(
        by=by,
        rows=tuple(_row(operator, facts) for facts in chosen[:count]),
        method=f"{len(found)} {'key' if len(found) == 1 else 'keys'} {how}" + (f", ranked {measure}" if found else ""),
        sampled=len(found),
        keys=await _keys(operator),
        matching=len(chosen),
    )


async def monitored(operator: CacheOperator, seconds: float, count: int) -> TopKeys:
    """The keys that commands name while MONITOR runs, on every primary: it slows the server, so it is bounded."""
    import asyncio

    store = operator.store
    seen: Counter[bytes] = Counter()
    for counted in await asyncio.gather(*(store.monitor(node, seconds) for node in await store.nodes())):
        seen.update(counted)
    names = [name for name, _ in seen.most_common(count)]
    facts = await operator.store.describe(names)
    rows = tuple(_row(operator, each, seen[name]) for name, each in zip(names, facts, strict=True) if each is not None)
    commands = seen.total()
    return TopKeys(
        by="hot",
        rows=rows,
        method=f"{commands} commands of all clients in {seconds:g} s (MONITOR), counted by their first key",
        sampled=commands,
        keys=await _keys(operator),
        matching=len(seen),
        monitored_seconds=seconds,
    )


async def _scanned(operator: CacheOperator, prefix: bytes, samples: int) -> tuple[list[KeyFacts], str]:
    """A uniform sample of the values below a prefix, of up to 2,000,000 names (algorithm R, Vitter 1985)."""
    names: list[bytes] = []
    seen = 0
    async for batch in operator.store.scan(prefix):
        for name in batch:
            if not _is_value(operator, name):
                continue
            seen += 1
            if len(names) < samples:
                names.append(name)
            elif (place := int(random.random() * seen)) < samples:  # noqa: S311 - a sample, no secret
                names[place] = name
        if seen >= _SCANNED:
            break
    facts: list[KeyFacts] = []
    for start in range(0, len(names), _BATCH):
        facts += [each for each in await operator.store.describe(names[start : start + _BATCH]) if each is not None]
    return facts, f"of {seen} (SCAN)"


def _ranked(found: list[KeyFacts], by: str) -> tuple[list[KeyFacts], str]:
    if by == "big":
        return sorted(found, key=lambda facts: -(facts.size_bytes or 0)), "by MEMORY USAGE"
    if by == "no-ttl":
        immortal = [facts for facts in found if facts.ttl_ms is None]
        return sorted(immortal, key=lambda facts: -(facts.size_bytes or 0)), "by size, those without a TTL alone"
    if any(facts.frequency is not None for facts in found):
        return sorted(found, key=lambda facts: -(facts.frequency or 0)), "by OBJECT FREQ (a logarithmic count of reads)"
    if any(facts.idle_seconds is not None for facts in found):
        worst = 2**62
        ranked = sorted(found, key=lambda facts: worst if facts.idle_seconds is None else facts.idle_seconds)
        return ranked, "by OBJECT IDLETIME: the last used first, for the policy is no LFU"
    return sorted(
        found, key=lambda facts: -(facts.size_bytes or 0)
    ), "by size: the server says neither FREQ nor IDLETIME"


def _row(operator: CacheOperator, facts: KeyFacts, frequency: int | None = None) -> TopKey:
    parts = operator.layout.split(facts.name)
    return TopKey(
        key=parts[1] if parts else facts.name.decode("utf-8", "backslashreplace"),
        namespace=parts[0] if parts else None,
        type=facts.kind,
        size_bytes=facts.size_bytes,
        ttl_seconds=None if facts.ttl_ms is None else facts.ttl_ms / 1000,
        frequency=facts.frequency if frequency is None else frequency,
        idle_seconds=facts.idle_seconds,
    )


def _is_value(operator: CacheOperator, name: bytes) -> bool:
    return operator.layout.split(name) is not None


def _is_foreign_or_value(operator: CacheOperator, name: bytes) -> bool:
    """Not a mark, a counter or the like of ours: those have no TTL on purpose."""
    return not name.startswith(operator.layout.root) or _is_value(operator, name)


async def _keys(operator: CacheOperator) -> int | None:
    from perfctl.cache.operating.servers import node_stats

    nodes = await allowed(lambda: node_stats(operator.store))
    counts = [node.keys for node in nodes or ()]
    return None if not counts or None in counts else sum(count or 0 for count in counts)
