"""Single writes and whole batches of keys, by the names that applications use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any
from zlib import crc32

from perfctl.cache.entry import MISSING
from perfctl.cache.model import Preloaded
from perfctl.cache.serving.call import Call
from perfctl.cache.serving.shared import UNANSWERED
from perfctl.cache.serving.writing import Kept
from perfctl.cache.ttl import ttl_ms

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import NamespaceState
    from perfctl.cache.serving.works import Works
    from perfctl.cache.wiring import Wiring

_TURNS = 4


class Batches:
    """What a cache does with keys, one or many at once."""

    def __init__(self, cache: Wiring, works: Works) -> None:
        self._cache = cache
        self._works = works

    async def set_one(
        self,
        state: NamespaceState,
        key: str,
        value: Any,
        *,
        ttl: float | None,
        tags: Sequence[str] = (),
        sliding: bool = False,
    ) -> bool:
        """Keep one value; whether the server has it."""
        return await self.set(state, {key: value}, ttl=ttl, tags=tags, sliding=sliding) == 1

    async def set(
        self,
        state: NamespaceState,
        values: Mapping[str, Any],
        *,
        ttl: float | None,
        tags: Sequence[str] = (),
        sliding: bool = False,
    ) -> int:
        """Keep values; how many the server has. All are kept in the process before the first is sent."""
        lives_ms = self._lives_ms(state, ttl)
        writer = self._works.writer
        stamp = await writer.stamp(state, tags)
        kept: list[Kept] = []
        try:
            for key, value in values.items():
                name = self._name(state, key)
                one = await writer.keep(state, name, value, stamp, ttl_ms=lives_ms, sliding=sliding)
                if one is not None:
                    kept.append(one)
        except BaseException:
            writer.doubt([one.name for one in kept])
            raise
        if len(kept) == 1:
            return int(await writer.send(kept[0]))
        return await writer.send_many(kept)

    async def get(self, state: NamespaceState, keys: Sequence[str]) -> dict[str, Any]:
        """The values of those keys that have one."""
        reader, names = self._works.reader, {key: self._name(state, key) for key in keys}
        looks = await reader.look_many(state, list(names.values()))
        found: dict[str, Any] = {}
        for key, name in names.items():
            entry = reader.given(state, looks[name])
            if entry is None:
                state.counts.misses += 1
            else:
                reader.count(state, looks[name])
                found[key] = self._works.tiers.given(entry.value)
        return found

    async def get_or_set(
        self,
        state: NamespaceState,
        keys: list[str],
        factory: Callable[[list[str]], Any],
        call: Call,
        *,
        is_disabled: bool,
    ) -> dict[str, Any]:
        """The values of keys, those that are missing from one call of the factory."""
        if is_disabled:
            value = factory(keys) if keys else {}
            computed: Mapping[str, Any] = await value if isawaitable(value) else value
            return {key: computed[key] for key in keys if key in computed}
        from perfctl.cache.serving.convoys import Convoy

        names = {self._name(state, key): key for key in keys}
        values = await Convoy(self._works, state, names, factory, call).have()
        given = self._works.tiers.given
        return {key: given(values[name]) for name, key in names.items() if values.get(name, MISSING) is not MISSING}

    async def touch(self, state: NamespaceState, key: str, ttl: float | None) -> bool:
        """Start a value's life anew; whether there was one."""
        lives_ms = self._lives_ms(state, ttl)
        return await self._rewrite(state, key, lives_ms, reserve_seconds=0.0)

    async def expire(self, state: NamespaceState, key: str) -> bool:
        """End a value's life, and keep it as a reserve; whether there was one."""
        return await self._rewrite(state, key, 0, reserve_seconds=state.settings.fail_safe_seconds or 0.0)

    async def preload(
        self, state: NamespaceState, entries: Mapping[str, Any] | Iterable[tuple[str, Any]], *, ttl: float | None
    ) -> Preloaded:
        """Write many values; without a server, into the process."""
        from perfctl.cache.preloading.preload import Entry

        pairs = list(entries.items() if isinstance(entries, Mapping) else entries)
        shared = self._works.shared
        if shared is None:
            await self.set(state, dict(pairs), ttl=ttl)
            return Preloaded(state.name, len(pairs), 0, 0, 0.0)
        listed = [Entry(f"key {key!r}", key, value, ttl, state.name) for key, value in pairs]
        nothing = Preloaded(state.name, 0, len(listed), 0, 0.0)
        operator = self._cache.operator
        loaded = await shared.ask(lambda: operator.preload(listed, namespace=state.name), nothing, is_long=True)
        for key, _ in pairs:
            name = self._name(state, key)
            self._works.tiers.fetching.pop(name, None)
            self._works.tiers.local.delete(name)
        return loaded

    async def _rewrite(self, state: NamespaceState, key: str, lives_ms: int | None, *, reserve_seconds: float) -> bool:
        for _ in range(_TURNS):
            is_done = await self._rewrite_once(state, self._name(state, key), lives_ms, reserve_seconds)
            if is_done is not None:
                return is_done
        return False

    async def _rewrite_once(
        self, state: NamespaceState, name: bytes, lives_ms: int | None, reserve_seconds: float
    ) -> bool | None:
        """None when somebody wrote or deleted the key meanwhile: what they did stays."""
        works, shared = self._works, self._works.shared
        entry = (await works.reader.look(state, name)).entry
        if entry is None or not works.reader.is_fresh(entry):
            return False
        blob = None if shared is None else await shared.fetch(name, state.timings.reads)
        if shared is not None and blob is not UNANSWERED and (blob is None or crc32(blob) != entry.checksum):
            works.tiers.local.doubt(name)
            return None
        tags = [tag for tag, _ in entry.tags]
        stamp = (await works.writer.stamp(state, tags))._replace(version=entry.version, tags=entry.tags)
        kept = await works.writer.keep(
            state,
            name,
            entry.value,
            stamp,
            ttl_ms=lives_ms,
            reserve_seconds=reserve_seconds,
            sliding=entry.sliding is not None,
            etag=entry.etag,
        )
        if kept is None or blob is None or blob is UNANSWERED:
            await works.writer.send(kept)
            return True
        return True if await works.writer.send_instead(kept, blob) else None

    def _name(self, state: NamespaceState, key: str) -> bytes:
        return self._cache.layout.of(key, state.name)

    def _lives_ms(self, state: NamespaceState, ttl: float | None) -> int | None:
        return ttl_ms(ttl, default=state.settings.ttl_seconds or self._cache.config.ttl_seconds)
