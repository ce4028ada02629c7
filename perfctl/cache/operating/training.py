"""zstd dictionaries as an operator sees them: trained of what lies in a namespace, and listed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from perfctl.cache.keys import pattern_of
from perfctl.cache.model.dictionaries import DictionaryListing, DictionaryRow, DictionaryTraining
from perfctl.cache.operating.census import Sample, samples
from perfctl.cache.values.codec import UndecodableError, UnknownDictionaryError
from perfctl.cache.values.dictionaries import LARGEST_VALUE_BYTES, Dictionary, trained

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfctl.cache.operating.operator import CacheOperator
    from perfctl.cache.values.dictionaries import DictionaryFacts

_BATCH = 100


async def train(
    operator: CacheOperator,
    namespace: str,
    *,
    dry_run: bool = False,
    before_storing: Callable[[DictionaryTraining], None] | None = None,
) -> DictionaryTraining:
    """Train a dictionary of up to 1,000 values that lie in a namespace; store it where it pays, unless `dry_run`.

    `before_storing` is told what it gains first.
    """
    import asyncio

    values = await _values(operator, namespace)
    made = await asyncio.to_thread(trained, values)
    if not isinstance(made, Dictionary):
        return DictionaryTraining(
            namespace, made.samples, False, False, dry_run, None, None, made.ratio, made.plain_ratio, made.reason
        )
    gained = DictionaryTraining(
        namespace,
        made.samples,
        pays=True,
        is_stored=False,
        dry_run=dry_run,
        size_bytes=len(made.content),
        ratio=made.ratio,
        plain_ratio=made.plain_ratio,
    )
    if dry_run:
        return gained
    if before_storing:
        before_storing(gained)
    return await _stored(operator, gained, values)


async def listed(operator: CacheOperator, namespace: str | None) -> DictionaryListing:
    """The dictionaries of a namespace, or of all."""
    await operator.codec.prepare()
    names = [namespace] if namespace is not None else await _namespaces(operator)
    rows = [_row(facts) for name in names for facts in await operator.dictionaries.list(name)]
    return DictionaryListing(tuple(rows), namespace)


async def _stored(operator: CacheOperator, gained: DictionaryTraining, values: list[bytes]) -> DictionaryTraining:
    from dataclasses import replace

    stored = (await operator.dictionaries.train(gained.namespace, values)).dictionary
    if stored is None:
        return gained
    return replace(gained, is_stored=True, id=stored.id, size_bytes=stored.size_bytes, ratio=stored.ratio)


async def _values(operator: CacheOperator, namespace: str) -> list[bytes]:
    """Serialised values of a namespace: a sample of those that can be read."""
    await operator.codec.prepare()
    sample = (await samples(operator, operator.layout.namespace(namespace))).get(namespace, Sample())
    found: list[bytes] = []
    for start in range(0, len(sample.names), _BATCH):
        names = sample.names[start : start + _BATCH]
        for name, blob in zip(names, await operator.store.get_many(names), strict=True):
            raw = None if blob is None else await _raw(operator, name, blob)
            if raw is not None and len(raw) <= LARGEST_VALUE_BYTES:
                found.append(raw)
    return found


async def _raw(operator: CacheOperator, name: bytes, blob: bytes) -> bytes | None:
    try:
        return operator.codec.raw(name, blob)
    except UnknownDictionaryError as error:
        if not await operator.dictionaries.fetch(error.namespace, error.number):
            return None
    except UndecodableError:
        return None
    try:
        return operator.codec.raw(name, blob)
    except UndecodableError:
        return None


async def _namespaces(operator: CacheOperator) -> list[str]:
    """Those that have a dictionary."""
    root, found = operator.layout.root, set()
    async for names in operator.store.scan(b"", pattern=pattern_of(root) + b":~d:*"):
        for name in names:
            parts = operator.layout.split(name.partition(b":~d:")[0] + b":x")
            if parts is not None:
                found.add(parts[0])
    return sorted(found)


def _row(facts: DictionaryFacts) -> DictionaryRow:
    return DictionaryRow(
        namespace=facts.namespace,
        id=facts.id,
        size_bytes=facts.size_bytes,
        samples=facts.samples,
        ratio=facts.ratio,
        plain_ratio=facts.plain_ratio,
        is_current=facts.is_current,
        created=datetime.fromtimestamp(facts.created_ms / 1000, UTC).isoformat(timespec="seconds"),
        ttl_seconds=None if facts.ttl_ms is None else facts.ttl_ms / 1000,
    )
