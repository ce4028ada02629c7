"""Is the cache in good shape: findings by namespace and by node, each with the one thing to mend."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perfctl.cache.counters import NamespaceCounts, by_namespace
from perfctl.cache.model import ratio
from perfctl.cache.operating.census import Sample, samples
from perfctl.cache.store import ABSENT
from perfctl.cache.values.codec import UndecodableError
from perfctl.cache.values.header import DICTIONARY, read_header
from perfctl.diagnosis import Check, Status
from perfctl.units import format_bytes, format_count, format_ratio

if TYPE_CHECKING:
    from perfctl.cache.model.servers import NodeStats
    from perfctl.cache.operating.operator import CacheOperator
    from perfctl.cache.values.header import Header

LEAST_LOOKUPS = 1000
"""With fewer, a hit ratio says nothing."""
LOW_HIT_RATIO, LOWEST_HIT_RATIO = 0.5, 0.2
MANY_IMMORTAL, MOST_IMMORTAL = 0.1, 0.5
BIG_BYTES, BIGGEST_BYTES = 1_000_000, 16_000_000
"""A value of 1 MB holds every other client up for about a millisecond."""
SOME_UNREADABLE, MOST_UNREADABLE = 0.01, 0.5
MUCH_GARBAGE = 0.2
NEAR_LIMIT, AT_LIMIT = 0.9, 0.98
FRAGMENTED, FRAGMENTED_FROM_BYTES = 1.5, 100_000_000
LEAST_GAIN = 0.03
"""What a dictionary must save over zstd alone."""
_HEAD_BYTES = 512
_DICTIONARY_SAMPLES = 200
_DECODED, _DECODED_BYTES = 50, 64 * 1024
"""How many values of a namespace are read whole, and how large each may be."""


@dataclass(slots=True)
class _Seen:
    """What a sample of a namespace's keys showed."""

    keys: int
    looked_at: int = 0
    immortal: int = 0
    unreadable: int = 0
    cleared: int = 0
    biggest_bytes: int = 0
    big: int = 0
    codecs: Counter[str] = field(default_factory=Counter)
    with_dictionary: list[bytes] = field(default_factory=list)
    """Names of values that a dictionary compressed."""
    small: list[bytes] = field(default_factory=list)
    """Names of values that are cheap to read."""


async def findings(operator: CacheOperator, namespace: str | None = None) -> list[Check]:
    """All checks; of one namespace, those of it and of the nodes. Raises where the server does not answer."""
    layout = operator.layout
    found = await samples(operator, layout.root if namespace is None else layout.namespace(namespace))
    counts = by_namespace(await operator.store.counters(layout.counters))
    names = sorted({*found, *counts}) if namespace is None else [namespace]
    checks: list[Check] = []
    nodes = await operator.nodes()
    evicts = all((node.maxmemory_policy or "").startswith("allkeys") for node in nodes)
    for name in names:
        seen = await _look(operator, name, found.get(name, Sample()))
        checks += _of_namespace(name, seen, counts.get(name, NamespaceCounts()), evicts=evicts)
        checks += await _dictionary(operator, name, seen)
        checks += await _damaged(operator, name, seen)
    return [*checks, *(check for node in nodes for check in _of_node(node))]


async def _look(operator: CacheOperator, namespace: str, sample: Sample) -> _Seen:
    names, store = sample.names, operator.store
    seen = _Seen(sample.seen, looked_at=len(names))
    if not names:
        return seen
    headers = [_header(head) for head in await store.heads(names, _HEAD_BYTES)]
    await operator.versions.learn(namespace, [header.meta for header in headers if header is not None])
    lives, sizes = await store.ttls(names), await store.sizes(names)
    for name, header, left, size in zip(names, headers, lives, sizes, strict=True):
        if left == ABSENT:
            continue
        seen.immortal += left is None
        seen.biggest_bytes = max(seen.biggest_bytes, size or 0)
        seen.big += (size or 0) >= BIG_BYTES
        if header is None:
            seen.unreadable += 1
            continue
        seen.codecs[_serializer(header)] += 1
        if header.flags & DICTIONARY:
            seen.with_dictionary.append(name)
        seen.cleared += operator.versions.is_cleared(namespace, header.meta)
        if len(seen.small) < _DECODED and (size or 0) <= _DECODED_BYTES:
            seen.small.append(name)
    return seen


async def _damaged(operator: CacheOperator, name: str, seen: _Seen) -> list[Check]:
    """Whether values of ours cannot be decoded: damaged, of a key or a dictionary that is gone. Each is a miss."""
    values = [
        (key, blob) for key, blob in zip(seen.small, await operator.store.get_many(seen.small), strict=True) if blob
    ]
    damaged: list[str] = []
    for key, blob in values:
        try:
            await operator.decoded(key, blob)
        except UndecodableError:
            damaged.append((operator.layout.split(key) or ("", ""))[1])
    if not damaged:
        return []
    share = len(damaged) / len(values)
    observed = f"{format_ratio(share)} of {format_count(len(values))} that were read cannot be decoded: each is a miss"
    status = _graded(share, SOME_UNREADABLE, MOST_UNREADABLE)
    return [
        Check(f"cache {name}", "values", status, observed, f"perfctl cache inspect {damaged[0]} -n {name} says why")
    ]


async def _dictionary(operator: CacheOperator, name: str, seen: _Seen) -> list[Check]:
    """Whether the dictionary in use leaves less of its values than zstd alone would."""
    if not seen.with_dictionary:
        return []
    current = next((each for each in await operator.dictionaries.list(name) if each.is_current), None)
    blobs = [blob for blob in await operator.store.get_many(seen.with_dictionary[:_DICTIONARY_SAMPLES]) if blob]
    headers = [(read_header(blob), blob) for blob in blobs]
    decoded = sum(header.length for header, _ in headers)
    if current is None or not decoded:
        return []
    left = sum(len(blob) - header.start for header, blob in headers) / decoded
    observed = f"{current.id} leaves {format_ratio(left)} of its values, zstd alone {format_ratio(current.plain_ratio)}"
    pays = left <= current.plain_ratio * (1 - LEAST_GAIN)
    fix = None if pays else f"perfctl cache dict train {name}"
    return [Check(f"cache {name}", "dictionary", "pass" if pays else "warn", observed, fix)]


def _of_namespace(name: str, seen: _Seen, counts: NamespaceCounts, *, evicts: bool) -> list[Check]:
    where = f"cache {name}"
    checks = [_hit_ratio(where, name, counts)]
    if not seen.looked_at:
        return [*checks, Check(where, "keys", "pass", "none lies on the server")]
    return [
        *checks,
        _ttls(where, name, seen, evicts=evicts),
        _sizes(where, name, seen),
        _codecs(where, name, seen),
        _garbage(where, name, seen),
    ]


def _hit_ratio(where: str, name: str, counts: NamespaceCounts) -> Check:
    hits = counts.hits_l1 + counts.hits_l2
    share = ratio(hits, counts.misses)
    looked_up = f"{format_ratio(share)} of {format_count(hits + counts.misses)} look-ups"
    if share is None or hits + counts.misses < LEAST_LOOKUPS:
        return Check(where, "hit ratio", "pass", f"{looked_up}: too few to judge" if share is not None else "not used")
    status = _graded(-share, -LOW_HIT_RATIO, -LOWEST_HIT_RATIO)
    fix = f"warm it (perfctl cache preload -n {name}), give it a longer TTL, or leave out what is read once"
    return Check(where, "hit ratio", status, looked_up, None if status == "pass" else fix)


def _ttls(where: str, name: str, seen: _Seen, *, evicts: bool) -> Check:
    share = seen.immortal / seen.looked_at
    observed = f"{format_ratio(share)} of the keys never expire"
    status = _graded(share, MANY_IMMORTAL, MOST_IMMORTAL)
    if evicts and status == "fail":
        status = "warn"
    fix = f"perfctl cache top --by no-ttl -n {name} names them; write them with a TTL"
    return Check(where, "keys without a TTL", status, observed, None if status == "pass" else fix)


def _sizes(where: str, name: str, seen: _Seen) -> Check:
    status = _graded(seen.biggest_bytes, BIG_BYTES, BIGGEST_BYTES)
    observed = f"the biggest of {format_count(seen.looked_at)} takes {format_bytes(seen.biggest_bytes)}"
    fix = f"perfctl cache top --by big -n {name} names them; cache their parts under keys of their own"
    return Check(where, "value size", status, observed, None if status == "pass" else fix)


def _codecs(where: str, name: str, seen: _Seen) -> Check:
    share = seen.unreadable / seen.looked_at
    if share >= SOME_UNREADABLE:
        observed = f"{format_ratio(share)} of the keys hold what perfctl did not write"
        fix = "give the other program a prefix of its own, or set cache.key_prefix to another one"
        return Check(where, "codecs", _graded(share, SOME_UNREADABLE, MOST_UNREADABLE), observed, fix)
    listed = ", ".join(f"{codec} {format_ratio(count / seen.looked_at)}" for codec, count in seen.codecs.most_common())
    if len(seen.codecs) > 1:
        fix = f"set one serialization_method in all applications; then perfctl cache clear {name}"
        return Check(where, "codecs", "warn", f"mixed: {listed}", fix)
    return Check(where, "codecs", "pass", listed)


def _garbage(where: str, name: str, seen: _Seen) -> Check:
    share = seen.cleared / seen.looked_at
    observed = f"{format_ratio(share)} of the keys were cleared, and hold their memory still"
    if share < MUCH_GARBAGE:
        return Check(where, "cleared", "pass", observed)
    return Check(where, "cleared", "warn", observed, f"perfctl cache clear --reclaim -n {name}")


def _of_node(node: NodeStats) -> list[Check]:
    where = f"redis {node.node}"
    if node.used_memory_bytes is None:
        return [Check(where, "memory", "pass", "not told: INFO is forbidden, and not needed")]
    return [_memory(where, node), _evictions(where, node), _fragmentation(where, node)]


def _memory(where: str, node: NodeStats) -> Check:
    used = node.used_memory_bytes or 0
    if not node.max_memory_bytes:
        return Check(where, "memory", "pass", f"{format_bytes(used)} used, no limit")
    share = used / node.max_memory_bytes
    observed = f"{format_ratio(share)} of {format_bytes(node.max_memory_bytes)} used, {node.maxmemory_policy}"
    if share < NEAR_LIMIT:
        return Check(where, "memory", "pass", observed)
    is_full = share >= AT_LIMIT and node.maxmemory_policy == "noeviction"
    return Check(where, "memory", "fail" if is_full else "warn", observed, "raise maxmemory, or shorten TTLs")


def _evictions(where: str, node: NodeStats) -> Check:
    evicted = node.evicted_keys or 0
    if not evicted:
        return Check(where, "evictions", "pass", "none since it started")
    observed = f"{format_count(evicted)} keys evicted since it started, before their TTL"
    return Check(where, "evictions", "warn", observed, "raise maxmemory, shorten TTLs, or look at cache top --by big")


def _fragmentation(where: str, node: NodeStats) -> Check:
    found, used = node.fragmentation_ratio, node.used_memory_bytes or 0
    if found is None:
        return Check(where, "fragmentation", "pass", "not told")
    if found < FRAGMENTED or used < FRAGMENTED_FROM_BYTES:
        return Check(where, "fragmentation", "pass", f"{found:.2f}")
    return Check(where, "fragmentation", "warn", f"{found:.2f}", "CONFIG SET activedefrag yes, or restart it at night")


def _graded(value: float, warns_from: float, fails_from: float) -> Status:
    return "fail" if value >= fails_from else "warn" if value >= warns_from else "pass"


def _header(head: bytes | None) -> Header | None:
    try:
        return None if head is None else read_header(head, is_head=True)
    except UndecodableError:
        return None


def _serializer(header: Header) -> str:
    from perfctl.cache.values.serializers import SERIALIZERS

    return next((name for name, number in SERIALIZERS.items() if number == header.codec >> 4), "unknown")
