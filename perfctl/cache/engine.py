"""The cache as applications use it: a tier in the process, Redis behind it, and one call for many who miss."""

from __future__ import annotations

import os
import weakref
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Self, Unpack
from weakref import WeakSet

from perfctl.cache.address import address_of
from perfctl.cache.call import DEFAULT_CALL, Call
from perfctl.cache.clock import SYSTEM_CLOCK, Clock
from perfctl.cache.codec import Codec
from perfctl.cache.counters import Counters
from perfctl.cache.entry import Entry
from perfctl.cache.keys import DEFAULT_NAMESPACE, KeyLayout
from perfctl.cache.local import MISSING, LocalTier
from perfctl.cache.marks import Marks, NamespaceState
from perfctl.cache.model import CacheStats, Preloaded
from perfctl.cache.policies import refuse_unknown_policy
from perfctl.cache.serializers import refuse_unknown_serializer
from perfctl.cache.store import Store
from perfctl.cache.tiers import LOCAL_SECONDS
from perfctl.config.settings import CacheConfig
from perfctl.diagnosis import Check
from perfctl.errors import ConfigError, NotConfiguredError

if TYPE_CHECKING:
    from perfctl.cache.batches import Batches
    from perfctl.cache.decorator import Decorator, DecoratorOptions
    from perfctl.cache.operator import CacheOperator
    from perfctl.cache.works import Works

__all__ = ["LOCAL_SECONDS", "AdvancedCache"]


class AdvancedCache:
    """Values by key and namespace. Reads and writes never raise for the server's sake: a server that is down is a
    miss and one warning in the log `perfctl.cache`. What an operator asks of the server, strictly, is `operator`.

    Connects on first use; any number of threads and event loops share it, and a forked child may go on with it.
    Values come back as the types that were put, from either tier; a value of a type that cannot do so raises
    UsageError at once. A hit in the process is the very object that was put: do not change it, or configure
    `copy_on_hit`.
    """

    def __init__(self, config: CacheConfig, *, store: Store | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        """`store` replaces Redis; a test moves its own `clock`. ConfigError for what cannot work."""
        _check(config)
        self.config = config
        self.clock = clock
        self.layout = KeyLayout(config.key_prefix)
        self.counters = Counters()
        wants_redis = config.has_redis or config.cluster_enabled or config.sentinel_enabled
        self._address = address_of(config) if wants_redis and store is None else None
        self._given_store = store
        self.codec = Codec(config, layout=self.layout, store=(lambda: self.store) if self._has_store else None)
        self._disabled = 0
        _CACHES.add(self)

    async def get(self, key: str, default: Any = MISSING, *, namespace: str | None = None) -> Any:
        """The value of a key. A miss gives `default`, or None where no default is given; a cached None is a hit.

        A value past its TTL is given only while Redis is away, and for a while after its factory failed.
        """
        state = self.state(namespace)
        name = self.layout.of(key, namespace)
        entry = self._here(state, name)
        if entry is None and not self._disabled:
            entry = await self._works_now.reader.find(state, name)
        if entry is None:
            state.counts.misses += 1
            return None if default is MISSING else default
        return self._given(entry)

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
        return await self._batches.set_one(self.state(namespace), key, value, ttl=ttl, tags=tags, sliding=sliding)

    async def get_or_set(
        self,
        key: str,
        factory: Callable[..., Any],
        *,
        ttl: float | None = None,
        namespace: str | None = None,
        tags: Sequence[str] = (),
        sliding: bool = False,
        soft_timeout: float | None = None,
        hard_timeout: float | None = None,
        fail_safe: bool | None = None,
        eager: float | None = None,
        negative_ttl: float | None = None,
    ) -> Any:
        """The value of a key, or what `factory` (plain or async) returns, which is then kept.

        However many callers of however many processes miss at once, the factory is called once. Its error reaches
        them all, unless a value past its TTL can stand in. A factory that must be given one argument gets a
        `Refresh`. `Call` says what the options mean.
        """
        state = self.state(namespace)
        name = self.layout.of(key, namespace)
        entry = self._here(state, name)
        if entry is not None:
            return self._given(entry)
        call = Call(
            ttl=ttl,
            tags=tuple(tags),
            sliding=sliding,
            soft_timeout=soft_timeout,
            hard_timeout=hard_timeout,
            fail_safe=fail_safe,
            eager=eager,
            negative_ttl=negative_ttl,
        )
        return await self.load(state, name, factory, call)

    async def get_many(self, keys: Iterable[str], *, namespace: str | None = None) -> dict[str, Any]:
        """The values of those keys that have one, with one question to the server."""
        return {} if self._disabled else await self._batches.get(self.state(namespace), list(keys))

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
        return await self._batches.set(self.state(namespace), values, ttl=ttl, tags=tags, sliding=sliding)

    async def get_or_set_many(
        self,
        keys: Iterable[str],
        factory: Callable[[list[str]], Any],
        *,
        ttl: float | None = None,
        namespace: str | None = None,
        tags: Sequence[str] = (),
        soft_timeout: float | None = None,
        hard_timeout: float | None = None,
        fail_safe: bool | None = None,
        negative_ttl: float | None = None,
    ) -> dict[str, Any]:
        """The values of keys; `factory` (plain or async) is called once, with the list of those that are missing,
        and returns a mapping.

        A key that it leaves out is left out of the answer, too; with a negative TTL it is kept, and answered, as
        None. A key that was not asked for is kept. A key that another caller computes at the moment is waited for.
        """
        call = Call(
            ttl=ttl,
            tags=tuple(tags),
            soft_timeout=soft_timeout,
            hard_timeout=hard_timeout,
            fail_safe=fail_safe,
            negative_ttl=negative_ttl,
            takes_refresh=False,
        )
        return await self._batches.get_or_set(
            self.state(namespace), list(dict.fromkeys(keys)), factory, call, is_disabled=bool(self._disabled)
        )

    async def delete(self, key: str, *, namespace: str | None = None) -> bool:
        """Forget a key in both tiers; whether the server did, where there is one, else whether it was there."""
        return await self.delete_many([key], namespace=namespace)

    async def delete_many(self, keys: Iterable[str], *, namespace: str | None = None) -> bool:
        """Forget keys with one message to the server; as `delete`."""
        names = [self.layout.of(key, namespace) for key in keys]
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
        from perfctl.cache.figures import figures

        return figures(self)

    def cache_decorator(self, **options: Unpack[DecoratorOptions]) -> Decorator:
        """Cache what an async or plain function returns, by its arguments.

        Works at import time. The default key is the function's name and its arguments, the same in every process;
        `key` is a template (`"user:{user.id}"`) or a function of them. `Options` says what else there is. The
        function gets `key`, `invalidate`, `refresh`, `bypass` and `preload`.
        """
        from perfctl.cache.decorator import Decorator

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

    def state(self, namespace: str | None = None) -> NamespaceState:
        """What this process knows of a namespace: one object, for ever."""
        return self.marks.state(namespace or DEFAULT_NAMESPACE)

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

    async def health(self) -> list[Check]:
        """Does Redis answer? Never raises."""
        from perfctl.cache.doctor import check_health

        if not self._has_store:
            return [Check("redis", "connect", "off", "no Redis is configured: the cache is within this process")]
        return [await check_health(self.store)]

    async def doctor(self) -> list[Check]:
        """Can perfctl work with this Redis: a check a right, setting and version. Never raises."""
        from perfctl.cache.doctor import examine

        if not self._has_store:
            return await self.health()
        return await examine(self.store, self.layout, self._address, self.config)

    async def close(self) -> None:
        """Finish what goes on in the background, tell the server what was counted, and close the connections; the
        next use opens new ones."""
        if "works" in self.__dict__:
            await self.works.end()
        if "store" in self.__dict__ and self._has_store:
            await self.store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()

    @cached_property
    def operator(self) -> CacheOperator:
        """The operator's side: raises where a server does not answer. ConfigError where none is configured."""
        from perfctl.cache.operator import CacheOperator

        return CacheOperator(self.store, self.layout, self.codec, config=self.config)

    @cached_property
    def store(self) -> Store:
        """The server. ConfigError where none is configured."""
        if self._given_store is not None:
            return self._given_store
        if self._address is None:
            raise NotConfiguredError(
                "no Redis is configured: the cache is within one process, and ends with it",
                hint="set cache.redis_url in perfctl.yaml, REDIS_HOST or --redis-url redis://HOST:PORT",
            )
        from perfctl.cache.redis import RedisStore

        return RedisStore(self._address)

    @cached_property
    def local(self) -> LocalTier:
        """The tier in this process."""
        capacity = int(self.config.max_size_mb * 1_000_000)
        return LocalTier(capacity, self.config.eviction_policy, now=self.clock.monotonic, on_eviction=_count_eviction)

    @cached_property
    def marks(self) -> Marks:
        """The versions of namespaces and tags, as this process knows them."""
        return Marks(
            _later(self) if self._has_store else None,
            self.layout,
            self.clock,
            config=self.config,
            counters=self.counters,
            ask=self._ask,
            announce=lambda names: self.works.announce(names),
        )

    @cached_property
    def works(self) -> Works:
        """What reads, writes and computes."""
        from perfctl.cache.works import Works

        return Works(self, _later(self) if self._has_store else None)

    @property
    def is_in_memory(self) -> bool:
        """Whether the store is a dict of this process."""
        return self._given_store is not None and self._given_store.protocol == "none"

    @property
    def _has_store(self) -> bool:
        return self._address is not None or self._given_store is not None

    @property
    def _works_now(self) -> Works:
        """The same, running."""
        works = self.works
        if not works.is_running:
            works.begin()
        return works

    @property
    def _batches(self) -> Batches:
        from perfctl.cache.batches import Batches

        return Batches(self, self._works_now)

    async def _ask(self, call: Callable[[], Awaitable[Any]], otherwise: Any, /) -> Any:
        shared = self.works.shared
        return otherwise if shared is None else await shared.ask(call, otherwise)

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

    def _forget_after_fork(self) -> None:
        """In a forked child: what is under way and what was counted is the parent's."""
        self.counters.forget()
        if "works" in self.__dict__:
            self.works.forget()
        elif "local" in self.__dict__:
            self.local.renew_lock()


class _Later:
    """The store of a cache, opened by whoever first asks it something."""

    def __init__(self, cache: AdvancedCache) -> None:
        self._cache = weakref.ref(cache)

    def __getattr__(self, name: str) -> Any:
        cache = self._cache()
        if cache is None:
            raise AttributeError(name)
        found = getattr(cache.store, name)
        self.__dict__[name] = found
        return found


def _later(cache: AdvancedCache) -> Store:
    store: Any = _Later(cache)
    return store  # type: ignore[no-any-return]


def _check(config: CacheConfig) -> None:
    """ConfigError for what no cache can work with."""
    refuse_unknown_serializer(config.serialization_method)
    refuse_unknown_policy(config.eviction_policy)
    for name in ("ttl_seconds", "max_size_mb"):
        value = getattr(config, name)
        if not value > 0:
            raise ConfigError(f"cache.{name}: {value!r} is not above 0")


async def _called(factory: Callable[..., Any]) -> Any:
    """What a factory returns, plain or async, without any cache."""
    from perfctl.cache.refresh import Refresh, takes_refresh

    value = factory(Refresh(None, ())) if takes_refresh(factory) else factory()
    return await value if isawaitable(value) else value


def _count_eviction(entry: Entry) -> None:
    if isinstance(entry.state, NamespaceState):
        entry.state.counts.evictions += 1


_CACHES: WeakSet[AdvancedCache] = WeakSet()


def _forget_all_after_fork() -> None:
    for cache in list(_CACHES):
        cache._forget_after_fork()


os.register_at_fork(after_in_child=_forget_all_after_fork)
