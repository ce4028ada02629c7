"""Values to bytes and back: one file a serializer, one row in the table.

The id stands in the header of each stored value, so a row's id never changes and is never used again.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
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

    def dumps(self, value: Any) -> bytes:
        """The value's bytes; it was checked by `measure` before."""
        ...

    def loads(self, data: bytes) -> Any:
        """The value again. Raises ValueError for bytes that `dumps` never wrote, and for nothing else."""
        ...


SERIALIZERS: Mapping[str, int] = {"msgpack": 1, "json": 2}
"""The file's name and the id in the header."""

_BY_ID = {number: name for name, number in SERIALIZERS.items()}
_LOADED: dict[str, Serializer] = {}


def refuse_unknown_serializer(name: str) -> None:
    """ConfigError for a name in the configuration that is not offered."""
    if name not in SERIALIZERS:
        raise ConfigError(f"cache.serialization_method: {name!r} is not offered", hint=_hint(name))


def serializer_named(name: str) -> Serializer:
    """The serializer of a row of the table, loaded now."""
    if name not in _LOADED:
        _LOADED[name] = importlib.import_module(f"{__name__}.{name}").SERIALIZER
    return _LOADED[name]


def serializer_numbered(number: int) -> Serializer | None:
    """The serializer of an id in a header; None for an id that was never given out."""
    name = _BY_ID.get(number)
    return serializer_named(name) if name else None


def _hint(name: str) -> str:
    if name == "pickle":
        return "a pickle read from a shared server runs code, and no signing key is configured: use msgpack"
    return f"one of {', '.join(SERIALIZERS)}"
