"""Keeping and forgetting: first in the process, then on the server; what that misses is told when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from perfctl.cache.serving.recovery import Missed
from perfctl.cache.serving.shared import UNANSWERED
from perfctl.cache.serving.tiers import LOCAL_SECONDS, Tiers
from perfctl.cache.store import Write
from perfctl.cache.values.meta import Meta
from perfctl.cache.values.weight import weigh

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import NamespaceState
    from perfctl.cache.serving.shared import SharedTier

_SAMPLED = 8
"""Of so many writes one is looked at for the compression ratio."""
_TURNS = 4


class Stamp(NamedTuple):
    """What a value will be judged by, read before it is computed: a clear that comes later holds for it, too."""

    version: int
    tags: tuple[tuple[str, int], ...]
    is_known: bool = True
    """False where the server does not say what the tags' versions are: such a value is kept nowhere."""


UNSTAMPED = Stamp(0, ())


class Kept(NamedTuple):
    """A value that is kept in the process, and what to send to the server."""

    name: bytes
    write: Write | None
    missed: Missed
    state: NamespaceState


class Writer:
    """Writes both tiers."""

    def __init__(self, tiers: Tiers) -> None:
        self._tiers = tiers

    async def stamp(self, state: NamespaceState, tags: Sequence[str] = ()) -> Stamp:
        """The versions of a namespace and of tags as they are now, or were when last heard of."""
        marks = self._tiers.marks
        if self._tiers.shared is None and not tags:
            return Stamp(state.version, ())
        version = await self._version(state)
        if not tags:
            return Stamp(version, ())
        pairs = await marks.tags(state, tags)
        if pairs is None:
            heard = [(tag, state.tags.get(tag, 0)) for tag in sorted(set(tags))]
            pairs = tuple((tag, version) for tag, version in heard if version)
            return Stamp(version, pairs, is_known=len(pairs) == len(heard))
        return Stamp(version, pairs)

    async def _version(self, state: NamespaceState) -> int:
        """The version of a namespace. A mark that this process made itself is announced like any other change, and
        so forgotten and read again."""
        shared = self._tiers.shared
        for _ in range(_TURNS):
            await self._tiers.marks.ensure(state)
            version = state.version
            if version or (shared is not None and shared.is_away):
                return version
        return 0

    async def keep(
        self,
        state: NamespaceState,
        name: bytes,
        value: Any,
        stamp: Stamp,
        *,
        ttl_ms: int | None,
        reserve_seconds: float = 0.0,
        sliding: bool = False,
        etag: str | None = None,
        eager: float | None = None,
    ) -> Kept | None:
        """Keep a value in the process; what to `send`. None where there is nothing to send.

        UsageError for a value that would not come back as it is, naming the type and where in the value it is.
        """
        tiers = self._tiers
        weight = weigh(value, tiers.codec.serializer_of(state.name))
        generation = state.generation if stamp.version == state.version else -1
        meta = Meta(tiers.now_ms, ttl_ms, stamp.version, stamp.tags, sliding and ttl_ms is not None, etag)
        blob = b"" if tiers.shared is None else await self._encode(state, name, value, meta)
        state.counts.sets += 1
        tiers.fetching.pop(name, None)
        if not stamp.is_known:  # what is there is superseded all the same
            tiers.local.delete(name)
            return Kept(name, None, Missed(name, state.name, meta.created_ms), state)
        reserve_seconds = 0.0 if meta.sliding else reserve_seconds
        if state.settings.local is not False:
            entry = tiers.entry(
                state,
                tiers.given(value),
                meta,
                weight=weight,
                checksum=crc32(blob),
                generation=generation,
                reserve_seconds=reserve_seconds,
                eager=state.settings.eager_refresh_ratio or 0.0 if eager is None else eager,
                own=True,
            )
            tiers.local.keep(name, entry)
        if tiers.shared is None:
            return None
        lasts_ms = None if ttl_ms is None else max(1, ttl_ms + round(reserve_seconds * 1000))
        missed = Missed(name, state.name, meta.created_ms, blob, lasts_ms)
        return Kept(name, Write(name, blob, lasts_ms), missed, state)

    async def send(self, kept: Kept | None) -> bool:
        """Tell the server; whether it heard. What it did not hear is remembered."""
        shared = self._tiers.shared
        if kept is None or shared is None:
            return False
        if kept.write is None:
            await self._missed(shared, [kept.missed])
            return False
        write, started = kept.write, perf_counter()
        try:
            if await shared.ask(lambda: _done(shared.store.put(write)), False, name=write.name):
                kept.state.timings.writes.record(perf_counter() - started)
                self._told([write.name])
                return True
            await self._missed(shared, [kept.missed])
        except BaseException:
            self.doubt([write.name])
            raise
        return False

    async def send_instead(self, kept: Kept, old: bytes) -> bool:
        """Tell the server, unless it has another blob than the old one by now: then it keeps that, and so do we."""
        shared, write = self._tiers.shared, kept.write
        if shared is None or write is None:
            return await self.send(kept)
        try:
            is_done = await shared.ask(lambda: shared.store.swap(write, old), UNANSWERED, name=write.name)
        except BaseException:
            self.doubt([write.name])
            raise
        if is_done is UNANSWERED:
            return await self.send(kept) or True
        if is_done:
            self._told([write.name])
        else:
            self.doubt([write.name])
        return bool(is_done)

    async def send_many(self, kept: Sequence[Kept]) -> int:
        """The same for many with one call; how many the server heard of."""
        shared = self._tiers.shared
        if shared is None or not kept:
            return 0
        try:
            return await self._send_many(shared, kept)
        except BaseException:
            self.doubt([each.name for each in kept])
            raise

    def doubt(self, names: Sequence[bytes]) -> None:
        """A write was broken off, so that the server may have it or not: what is kept in the process is not served
        before the server was asked."""
        if self._tiers.shared is not None:
            for name in names:
                self._tiers.local.doubt(name)

    async def _send_many(self, shared: SharedTier, kept: Sequence[Kept]) -> int:
        unknown = [each.missed for each in kept if each.write is None]
        if unknown:
            await self._missed(shared, unknown)
        kept = [each for each in kept if each.write is not None]
        writes = [each.write for each in kept if each.write is not None]
        started = perf_counter()
        refusals = await shared.ask(lambda: shared.store.put_many(writes), UNANSWERED)
        if refusals is UNANSWERED:
            await self._missed(shared, [each.missed for each in kept])
            return 0
        if kept:
            kept[0].state.timings.writes.record(perf_counter() - started)
        refused = {refusal.index for refusal in refusals}
        self._told([write.name for index, write in enumerate(writes) if index not in refused])
        if refused:
            await self._missed(shared, [kept[index].missed for index in sorted(refused)])
        return len(writes) - len(refused)

    async def delete(self, state: NamespaceState, names: Sequence[bytes]) -> bool:
        """Forget keys in both tiers; whether the server did, or, where there is none, whether one was here."""
        tiers, shared = self._tiers, self._tiers.shared
        was_here = [self._forget(name) for name in names]
        if shared is None:
            return any(was_here)
        await self._overtake(names)
        gone = [*self._locks(state, names), *names]
        is_told = not names or await shared.ask(lambda: _done(shared.store.remove(gone)), False, name=names[0])
        for name in names:  # somebody may have read it meanwhile
            self._forget(name)
        if is_told:
            self._told(names)
            return True
        now_ms = tiers.now_ms
        for name in names:
            tiers.recovery.add(Missed(name, state.name, now_ms))
        self.recover_later()
        return False

    async def take_back(self, names: Sequence[bytes]) -> None:
        """Undo writes of values that were computed from what was there before somebody deleted their keys."""
        shared = self._tiers.shared
        for name in names:
            self._forget(name)
            self._tiers.recovery.settle(name)
        if shared is not None:
            await shared.ask(lambda: _done(shared.store.remove(names)), False, name=names[0])

    def _locks(self, state: NamespaceState, names: Sequence[bytes]) -> list[bytes]:
        """The locks of those who compute these keys: without it, what they compute is not kept."""
        if not self._tiers.config.cross_process_lock:
            return []
        return [self._tiers.layout.lock(state.name, name) for name in names]

    async def clear(self, state: NamespaceState, tag: str | None = None) -> bool:
        """Make everything written to the namespace, or with a tag of it, invalid; whether the server knows."""
        tiers = self._tiers
        if tag is None:
            await tiers.marks.clear(state)
            tiers.local.clear(state)
            tiers.recovery.clear(state.name)
        else:
            await tiers.marks.clear_tag(state, tag)
        if tiers.marks.unsent:
            self.recover_later()
            return False
        return True

    def recover_later(self) -> None:
        """Where the server refused, rather than being away: nobody will say that it is back."""
        shared = self._tiers.shared
        if shared is not None and not shared.is_away:
            self._tiers.background.later(max(0.1, self._tiers.config.breaker_seconds), self.recover)

    async def recover(self) -> None:
        """Tell the server what it missed: clears first, then the newest word on each key."""
        from perfctl.cache.serving.replay import replay

        await replay(self._tiers)

    async def _encode(self, state: NamespaceState, name: bytes, value: Any, meta: Meta) -> bytes:
        codec, counts = self._tiers.codec, state.counts
        await codec.prepare()
        blob = codec.encode(name, value, meta, namespace=state.name)
        if counts.sets % _SAMPLED == 0:
            counts.decoded_bytes += codec.describe(name, blob).decoded_bytes
            counts.encoded_bytes += len(blob)
        return blob

    async def _overtake(self, names: Sequence[bytes]) -> None:
        """Have older word on these keys not said any more, and what is being said arrived: it must not come last."""
        recovery = self._tiers.recovery
        for name in names:
            recovery.settle(name)
        while recovery.is_telling(names):  # noqa: ASYNC110 - it may be told on another event loop
            await asyncio.sleep(0.002)

    def _forget(self, name: bytes) -> bool:
        self._tiers.fetching.pop(name, None)
        self._tiers.computing.pop(name, None)
        return self._tiers.local.delete(name)

    def _told(self, names: Sequence[bytes]) -> None:
        for name in names:
            self._tiers.recovery.settle(name)
        self._tiers.announce(names)

    async def _missed(self, shared: SharedTier, missed: Sequence[Missed]) -> None:
        """The server is away: remember. It refuses (it is full, it is a replica): what lies there is old, and must
        go; the process keeps its own value for a few seconds only."""
        if not shared.is_away:
            names = [each.name for each in missed]
            await self._overtake(names)
            if await shared.ask(lambda: _done(shared.store.remove(names)), False):
                self._told(names)
                until = self._tiers.clock.monotonic() + LOCAL_SECONDS
                for entry in filter(None, map(self._tiers.local.entries.get, names)):
                    entry.good_until = min(entry.good_until, until)
                return
        for each in missed:
            self._tiers.recovery.add(each)
        self.recover_later()


async def _done(call: Any) -> bool:
    await call
    return True
