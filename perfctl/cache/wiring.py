"""The parts of a cache: made when they are first needed, ended with it, and fit to be forked."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from perfctl.cache.address import address_of
from perfctl.cache.clock import SYSTEM_CLOCK, Clock
from perfctl.cache.coherence.marks import Marks, NamespaceState
from perfctl.cache.counters import Counters
from perfctl.cache.keys import DEFAULT_NAMESPACE, KeyLayout
from perfctl.cache.local import Held, LocalTier
from perfctl.cache.policies import refuse_unknown_policy
from perfctl.cache.serving.observing import Observer
from perfctl.cache.store import Store
from perfctl.cache.values.codec import Codec
from perfctl.cache.values.serializers import refuse_unknown_serializer
from perfctl.config.settings import CacheConfig
from perfctl.diagnosis import Check
from perfctl.errors import ConfigError, NotConfiguredError
from perfctl.recording.registry import Registry

if TYPE_CHECKING:
    from perfctl.cache.operating.operator import CacheOperator
    from perfctl.cache.serving.works import Works


if TYPE_CHECKING:
    once = cached_property
else:

    class once(cached_property):  # noqa: N801 - a decorator
        """`cached_property`, made once however many threads ask first: Python 3.12 took that out."""

        def __get__(self, instance, owner=None):
            """The part, from then on an attribute of the instance."""
            if instance is None:
                return self
            with instance._building:
                made = instance.__dict__.get(self.attrname)
                return super().__get__(instance, owner) if made is None else made


class Wiring:
    """What stands behind a cache's calls. Nothing is opened before it is used."""

    def __init__(
        self,
        config: CacheConfig,
        *,
        store: Store | None = None,
        clock: Clock = SYSTEM_CLOCK,
        recorder: Registry | None = None,
    ) -> None:
        """`store` replaces Redis; a test moves its own `clock`; `recorder` is told what happens, else a
        registry of this cache's own. ConfigError for what cannot work."""
        _check(config)
        self._building = threading.RLock()
        self.config = config
        self.clock = clock
        self.layout = KeyLayout(config.key_prefix)
        self.counters = Counters()
        self.recording = Registry() if recorder is None else recorder
        self._observer = Observer(self, self.recording)
        wants_redis = config.has_redis or config.cluster_enabled or config.sentinel_enabled
        self._address = address_of(config) if wants_redis and store is None else None
        self._given_store = store
        self.codec = Codec(config, layout=self.layout, store=_store_of(self) if self._has_store else None)
        self._disabled = 0
        self._states: dict[str | None, NamespaceState] = {}
        _CACHES.add(self)

    def state(self, namespace: str | None = None) -> NamespaceState:
        """What this process knows of a namespace: one object, for ever."""
        known = self._states.get(namespace)
        if known is None:
            known = self._states[namespace] = self.marks.state(namespace or DEFAULT_NAMESPACE)
        return known

    async def health(self) -> list[Check]:
        """Does Redis answer, has it room, does it persist, is it a primary? Never raises."""
        from perfctl.cache.operating.doctor import check_health

        if not self._has_store:
            return [Check("redis", "connect", "off", "no Redis is configured: the cache is within this process")]
        return await check_health(self.store)

    async def doctor(self) -> list[Check]:
        """Can perfctl work with this Redis: a check a right, setting and version. Never raises."""
        from perfctl.cache.operating.doctor import examine

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

    @cached_property
    def operator(self) -> CacheOperator:
        """The operator's side: raises where a server does not answer. ConfigError where none is configured."""
        from perfctl.cache.operating.operator import CacheOperator

        return CacheOperator(self.store, self.layout, self.codec, config=self.config)

    @once
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

    @property
    def own_store(self) -> Store | None:
        """The same, where it ends with this cache: nobody else was given it."""
        return self.store if self._given_store is None and self._has_store else None

    @once
    def local(self) -> LocalTier:
        """The tier in this process."""
        capacity = int(self.config.max_size_mb * 1_000_000)
        return LocalTier(capacity, self.config.eviction_policy, now=self.clock.monotonic, on_eviction=_count_eviction)

    @once
    def marks(self) -> Marks:
        """The versions of namespaces and tags, as this process knows them."""
        held = weakref.ref(self)  # what goes on in the background must not keep a cache that nobody has any more

        async def ask(call: Callable[[], Awaitable[Any]], otherwise: Any, /) -> Any:
            cache = held()
            shared = None if cache is None else cache.works.shared
            return otherwise if shared is None else await shared.ask(call, otherwise)

        def announce(names: Sequence[bytes]) -> None:
            cache = held()
            if cache is not None:
                cache.works.announce(names)

        return Marks(
            _later(self) if self._has_store else None,
            self.layout,
            self.clock,
            config=self.config,
            counters=self.counters,
            recording=self.recording,
            ask=ask,
            announce=announce,
        )

    @once
    def works(self) -> Works:
        """What reads, writes and computes."""
        from perfctl.cache.serving.works import Works

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

    def _forget_after_fork(self) -> None:
        """In a forked child: what is under way and what was counted is the parent's."""
        self._building = threading.RLock()
        self.counters.forget()
        self._observer.forget(self)
        if "works" in self.__dict__:
            self.works.forget()
        elif "local" in self.__dict__:
            self.local.renew_lock()


class _Later:
    """The store of a cache, opened by whoever first asks it something; from then on it needs the cache no more."""

    def __init__(self, cache: Wiring) -> None:
        self._cache = weakref.ref(cache)
        self._opened: Store | None = None

    def __getattr__(self, name: str) -> Any:
        if self._opened is None:
            cache = self._cache()
            if cache is None:
                raise AttributeError(name)
            self._opened = cache.store
        found = getattr(self._opened, name)
        self.__dict__[name] = found
        return found


def _store_of(cache: Wiring) -> Callable[[], Store]:
    held = weakref.ref(cache)

    def store() -> Store:
        cache = held()
        if cache is None:
            raise NotConfiguredError("the cache is gone")
        return cache.store

    return store


def _later(cache: Wiring) -> Store:
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


def _count_eviction(entry: Held) -> None:
    if isinstance(entry.state, NamespaceState):
        entry.state.counts.evictions += 1


_CACHES: WeakSet[Wiring] = WeakSet()


def _forget_all_after_fork() -> None:
    for cache in list(_CACHES):
        cache._forget_after_fork()


os.register_at_fork(after_in_child=_forget_all_after_fork)
