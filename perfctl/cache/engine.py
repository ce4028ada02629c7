"""The cache as applications use it: a tier in the process, Redis behind it, and one call for many who miss."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from perfctl.cache.address import address_of
from perfctl.cache.call import DEFAULT_CALL, Call
from perfctl.cache.clock import SYSTEM_CLOCK, Clock
from perfctl.cache.codec import Codec, UndecodableError
from perfctl.cache.counters import Counters, NamespaceCounts
from perfctl.cache.flights import Abandoned, Flight, Flights
from perfctl.cache.keys import DEFAULT_NAMESPACE, KeyLayout
from perfctl.cache.local import MISSING, LocalTier
from perfctl.cache.meta import Meta
from perfctl.cache.marks import Marks, NamespaceState
from perfctl.cache.model import CacheStats, Preloaded
from perfctl.cache.policies import refuse_unknown_policy
from perfctl.cache.serializers import refuse_unknown_serializer
from perfctl.cache.shared import SharedTier
from perfctl.cache.store import Store, Write
from perfctl.cache.ttl import ttl_ms
from perfctl.cache.weight import weigh, weigh_decoded
from perfctl.config.settings import CacheConfig
from perfctl.diagnosis import Check
from perfctl.errors import ConfigError, NotConfiguredError, UsageError

if TYPE_CHECKING:
    from perfctl.cache.decorator import Decorator, DecoratorOptions
    from perfctl.cache.operator import CacheOperator

LOCAL_SECONDS = 5.0
"""How long the process trusts its own copy of a value that other processes may change on the server."""

_TELL_EVERY_SECONDS = 2.0
"""How often, at most, the server hears of hits and misses."""

_Value = TypeVar("_Value")


class AdvancedCache:
    """Values by key and namespace. Reads and writes never raise for the server's sake: a server that is down is a
    miss and one warning in the log `perfctl.cache`. What an operator asks of the server, strictly, is `operator`.

    Connects on first use. Values come back as the types that were put, from either tier; a value of a type that
    cannot do so raises UsageError at once. A hit in the process is the very object that was put: do not change it.
    """

    def __init__(self, config: CacheConfig, *, store: Store | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        """`store` replaces Redis; a test moves its own `clock`. ConfigError for what cannot work."""
        _check(config)
        self.config = config
        self.layout = KeyLayout(config.key_prefix)
        self.codec = Codec(config, layout=self.layout)
        self.counters = Counters()
        self.marks = Marks(None, self.layout, clock, config=config, counters=self.counters)
        wants_redis = config.has_redis or config.cluster_enabled or config.sentinel_enabled
        self._address = address_of(config) if wants_redis and store is None else None
        self._given_store = store
        self.clock = clock
        self._now = clock.monotonic
        self._flights = Flights()
        self._fetching: dict[bytes, object] = {}
        self._undecodable = 0
        self._told_at = clock.monotonic()
        self._background: set[asyncio.Task[None]] = set()

    async def get(self, key: str, default: Any = MISSING, *, namespace: str | None = None) -> Any:
        """The value of a key. A miss gives `default`, or None where no default is given; a cached None is a hit."""
        counts = self.counters.of(namespace or DEFAULT_NAMESPACE)
        name = self.layout.of(key, namespace)
        value = self.local.get(name)
        if value is not MISSING:
            counts.hits_l1 += 1
            return value
        value = await self._fetch(name)
        if value is not MISSING:
            counts.hits_l2 += 1
            return value
        counts.misses += 1
        return None if default is MISSING else default

    async def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: float | None = None,
        namespace: str | None = None,
        tags: tuple[str, ...] = (),
    ) -> bool:
        """Keep a value for `ttl` seconds (the default is `ttl_seconds`); whether the server has it, too.

        UsageError for a value that would not come back as it is, naming the type and where in the value it is.
        """
        if tags:
            raise UsageError("set: tags are not offered yet", hint="use a namespace for what is cleared together")
        self.counters.of(namespace or DEFAULT_NAMESPACE).sets += 1
        write = self._keep(self.layout.of(key, namespace), value, ttl)
        return await self._send(write)

    async def get_or_set(
        self,
        key: str,
        factory: Callable[[], Any],
        *,
        ttl: float | None = None,
        namespace: str | None = None,
    ) -> Any:
        """The value of a key, or what `factory` (plain or async) returns, which is then kept.

        However many callers of this process miss at once, the factory is called once; its error reaches them all.
        """
        state = self.state(namespace)
        name = self.layout.of(key, namespace)
        value = self.local.get(name)
        if value is not MISSING:
            state.counts.hits_l1 += 1
            return value
        return await self.load(state, name, factory, Call(ttl=ttl))

    def state(self, namespace: str | None = None) -> NamespaceState:
        """What this process knows of a namespace: one object, for ever."""
        return self.marks.state(namespace or DEFAULT_NAMESPACE)

    async def delete(self, key: str, *, namespace: str | None = None) -> bool:
        """Forget a key in both tiers; whether the server did, where there is one."""
        name = self.layout.of(key, namespace)
        was_here = self._forget(name)
        return was_here if self._shared is None else await self._shared.delete([name])

    async def clear(self, namespace: str) -> int:
        """Forget all keys of a namespace; how many were deleted on the server, or here where there is none."""
        prefix = self.layout.namespace(namespace)
        deleted = sum(self.local.delete(name) for name in list(self.local.entries) if name.startswith(prefix))
        self._fetching.clear()
        if self._shared is None:
            return deleted

        async def on_server() -> int:
            return (await self.operator.clear(await self.operator.measure(namespace))).deleted

        return await self._shared.ask(on_server, 0)

    async def preload(
        self,
        entries: Mapping[str, Any] | Iterable[tuple[str, Any]],
        *,
        ttl: float | None = None,
        namespace: str | None = None,
    ) -> Preloaded:
        """Write many keys ahead of their reads, in pipelined batches; without a server, into this process."""
        from perfctl.cache.preload import Entry

        pairs = list(entries.items() if isinstance(entries, Mapping) else entries)
        listed = [Entry(f"key {key!r}", key, value, ttl, namespace) for key, value in pairs]
        nothing = Preloaded(namespace or DEFAULT_NAMESPACE, 0, len(listed), 0, 0.0)
        if self._shared is not None:
            return await self._shared.ask(lambda: self.operator.preload(listed, namespace=namespace), nothing)
        for key, value in pairs:
            self._keep(self.layout.of(key, namespace), value, ttl)
        return Preloaded(namespace or DEFAULT_NAMESPACE, len(listed), 0, 0, 0.0)

    async def stats(self) -> CacheStats:
        """What this process's cache did since it started; `operator.stats()` adds up all processes."""
        return self.metrics()

    def metrics(self) -> CacheStats:
        """The same, for synchronous code."""
        namespaces = self.counters.snapshot()
        return CacheStats(
            namespaces=namespaces,
            hits=sum(counts.hits for counts in namespaces.values()),
            misses=sum(counts.misses for counts in namespaces.values()),
            sets=sum(counts.sets for counts in namespaces.values()),
            evictions=self.local.evictions,
            entries=len(self.local),
            size_bytes=self.local.size_bytes,
            undecodable=self._undecodable,
        )

    def cache_decorator(self, **options: Unpack[DecoratorOptions]) -> Decorator:
        """Cache what an async or plain function returns, by its arguments.

        Works at import time. The default key is the function's name and its arguments, the same in every process;
        `key` is a template (`"user:{user.id}"`) or a function of them. `Options` says what else there is. The
        function gets `key`, `invalidate`, `refresh`, `bypass` and `preload`.
        """
        from perfctl.cache.decorator import Decorator

        return Decorator(self, options)

    decorator = cache_decorator

    @cached_property
    def operator(self) -> CacheOperator:
        """The operator's side: raises where a server does not answer. ConfigError where none is configured."""
        from perfctl.cache.operator import CacheOperator

        return CacheOperator(self.store, self.layout, self.codec, default_ttl=self.config.ttl_seconds)

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
        return LocalTier(capacity, self.config.eviction_policy, now=self._now)

    async def health(self) -> list[Check]:
        """Does Redis answer? Never raises."""
        from perfctl.cache.doctor import check_health

        if self._shared is None:
            return [Check("redis", "connect", "off", "no Redis is configured: the cache is within this process")]
        return [await check_health(self.store)]

    async def doctor(self) -> list[Check]:
        """Can perfctl work with this Redis: a check a right, setting and version. Never raises."""
        from perfctl.cache.doctor import examine

        if self._shared is None:
            return await self.health()
        return await examine(self.store, self.layout, self._address)

    async def close(self) -> None:
        """Tell the server what was counted, and close the connections; the next use opens new ones."""
        if not self._was_used:
            return
        for task in list(self._background):
            if task.get_loop() is asyncio.get_running_loop():
                await task
        await self._tell()
        await self.store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()

    async def load(
        self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call = DEFAULT_CALL
    ) -> Any:
        """After a miss in the process: from the server, or from the factory, once for all who wait."""
        counts = state.counts
        while True:
            flight, leads = self._flights.join(name)
            if leads:
                return await self._lead(name, flight, factory, call, counts)
            try:
                value = await asyncio.shield(asyncio.wrap_future(flight.result))
            except Abandoned:
                continue
            counts.hits_l1 += 1
            return value

    def load_blocking(
        self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call = DEFAULT_CALL
    ) -> Any:
        """The same for a plain function, which runs in the caller's own thread."""
        counts = state.counts
        while True:
            flight, leads = self._flights.join(name, blocks=True)
            if leads:
                return self._lead_blocking(name, flight, factory, call, counts)
            try:
                value = flight.wait()
            except Abandoned:
                continue
            counts.hits_l1 += 1
            return value

    async def recompute(
        self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call = DEFAULT_CALL
    ) -> Any:
        """Call the factory now and keep what it returns; when it fails, the old value stays and its error is raised."""
        value = factory()
        if inspect.isawaitable(value):
            value = await value
        if call.keep_if is None or call.keep_if(value):
            state.counts.sets += 1
            await self._send(self._keep(name, value, call.ttl))
        return value

    def recompute_blocking(
        self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call = DEFAULT_CALL
    ) -> Any:
        """The same for a plain function, which runs in the caller's own thread."""
        value = factory()
        if call.keep_if is None or call.keep_if(value):
            state.counts.sets += 1
            write = self._keep(name, value, call.ttl)
            if write is not None:
                self._elsewhere(lambda: self._send(write))
        return value

    def delete_blocking(self, key: str, *, namespace: str | None = None) -> bool:
        """`delete` for plain functions."""
        if self._shared is None:
            return self._forget(self.layout.of(key, namespace))
        return self._elsewhere(lambda: self.delete(key, namespace=namespace))

    @cached_property
    def _shared(self) -> SharedTier | None:
        has_store = self._address is not None or self._given_store is not None
        return SharedTier(self.store, now=self._now) if has_store else None

    @property
    def _was_used(self) -> bool:
        """Whether there is a server that somebody asked; looking does not make one."""
        return "store" in self.__dict__

    async def _lead(
        self, name: bytes, flight: Flight, factory: Callable[[], Any], call: Call, counts: NamespaceCounts
    ) -> Any:
        try:
            value = await self._fetch(name)
            if value is not MISSING:
                counts.hits_l2 += 1
            else:
                counts.misses += 1
                value = factory()
                if inspect.isawaitable(value):
                    value = await value
                if call.keep_if is None or call.keep_if(value):
                    counts.sets += 1
                    await self._send(self._keep(name, value, call.ttl))
        except BaseException as error:
            self._flights.fail(name, flight, error)
            raise
        self._flights.land(name, flight, value)
        return value

    def _lead_blocking(
        self, name: bytes, flight: Flight, factory: Callable[[], Any], call: Call, counts: NamespaceCounts
    ) -> Any:
        try:
            value = MISSING if self._shared is None else self._elsewhere(lambda: self._fetch(name))
            if value is not MISSING:
                counts.hits_l2 += 1
            else:
                counts.misses += 1
                value = factory()
                if call.keep_if is None or call.keep_if(value):
                    counts.sets += 1
                    write = self._keep(name, value, call.ttl)
                    if write is not None:
                        self._elsewhere(lambda: self._send(write))
        except BaseException as error:
            self._flights.fail(name, flight, error)
            raise
        self._flights.land(name, flight, value)
        return value

    async def _fetch(self, name: bytes) -> Any:
        """The value from the server, kept here, too, unless somebody wrote or deleted it meanwhile."""
        if self._shared is None:
            return MISSING
        ticket = self._fetching[name] = object()
        try:
            fetched = await self._shared.get(name)
        finally:
            is_current = self._fetching.get(name) is ticket
            if is_current:
                del self._fetching[name]
        self._tell_soon()
        if fetched is None:
            return MISSING
        try:
            value = self.codec.decode(name, fetched.blob).value
        except UndecodableError:
            self._undecodable += 1
            return MISSING
        if is_current:
            ttl_seconds = LOCAL_SECONDS if fetched.ttl_ms is None else min(LOCAL_SECONDS, fetched.ttl_ms / 1000)
            self.local.put(name, value, ttl_seconds=ttl_seconds, weight=weigh_decoded(value))
        return value

    def _keep(self, name: bytes, value: Any, ttl: float | None) -> Write | None:
        """Keep it here; what to send to the server, where there is one."""
        lives_ms = ttl_ms(ttl, default=self.config.ttl_seconds)
        weight = weigh(value, self.codec.serializer)
        write = None if self._shared is None else Write(name, self._encoded(name, value, lives_ms), lives_ms)
        seconds = float("inf") if lives_ms is None else lives_ms / 1000
        self._fetching.pop(name, None)
        self.local.put(
            name, value, ttl_seconds=seconds if write is None else min(seconds, LOCAL_SECONDS), weight=weight
        )
        return write

    def _encoded(self, name: bytes, value: Any, lives_ms: int | None) -> bytes:
        namespace, _ = self.layout.split(name) or (DEFAULT_NAMESPACE, "")
        return self.codec.encode(name, value, Meta(int(time.time() * 1000), lives_ms), namespace=namespace)

    async def _send(self, write: Write | None) -> bool:
        if self._shared is None or write is None:
            return False
        self._tell_soon()
        return await self._shared.set(write)

    def _forget(self, name: bytes) -> bool:
        self._fetching.pop(name, None)
        return self.local.delete(name)

    def _tell_soon(self) -> None:
        """Tell the server what was counted, in the background, once every two seconds of use."""
        if self._now() - self._told_at < _TELL_EVERY_SECONDS:
            return
        self._told_at = self._now()
        task = asyncio.get_running_loop().create_task(self._tell())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _tell(self) -> None:
        increments = self.counters.take()
        if not increments or self._shared is None:
            return
        if not await self._shared.count(self.layout.counters, increments):
            self.counters.give_back(increments)

    def _elsewhere(self, start: Callable[[], Coroutine[Any, Any, _Value]]) -> _Value:
        """Await something on the process's background loop; safe in a thread that runs a loop of its own."""
        from perfctl.bridge import portal

        bridge = portal()
        bridge.closes(self)
        return asyncio.run_coroutine_threadsafe(start(), bridge.loop).result()


def _check(config: CacheConfig) -> None:
    """ConfigError for what no cache can work with."""
    refuse_unknown_serializer(config.serialization_method)
    refuse_unknown_policy(config.eviction_policy)
    for name in ("ttl_seconds", "max_size_mb"):
        value = getattr(config, name)
        if not value > 0:
            raise ConfigError(f"cache.{name}: {value!r} is not above 0")
