"""Values to bytes and back: one file a serializer, one row in the table.

The id stands in the header of each stored value, so a row's id never changes and is never used again.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from perfctl.errors import ConfigError


class Serializer(Protocol):
    """Bytes that come back as the same value, of the same types."""

    scalars: frozenset[type]
    """Types without parts that come back as they were."""
    containers: frozenset[type]
    """Types with parts that come back as they were."""
    any_keys: bool
    """Whether a dict may have keys that are not text."""
    hint: str
    """What to cache in place of what does not come back."""
    unpack: Callable[..., Any]
    """`loads` for the hot path: raises one of `failures` for bytes that `dumps` never wrote."""
    failures: tuple[type[Exception], ...]
    """What `unpack` raises."""

    def parts(self, value: Any) -> Iterable[tuple[str, Any]] | None:
        """What a value of a type that is neither scalar nor container holds, each part with its place in a path;
        None when it does not come back as it was."""
        ...

    def fault(self, value: Any) -> str | None:
        """Why a value of a scalar type does not come back as it was, all the same."""
        ...

    def dumps(self, value: Any) -> bytes:
        """The value's bytes; it was checked by `weigh` before. Raises ValueError for what has no bytes."""
        ...

    def loads(self, data: bytes, *, lenient: bool = False) -> Any:
        """The value again. Raises ValueError for bytes that `dumps` never wrote, and for nothing else.

        `lenient` gives a readable mapping in place of a value whose class is not known here.
        """
        ...


SERIALIZERS: Mapping[str, int] = {"msgpack": 1, "json": 2, "pickle": 3}
"""The file's name and the id in the header."""

NEEDS_SEAL = frozenset({"pickle"})
"""Those whose bytes may only be read once a key of ours has vouched for them."""

SERIALIZER_NAMES: Mapping[int, str] = {number: name for name, number in SERIALIZERS.items()}
_LOADED: dict[str, Serializer] = {}


def refuse_unknown_serializer(name: str) -> None:
    """ConfigError for a name in the configuration that is not offered."""
    if name not in SERIALIZERS:
        raise ConfigError(
            f"cache.serialization_method: {name!r} is not offered", hint=f"one of {', '.join(SERIALIZERS)}"
        )


def serializer_named(name: str) -> Serializer:
    """The serializer of a row of the table, loaded now."""
    if name not in _LOADED:
        _LOADED[name] = importlib.import_module(f"{__name__}.{name}").SERIALIZER
    return _LOADED[name]
