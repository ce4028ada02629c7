"""Caching what a function returns: the function that looks into the cache first, and what else it can be asked."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from perfctl.cache.coherence.marks import Marks, NamespaceState
from perfctl.cache.entry import MISSING, Entry
from perfctl.cache.functions.cached import AsyncCached, Cached
from perfctl.cache.functions.hitpath import Shortcuts, stand_in
from perfctl.cache.functions.identity import refuse_namesake
from perfctl.cache.functions.keymaker import Arguments, Key, KeyMaker, resolved
from perfctl.cache.functions.options import DecoratorOptions, Options, options_of
from perfctl.cache.functions.warming import passed, warm, warm_blocking, warm_by_batches
from perfctl.cache.keys import KeyLayout
from perfctl.cache.local import LocalTier
from perfctl.cache.model import Preloaded
from perfctl.cache.serving.blocking import on_portal
from perfctl.cache.serving.call import Call
from perfctl.cache.values.meta import Meta
from perfctl.config.settings import CacheConfig
from perfctl.errors import UsageError

__all__ = ["AsyncCached", "Cached", "Decorator", "DecoratorOptions", "Key", "Loader"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_PLAIN = (str, bytes, int, float, bool, dict, list, tuple)


class Loader(Protocol):
    """What a cached function needs of the cache: its tier in the process, and ways to load what is not there."""

    config: CacheConfig
    layout: KeyLayout

    @property
    def local(self) -> LocalTier: ...

    @property
    def marks(self) -> Marks: ...

    def state(self, namespace: str | None = None) -> NamespaceState: ...

    async def load(self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call) -> Any: ...

    def load_blocking(self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call) -> Any: ...

    async def recompute(self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call) -> Any: ...

    def recompute_blocking(
        self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call
    ) -> Any: ...

    async def get_many(self, keys: Iterable[str], *, namespace: str | None = None) -> dict[str, Any]: ...

    async def delete(self, key: str, *, namespace: str | None = None) -> bool: ...

    def delete_blocking(self, key: str, *, namespace: str | None = None) -> bool: ...


class Decorator:
    """`cache_decorator(...)`: makes functions cached ones."""

    def __init__(self, cache: Loader, options: DecoratorOptions) -> None:
        self._cache = cache
        self._options = options

    @overload
    # A coroutine function fits both: type checkers take the first.
    def __call__(self, function: Callable[_P, Coroutine[Any, Any, _R]]) -> AsyncCached[_P, _R]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, function: Callable[_P, _R]) -> Cached[_P, _R]: ...
    def __call__(self, function: Any) -> Any:
        """The function, cached. UsageError where it, or an option, cannot work."""
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(self(function.__func__))
        _refuse_what_cannot_be_cached(function)
        options = options_of(self._options, f"{function.__module__}.{function.__qualname__}")
        calls = Calls(self._cache, function, options)
        return calls.asynchronous() if inspect.iscoroutinefunction(function) else calls.blocking()


class Calls:
    """The calls of one cached function: their names, terms and factories."""

    def __init__(self, cache: Loader, function: Callable[..., Any], options: Options) -> None:
        self.function = function
        self.keys = KeyMaker(function, options.key, version=options.version, ignore=options.ignore, tags=options.tags)
        self._cache = cache
        self._namespace = options.namespace
        self._state = cache.state(options.namespace)
        if options.key is None:
            refuse_namesake(cache, self._state.name, self.keys.prefix, function)
        self._shortcuts = Shortcuts(cache.local)
        self._call = options.call()
        self._condition = options.condition
        self._condition_takes_all = options.condition is not None and _takes_more_than_one(options.condition)
        self._has_terms = bool(options.tags) or options.condition is not None
        self._is_registered = False

    def asynchronous(self) -> Any:
        """The stand-in for an async function."""
        cache, state = self._cache, self._state

        async def miss(arguments: Arguments) -> Any:
            name = self._named(arguments)
            value = self._here(name, arguments)
            if value is not MISSING:
                return value
            return await cache.load(state, name, self._factory(arguments), self._terms(arguments))

        async def invalidate(*args: Any, **kwargs: Any) -> bool:
            return await cache.delete(self.keys.key(self.keys.bind(args, kwargs)), namespace=self._namespace)

        async def refresh(*args: Any, **kwargs: Any) -> Any:
            arguments = self.keys.bind(args, kwargs, calls=True)
            return await cache.recompute(
                state, self._named(arguments), self._factory(arguments), self._terms(arguments)
            )

        async def preload(
            calls: Iterable[Any], *, concurrency: int = 64, factory: Callable[[list[Any]], Any] | None = None
        ) -> Preloaded:
            if factory is None:
                return await warm(wrapper, calls, state.name, concurrency=concurrency)
            return await warm_by_batches(self._missing, self._keep, calls, factory, state.name)

        wrapper = self._wrapper(miss, is_async=True)
        wrapper.invalidate, wrapper.refresh, wrapper.preload = invalidate, refresh, preload
        return wrapper

    def blocking(self) -> Any:
        """The stand-in for a plain one."""
        cache, state = self._cache, self._state

        def miss(arguments: Arguments) -> Any:
            name = self._named(arguments)
            value = self._here(name, arguments)
            if value is not MISSING:
                return value
            return cache.load_blocking(state, name, self._factory(arguments), self._terms(arguments))

        def invalidate(*args: Any, **kwargs: Any) -> bool:
            return cache.delete_blocking(self.keys.key(self.keys.bind(args, kwargs)), namespace=self._namespace)

        def refresh(*args: Any, **kwargs: Any) -> Any:
            arguments = self.keys.bind(args, kwargs, calls=True)
            return cache.recompute_blocking(
                state, self._named(arguments), self._factory(arguments), self._terms(arguments)
            )

        def preload(
            calls: Iterable[Any],
            *,
            concurrency: int = 8,
            factory: Callable[[list[Any]], Sequence[Any]] | None = None,
        ) -> Preloaded:
            if factory is None:
                return warm_blocking(wrapper, calls, state.name, concurrency=concurrency)
            in_a_thread = functools.partial(_in_a_thread, factory)
            return on_portal(warm_by_batches(self._missing, self._keep, calls, in_a_thread, state.name))

        wrapper = self._wrapper(miss, is_async=False)
        wrapper.invalidate, wrapper.refresh, wrapper.preload = invalidate, refresh, preload
        return wrapper

    def _wrapper(self, miss: Callable[[Arguments], Any], *, is_async: bool) -> Any:
        cache, keys = self._cache, self.keys
        made = stand_in(
            keys,
            cache.local,
            self._state,
            self._shortcuts,
            self._holds,
            miss,
            is_async=is_async,
            copies=cache.config.copy_on_hit,
        )
        wrapper: Any = functools.update_wrapper(made, self.function)
        wrapper.key = lambda *args, **kwargs: keys.key(keys.bind(args, kwargs))
        wrapper.bypass = self.function
        return wrapper

    def _named(self, arguments: Arguments) -> bytes:
        """The server's name of a call."""
        return self._cache.layout.of(self.keys.key(arguments), self._namespace)

    def _here(self, name: bytes, arguments: Arguments) -> Any:
        """What the tier in the process has; the next such call finds it by its arguments, where they allow that."""
        local, state, keys = self._cache.local, self._state, self.keys
        entry = local.entries.get(name)
        if entry is None or entry.good_until <= local.now() or entry.generation != state.generation:
            return MISSING
        if entry.tags and not self._holds(entry):
            return MISSING
        if keys.is_pure:
            self._shortcuts.add(tuple([arguments[relevant] for relevant in keys.relevant]), entry)
        local.recent.append(name)
        state.counts.hits_l1 += 1
        return deepcopy(entry.value) if self._cache.config.copy_on_hit else entry.value

    def _holds(self, entry: Entry) -> bool:
        """Whether the tags of an entry are known to be what they were, without asking anybody."""
        meta = Meta(entry.created_ms, None, entry.version, entry.tags)
        return self._cache.marks.is_valid_now(self._state, meta) is True

    def _factory(self, arguments: Arguments) -> Callable[[], Any]:
        args, kwargs = self.keys.passed(arguments)
        if not self._is_registered:
            self._register_types()
        return lambda: self.function(*args, **kwargs)

    async def _missing(self, calls: Sequence[Any]) -> list[Any]:
        """Those of some calls that have no value, each once."""
        if not self._is_registered:
            self._register_types()
        by_key = {self.keys.key(self._bound(call)): call for call in calls}
        found = await self._cache.get_many(list(by_key), namespace=self._namespace)
        return [call for key, call in by_key.items() if key not in found]

    async def _keep(self, call: Any, result: Any) -> None:
        """Keep the result of a call that somebody else made."""
        arguments = self._bound(call)
        if not self._is_registered:
            self._register_types()
        await self._cache.recompute(self._state, self._named(arguments), lambda: result, self._terms(arguments))

    def _bound(self, call: Any) -> Arguments:
        args, kwargs = passed(call)
        return self.keys.bind(args, kwargs)

    def _terms(self, arguments: Arguments) -> Call:
        """The terms of one call: its tags and its condition beside what holds for all."""
        if not self._has_terms:
            return self._call
        return replace(self._call, tags=self.keys.tags(arguments), keep_if=self._keep_if(arguments))

    def _keep_if(self, arguments: Arguments) -> Callable[[Any], bool] | None:
        condition = self._condition
        if condition is None or not self._condition_takes_all:
            return condition
        args, kwargs = self.keys.passed(arguments)
        return lambda result: bool(condition(result, *args, **kwargs))

    def _register_types(self) -> None:
        """Have values of the annotated type come back as such: at the first call, when its name can be resolved."""
        self._is_registered = True
        function = inspect.unwrap(self.function)
        hint = resolved(function.__annotations__.get("return"), function)
        if hint is not None and hint not in _PLAIN:
            from perfctl.cache.values.types import register_annotation

            register_annotation(hint)


def refuse_bare(given: Sequence[object]) -> None:
    """UsageError for `@cache.cache_decorator` without its parentheses: it was given the function itself."""
    if given:
        name = getattr(given[0], "__qualname__", repr(given[0]))
        raise UsageError(
            f"cache_decorator was given {name}, and takes options by name alone",
            hint="write @cache_decorator() or @cache_decorator(ttl=60)",
        )


def _refuse_what_cannot_be_cached(function: Any) -> None:
    name = getattr(function, "__qualname__", repr(function))
    if not callable(function):
        raise UsageError(f"cache_decorator was given {name}, which is no function", hint="write @cache_decorator()")
    if inspect.isclass(function):
        raise UsageError(f"cannot cache {name}: it is a class", hint="cache a function that makes one")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(f"cannot cache {name}: it is a generator", hint="cache a function that returns a list")
    if not inspect.isfunction(inspect.unwrap(function)):
        raise UsageError(
            f"cannot cache {name}: it is a {type(function).__name__}, not a function",
            hint="wrap it: def f(x): return it(x)",
        )


async def _in_a_thread(factory: Callable[[list[Any]], Sequence[Any]], wanted: list[Any]) -> Sequence[Any]:
    return await asyncio.to_thread(factory, wanted)


def _takes_more_than_one(condition: Callable[..., Any]) -> bool:
    """Whether a condition wants the call's arguments beside its result."""
    try:
        inspect.signature(condition).bind(None)
    except TypeError:
        return True
    except ValueError:  # a builtin that does not say
        return False
    return False
