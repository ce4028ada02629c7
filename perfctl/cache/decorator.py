"""Caching what a function returns: which key its arguments make, and the function that asks the cache first."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

from perfctl.cache.call import Call
from perfctl.cache.keys import KeyLayout
from perfctl.cache.local import MISSING, LocalTier
from perfctl.cache.marks import NamespaceState
from perfctl.errors import UsageError

Key = str | Callable[..., str] | None
"""A template over the arguments (`"user:{user.id}"`), a function of them, or None for all of them."""

_SELF = ("self", "cls")
_REPEATABLE = frozenset({str, bytes, int, float, bool, type(None), Decimal, UUID, date, datetime, time, timedelta})


class Loader(Protocol):
    """What a cached function needs of the cache: its tier in the process, and a way to load what is not there."""

    layout: KeyLayout

    @property
    def local(self) -> LocalTier: ...

    def state(self, namespace: str | None = None) -> NamespaceState: ...

    async def load(self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call) -> Any: ...

    def load_blocking(self, state: NamespaceState, name: bytes, factory: Callable[..., Any], call: Call) -> Any: ...

    async def delete(self, key: str, *, namespace: str | None = None) -> bool: ...

    def delete_blocking(self, key: str, *, namespace: str | None = None) -> bool: ...


def decorated(
    cache: Loader, function: Callable[..., Any], *, ttl: float | None, namespace: str | None, key: Key
) -> Callable[..., Any]:
    """The function, cached. It gets `key(*args)`, `invalidate(*args)` and, as ever, `__wrapped__`."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(
            f"cannot cache {function.__qualname__}: it is a generator", hint="cache a function that returns a list"
        )
    keys = KeyMaker(function, key)
    make = _asynchronous if inspect.iscoroutinefunction(function) else _blocking
    wrapper: Any = make(cache, function, keys, ttl, namespace)
    wrapper.key = keys.outside
    return functools.wraps(function)(wrapper)


class KeyMaker:
    """The key of a call. The same arguments make the same key in every process, however they are passed;
    `self` and `cls` stay out of it."""

    def __init__(self, function: Callable[..., Any], key: Key) -> None:
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._function = function
        self._key = key
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())
        self._skips = 1 if parameters and parameters[0].name in _SELF else 0
        self._signature = signature.replace(parameters=parameters[self._skips :])
        self._parameters = len(parameters) - self._skips
        self._is_plain = all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)

    def inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The key of a call as the function sees it, with `self`."""
        return self.outside(*args[self._skips :], **kwargs)

    def outside(self, *args: Any, **kwargs: Any) -> str:
        """The key of a call, `self` left out. UsageError for an argument that has no repeatable text."""
        if self._key is None and self._is_plain and not kwargs and len(args) == self._parameters:
            return f"{self._name}({','.join([self._text(value) for value in args])})"
        bound = self._bind(args, kwargs)
        if self._key is None:
            return f"{self._name}({','.join([self._text(value) for value in bound.arguments.values()])})"
        if callable(self._key):
            return self._key(*args, **kwargs)
        return self._key.format(**bound.arguments)

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound

    def _text(self, value: Any) -> str:
        text = repeatable(value)
        if text is None:
            raise UsageError(
                f"cannot make a cache key of {self._name}: an argument of type {type(value).__name__}"
                " has no text that is the same in every process",
                hint='name the key: cache_decorator(key="user:{user.id}")',
            )
        return text


def repeatable(value: Any) -> str | None:
    """Text that is the same in every process for equal values of a type; None where there is none.

    >>> repeatable({"b": 1, "a": {3, 2}})
    "{'a':{2,3},'b':1}"
    """
    kind = type(value)
    if kind in _REPEATABLE:
        return repr(value)
    if kind in (list, tuple):
        return _joined(value, "[]" if kind is list else "()")
    if kind in (set, frozenset):
        return _joined(value, "{}", in_order=True)
    if kind is dict:
        return _joined(value.items(), "{}", in_order=True, of=_item)
    if isinstance(value, Enum):
        return f"{kind.__qualname__}.{value.name}"
    if is_dataclass(value) and not isinstance(value, type):
        fields = {name: getattr(value, name) for name in value.__dataclass_fields__}
        inner = repeatable(fields)
        return None if inner is None else kind.__qualname__ + inner
    return None


def _joined(
    parts: Any, brackets: str, *, in_order: bool = False, of: Callable[[Any], str | None] = repeatable
) -> str | None:
    texts = [of(part) for part in parts]
    known = [text for text in texts if text is not None]
    if len(known) < len(texts):
        return None
    return brackets[0] + ",".join(sorted(known) if in_order else known) + brackets[1]


def _item(item: tuple[Any, Any]) -> str | None:
    key, value = repeatable(item[0]), repeatable(item[1])
    return None if key is None or value is None else f"{key}:{value}"


def _asynchronous(
    cache: Loader, function: Callable[..., Any], keys: KeyMaker, ttl: float | None, namespace: str | None
) -> Callable[..., Any]:
    local, state, call = cache.local, cache.state(namespace), Call(ttl=ttl, takes_refresh=False)
    counts = state.counts
    name_of, key_of = cache.layout.of, keys.inside

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        name = name_of(key_of(args, kwargs), namespace)
        value = local.get(name)
        if value is not MISSING:
            counts.hits_l1 += 1
            return value
        return await cache.load(state, name, lambda: function(*args, **kwargs), call)

    async def invalidate(*args: Any, **kwargs: Any) -> bool:
        return await cache.delete(keys.outside(*args, **kwargs), namespace=namespace)

    wrapper.invalidate = invalidate  # type: ignore[attr-defined]
    return wrapper


def _blocking(
    cache: Loader, function: Callable[..., Any], keys: KeyMaker, ttl: float | None, namespace: str | None
) -> Callable[..., Any]:
    local, state, call = cache.local, cache.state(namespace), Call(ttl=ttl, takes_refresh=False)
    counts = state.counts
    name_of, key_of = cache.layout.of, keys.inside

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        name = name_of(key_of(args, kwargs), namespace)
        value = local.get(name)
        if value is not MISSING:
            counts.hits_l1 += 1
            return value
        return cache.load_blocking(state, name, lambda: function(*args, **kwargs), call)

    def invalidate(*args: Any, **kwargs: Any) -> bool:
        return cache.delete_blocking(keys.outside(*args, **kwargs), namespace=namespace)

    wrapper.invalidate = invalidate  # type: ignore[attr-defined]
    return wrapper
