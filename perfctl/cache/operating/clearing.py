"""Clearing a namespace, a tag or a pattern: first nobody is served it any more, then its memory is given back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from perfctl.cache.keys import DEFAULT_NAMESPACE, pattern_of
from perfctl.cache.model import Cleared, NamespaceSize
from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.cache.operating.operator import CacheOperator, Progress

_SHARE = 0.8
"""Of its time, how much a clear by pattern spends at work where no rate was named."""


async def clear_namespace(
    operator: CacheOperator,
    size: NamespaceSize,
    *,
    reclaim: bool = False,
    rate: float | None = None,
    on_progress: Progress | None = None,
) -> Cleared:
    """Clear a measured namespace by its version: one write, however many keys it has.

    With `reclaim` its memory is given back, too, by SCAN and UNLINK, `rate` names a second.
    """
    started = time.perf_counter()
    await operator.marks.clear(operator.marks.state(size.namespace))
    clear_ms = (time.perf_counter() - started) * 1000
    await operator.announce([operator.layout.mark(size.namespace)])
    given_back = await give_back(operator, size.namespace, rate, on_progress) if reclaim else 0
    return _answer(size, clear_ms, given_back, started, is_reclaimed=reclaim)


async def clear_at_once(
    operator: CacheOperator,
    namespace: str,
    *,
    reclaim: bool = False,
    rate: float | None = None,
    on_progress: Progress | None = None,
) -> Cleared:
    """Clear a namespace first, and count what it held then: nobody waits for the count."""
    from dataclasses import replace

    from perfctl.cache.operating.census import measure

    before = await operator.versions.learn(namespace)
    cleared = await clear_namespace(operator, NamespaceSize(namespace, 0, 0))
    try:
        size = await measure(operator, namespace, version=before, is_sample=reclaim)
    except PerfctlError as error:
        error.message = f"{namespace} is cleared, and what it held cannot be counted: {error.message}"
        raise
    started = time.perf_counter() - cleared.took_ms / 1000
    given_back = 0
    if reclaim:  # which counts as it goes
        given_back = await give_back(operator, namespace, rate, on_progress)
        size = _of_all(size, given_back)
    answer = _answer(size, cleared.clear_ms, given_back, started, is_reclaimed=reclaim)
    return replace(answer, took_ms=(time.perf_counter() - started) * 1000)


def _of_all(sample: NamespaceSize, given_back: int) -> NamespaceSize:
    """What a namespace held, told from a sample of it and from how many values went."""
    from dataclasses import replace

    sampled = sample.keys + sample.garbage
    share = given_back / sampled if sampled else 0.0
    return replace(
        sample,
        keys=round(sample.keys * share),
        size_bytes=round(sample.size_bytes * share),
        garbage=round(sample.garbage * share),
        garbage_bytes=round(sample.garbage_bytes * share),
    )


async def clear_tag(
    operator: CacheOperator,
    size: NamespaceSize,
    tag: str,
    *,
    reclaim: bool = False,
    rate: float | None = None,
    on_progress: Progress | None = None,
) -> Cleared:
    """The same for what carries a tag."""
    from dataclasses import replace

    started = time.perf_counter()
    await operator.marks.clear_tag(operator.marks.state(size.namespace), tag)
    clear_ms = (time.perf_counter() - started) * 1000
    await operator.announce([operator.layout.tag_mark(size.namespace, tag)])
    given_back = await give_back(operator, size.namespace, rate, on_progress) if reclaim else 0
    return replace(_answer(size, clear_ms, given_back, started, is_reclaimed=reclaim), tag=tag)


async def give_back(
    operator: CacheOperator, namespace: str, rate: float | None = None, on_progress: Progress | None = None
) -> int:
    """Delete what was cleared in a namespace; how many keys went. Other clients wait for no more than a batch."""
    from perfctl.cache.coherence.reclaim import Pace, reclaim

    done = await reclaim(operator.store, operator.layout, namespace, pace=Pace(rate), on_progress=on_progress)
    return done.deleted


async def reclaimed(
    operator: CacheOperator, namespace: str, *, rate: float | None = None, on_progress: Progress | None = None
) -> Cleared:
    """Give back what earlier clears of a namespace left; nothing more is cleared."""
    started = time.perf_counter()
    was_cleared = await operator.versions.learn(namespace) != 0
    done = await give_back(operator, namespace, rate, on_progress) if was_cleared else 0
    took_ms = (time.perf_counter() - started) * 1000
    return Cleared(namespace, 0, 0, dry_run=False, deleted=0, took_ms=took_ms, reclaimed=done, only_reclaims=True)


async def measure_pattern(
    operator: CacheOperator, pattern: str, *, namespace: str | None, is_raw: bool
) -> NamespaceSize:
    """How many names match a pattern, the memory they take, five of them."""
    from perfctl.cache.coherence.reclaim import BATCH
    from perfctl.cache.operating.census import SAMPLES, Sample

    sample = Sample()
    async for names in _matching(operator, pattern, namespace, is_raw, BATCH):
        for name in names:
            sample.add(name)
    sizes = [size for size in await operator.store.sizes(sample.names[:SAMPLES]) if size is not None]
    mean = sum(sizes) / len(sizes) if sizes else 0
    shown = tuple(sorted(_shown(operator, name, is_raw) for name in sample.names[:5]))
    return NamespaceSize(namespace or DEFAULT_NAMESPACE, sample.seen, round(mean * sample.seen), shown)


async def clear_pattern(
    operator: CacheOperator,
    size: NamespaceSize,
    pattern: str,
    *,
    is_raw: bool,
    rate: float | None = None,
    on_progress: Progress | None = None,
) -> Cleared:
    """Delete the names that match, by SCAN and UNLINK; with `is_raw` keys of any type that others wrote."""
    from dataclasses import replace

    from perfctl.cache.coherence.reclaim import Pace

    started = time.perf_counter()
    done, pace = 0, Pace(rate, share=_SHARE)
    async for names in _matching(operator, pattern, size.namespace, is_raw, pace.batch):
        done += await operator.store.delete(names)
        if not is_raw:
            await operator.announce(names)
        if on_progress and names:
            on_progress(done)
        await pace.rest(len(names))
    answer = _answer(size, None, done, started, is_reclaimed=True)
    return replace(answer, deleted=done, pattern=pattern, namespace=None if is_raw else size.namespace)


def planned(
    size: NamespaceSize, *, tag: str | None = None, pattern: str | None = None, is_raw: bool = False
) -> Cleared:
    """What a clear of what was measured would delete."""
    return Cleared(
        None if is_raw else size.namespace,
        size.keys,
        size.size_bytes,
        dry_run=True,
        deleted=0,
        took_ms=0.0,
        samples=size.samples,
        tag=tag,
        pattern=pattern,
        to_reclaim=size.garbage,
        to_reclaim_bytes=size.garbage_bytes,
    )


def _answer(
    size: NamespaceSize, clear_ms: float | None, given_back: int, started: float, *, is_reclaimed: bool
) -> Cleared:
    return Cleared(
        size.namespace,
        size.keys,
        size.size_bytes,
        dry_run=False,
        deleted=size.keys,
        took_ms=(time.perf_counter() - started) * 1000,
        samples=size.samples,
        clear_ms=clear_ms,
        reclaimed=given_back,
        to_reclaim=0 if is_reclaimed else size.keys + size.garbage,
        to_reclaim_bytes=0 if is_reclaimed else size.size_bytes + size.garbage_bytes,
    )


async def _matching(
    operator: CacheOperator, pattern: str, namespace: str | None, is_raw: bool, batch: int
) -> AsyncIterator[list[bytes]]:
    """The names that match, without perfctl's own: a pattern never clears a mark, a lock or a counter."""
    layout = operator.layout
    glob = pattern.encode("utf-8", "surrogateescape")
    if not is_raw:
        glob = pattern_of(layout.namespace(namespace))[:-1] + glob
    async for names in _batches(operator, b"", glob, batch):
        if is_raw:
            yield [name for name in names if not name.startswith(layout.root) or layout.split(name) is not None]
        else:
            yield [name for name in names if layout.split(name) is not None]


async def _batches(
    operator: CacheOperator, prefix: bytes, pattern: bytes | None, size: int
) -> AsyncIterator[list[bytes]]:
    async for names in operator.store.scan(prefix, pattern=pattern):
        for start in range(0, len(names), size):
            yield names[start : start + size]


def _shown(operator: CacheOperator, name: bytes, is_raw: bool) -> str:
    parts = operator.layout.split(name)
    return parts[1] if parts is not None and not is_raw else name.decode("utf-8", "backslashreplace")
