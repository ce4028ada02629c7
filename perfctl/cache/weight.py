"""One walk over a value before it is cached: can it come back as it is, and how much memory does it hold?"""

from __future__ import annotations

import sys
from typing import Any

from perfctl.cache.serializers import Serializer
from perfctl.errors import UsageError

MAX_DEPTH = 60
"""How deep containers may nest in a cached value."""


def weigh(value: Any, serializer: Serializer) -> int:
    """The bytes of memory that the value holds. UsageError names the type and path that would not come back."""
    return _weigh(value, serializer, ())


def weigh_decoded(value: Any, depth: int = 0) -> int:
    """The same for a value that came from a serializer, and so needs no check; what nests too deep counts little."""
    weight = sys.getsizeof(value)
    if depth > MAX_DEPTH:
        return weight
    if isinstance(value, dict):
        parts = [*value, *value.values()]
        return weight + sum([weigh_decoded(part, depth + 1) for part in parts])
    if isinstance(value, (list, tuple, set, frozenset)):
        return weight + sum([weigh_decoded(part, depth + 1) for part in value])
    return weight


def _weigh(value: Any, serializer: Serializer, path: tuple[str, ...]) -> int:
    kind = type(value)
    if kind in serializer.scalars:
        return sys.getsizeof(value)
    if kind not in serializer.containers:
        raise _unsupported(value, path, "has no form that comes back as the same type")
    if len(path) > MAX_DEPTH:
        raise _unsupported(value, path[:4], f"nests deeper than {MAX_DEPTH}")
    weight = sys.getsizeof(value)
    if kind is dict:
        return weight + _weigh_items(value, serializer, path)
    for index, part in enumerate(value):
        weight += _weigh(part, serializer, (*path, f"[{index}]"))
    return weight


def _weigh_items(value: dict[Any, Any], serializer: Serializer, path: tuple[str, ...]) -> int:
    weight = 0
    for key, part in value.items():
        if type(key) is not str:
            if not serializer.any_keys:
                raise _unsupported(key, path, "is a key, and keys must be text here")
            weight += _weigh(key, serializer, (*path, f"<key {key!r}>"))
        else:
            weight += sys.getsizeof(key)
        weight += _weigh(part, serializer, (*path, f"[{key!r}]"))
    return weight


def _unsupported(value: Any, path: tuple[str, ...], why: str) -> UsageError:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return UsageError(
        f"cannot cache a value: {name} at value{''.join(path)} {why}",
        hint="cache a dict, list, tuple, set, text, number, bytes, date, Decimal or UUID made of it",
    )
