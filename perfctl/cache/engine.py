"""The cache as applications use it: a tier in the process, Redis behind it, and one call for many who miss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Never, Self, Unpack

from perfctl.cache.coherence.marks import NamespaceState
from perfctl.cache.entry import Entry
from perfctl.cache.keys import listed, tags_of
from perfctl.cache.local import MISSING
from perfctl.cache.model import CacheStats, Preloaded
from perfctl.cache.serving.call import DEFAULT_CALL, Call, CallOptions, call_of
from perfctl.cache.serving.plain import UNDECIDED
from perfctl.cache.serving.tiers import LOCAL_SECONDS
from perfctl.cache.wiring import Wiring

if TYPE_CHECKING:
    from perfctl.cache.functions.decorator import Decorator, DecoratorOptions
    from perfctl.cache.serving.batches import Batches

__all__ = ["LOCAL_SECONDS", "AdvancedCache"]


class AdvancedCache(Wiring):
    """Values by key and namespace. Reads and writes never raise for the server's sake: a server that is down is a
    miss and one warning in the log `perfctl.cache`. What an operator asks of the server, strictly, is `operator`.

    Connects on first use; any number of threads and event loops share it, and a forked child may go on with it.
    Values come back as the types that were put, from either tier; a value of a type that cannot do so raises
    UsageError at once. A hit in the process is the very object that was put, or read before: do not change it, or
    configure `copy_on_hit`.
    """

    async def get(self, key: str, default: Any = MISSING, *, namespace: str | None = None) -> Any:
        """The value of a key. A miss gives `default`, or None where no default is given; a cached None is a hit.

        A value past its TTL is given only while Redis is away, and for a while after its factory failed.
        """
        state = self._states.get(namespace) or self.state(namespace)
        name = self.layout.of(key, namespace)
        entry = self.local.entries.get(name)
        is_held = entry is not None
        if is_held:
            entry = self._here(state, name)
            if entry is not None:
                return self._given(entry)
        if not self._disabled:
            works = self.works
            plain = works.plain if works.is_running else self._works_now.plain
            asked = None if is_held else plain.asked(state, name)
            if asked is None:
                entry = plain.opened(state, name) or await plain.found(state, name, None)
            else:
                value = plain.value(state, name, await asked)
                if value is not MISSING and value is not UNDECIDED:
                    return value
                if value is UNDECIDED:
                    entry = await plain.found(state, name, asked)
            if entry is not None:
                return self._given(entry)
        state.counts.misses += 1
        return None if default is MISSING else default

    async def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: float | None = None,
        namespace: str | None = None,
        tags: Sequence[str] = (),
        sliding: bool = False,
    ) -> bool:
        """Keep a value for `ttl` seconds (the default is `ttl_seconds`); whether the server has it, too.

        It ends with a clear of one of its `tags`; when it is `sliding`, each read starts its life anew. UsageError
        for a value that would not come back as it is, naming the type and where in the value it is.
        """
        if self._disabled:
            return False
        return await self._batches.set_one(
            self.state(namespace), key, value, ttl=ttl, tags=tags and tags_of(tags), sliding=sliding
        )

    async def get_or_set(
        self,
        key: str,
        factory: Callable[..., Any],
        *,
        namespace: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """The value of a key, or what `factory` (plain or async) returns, which is then kept.

        However many callers of however many processes miss at once, the factory is called once. Its error reaches
        them all, unless a value past its TTL can stand in. A factory that must be given one argument gets a
        `Refresh`. `CallOptions` and `Call` say what the options mean.
        """
        state = self.state(namespace)
        name = self.layout.of(key, namespace)
        entry = self._here(state, name)
        if entry is not None:
            return self._given(entry)
        return await self.load(state, name, factory, call_of(options))

    async def get_many(self, keys: Iterable[str], *, namespace: str | None = None) -> dict[str, Any]:
        """The values of those keys that have one, with one question to the server."""
        return {} if self._disabled else await self._batches.get(self.state(namespace), listed(keys))

    async def set_many(
        self,
        values: Mapping[str, Any],
        *,
        ttl: float | None = None,
        namespace: str | None = None,
        tags: Sequence[str] = (),
        sliding: bool = False,
    ) -> int:
        """Keep many values with one message to the server; how many it has."""
        if self._disabled:
            return 0
        return await self._batches.set(
            self.state(namespace), values, ttl=ttl, tags=tags and tags_of(tags), sliding=sliding
        )

    async def get_or_set_many(
        self,
        keys: Iterable[str],
        factory: Callable[[list[str]], Any],
        *,
        namespace: str | None = None,
        **options: Unpack[CallOptions],
    ) -> dict[str, Any]:
        """The values of keys; `factory` (plain or async) is called once, with the list of those that are missing,
        and returns a mapping.

        A key that it leaves out is left out of the answer, too; with a negative TTL it is kept, and answered, as
        None. A key that was not asked for is kept. A key that another caller computes at the moment is waited for.
        """
        call = call_of(options, takes_refresh=False)
        return await self._batches.get_or_set(
            self.state(namespace), list(dict.fromkeys(listed(keys))), factory, call, is_disabled=bool(self._disabled)
        )

    async def delete(self, key: str, *, namespace: str | None = None) -> bool:
        """Forget a key in both tiers; whether the server did, where there is one, else whether it was there."""
        return await self.delete_many([key], namespace=namespace)

    async def delete_many(self, keys: Iterable[str], *, namespace: str | None = None) -> bool:
        """Forget keys with one message to the server; as `delete`."""
        names = [self.layout.of(key, namespace) for key in listed(keys)]
        return await self._works_now.writer.delete(self.state(namespace), names)

    async def clear(self, namespace: str | None = None, *, tag: str | None = None) -> bool:
        """Forget everything of a namespace (or with a tag), whatever there is of it, with one write; whether the
        server knows. No process serves what was cleared; the server's memory is given back bit by bit."""
        state, works = self.state(namespace), self._works_now
        is_told = await works.writer.clear(state, tag)
        works.reclaim_soon(state)
        return is_told

    async def touch(self, key: str, ttl: float | None = None, *, namespace: str | None = None) -> bool:
        """Start the life of a value anew, for `ttl` seconds; whether there was one."""
        return await self._batches.touch(self.state(namespace), key, ttl)

    async def expire(self, key: str, *, namespace: str | None = None) -> bool:
        """End the life of a value: it is computed anew when it is next asked for, and stands in until that is done;
        whether there was one."""
        return await self._batches.expire(self.state(namespace), key)

    async def exists(self, key: str, *, namespace: str | None = None) -> bool:
        """Whether a key has a value."""
        state, name = self.state(namespace), self.layout.of(key, namespace)
        if self._disabled:
            return False
        return await self._works_now.reader.find(state, name, counts=False) is not None

    async def preload(
        self,
        entries: Mapping[str, Any] | Iterable[tuple[str, Any]],
        *,
        ttl: float | None = None,
        namespace: str | None = None,
    ) -> Preloaded:
        """Write many keys ahead of their reads, in pipelined batches; without a server, into this process."""
        return await self._batches.preload(self.state(namespace), entries, ttl=ttl)

    async def stats(self) -> CacheStats:
        """What this process's cache did since it started; `operator.stats()` adds up all processes."""
        return self.metrics()

    def metrics(self) -> CacheStats:
        """The same, for synchronous code."""
        from perfctl.cache.serving.figures import figures

        return figures(self)

    def cache_decorator(self, *bare: Never, **options: Unpack[DecoratorOptions]) -> Decorator:
        """Cache what an async or plain function returns, by its arguments.

        Works at import time. The default key is the function's name and its arguments, the same in every process;
        `key` is a template (`"user:{user.id}"`) or a function of them. `Options` says what else there is. The
        function gets `key`, `invalidate`, `refresh`, `bypass` and `preload`.
        """
        from perfctl.cache.functions.decorator import Decorator, refuse_bare

        refuse_bare(bare)
        return Decorator(self, options)

    decorator = cache_decorator

    @contextmanager
    def disabled(self) -> Iterator[Self]:
        """Within it, in this process, nothing is found and nothing is kept: every call reaches its function. For
        tests, also around `await`. What the process held is forgotten; what is on the server stays."""
        self._disabled += 1
        self.local.empty()
        try:
            yield self
        finally:
            self._disabled -= 1

    async def load(
        self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call = DEFAULT_CALL
    ) -> Any:
        """After a miss in the process: from the server, or from the factory, once for all who wait."""
        if self._disabled:
            return await _called(factory)
        entry = self._here(state, name)
        if entry is not None:
            return self._given(entry)
        return self._copied(await self._works_now.waiters.load(state, name, factory, call))

    def load_blocking(
        self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call = DEFAULT_CALL
    ) -> Any:
        """The same for a plain function, which runs in the caller's own thread."""
        if self._disabled:
            return factory()
        entry = self._here(state, name)
        if entry is not None:
            return self._given(entry)
        return self._copied(self._works_now.blocking.load(state, name, factory, call))

    async def recompute(
        self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call = DEFAULT_CALL
    ) -> Any:
        """Call the factory now and keep what it returns; when it fails, the old value stays and its error is raised."""
        if self._disabled:
            return await _called(factory)
        return await self._works_now.waiters.recompute(state, name, factory, call)

    def recompute_blocking(
        self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call = DEFAULT_CALL
    ) -> Any:
        """The same for a plain function, which runs in the caller's own thread."""
        return factory() if self._disabled else self._works_now.blocking.recompute(state, name, factory, call)

    def delete_blocking(self, key: str, *, namespace: str | None = None) -> bool:
        """`delete` for plain functions."""
        forgotten: bool = self._works_now.run(self.delete(key, namespace=namespace))
        return forgotten

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()

    @property
    def _batches(self) -> Batches:
        from perfctl.cache.serving.batches import Batches

        return Batches(self, self._works_now)

    def _here(self, state: NamespaceState, name: bytes) -> Entry | None:
        """The entry in the process that may be served unasked; counted."""
        local = self.local
        entry = local.entries.get(name)
        if entry is None or entry.good_until <= local.now() or entry.generation != state.generation:
            return None
        if entry.tags and not self.works.reader.here(state, name):
            return None
        local.recent.append(name)
        state.counts.hits_l1 += 1
        return entry

    def _given(self, entry: Entry) -> Any:
        return self._copied(entry.value)

    def _copied(self, value: Any) -> Any:
        return deepcopy(value) if self.config.copy_on_hit else value


async def _called(factory: Callable[..., Any]) -> Any:
    """What a factory returns, plain or async, without any cache."""
    from perfctl.cache.serving.refresh import Refresh, takes_refresh

    value = factory(Refresh(None, ())) if takes_refresh(factory) else factory()
    return await value if isawaitable(value) else value
