"""Pickle, for classes that nothing else takes: read only where a key vouches for the bytes, and only by a list.

The configuration names the classes (`cache.pickle_types`); built-in types, dates, Decimals and UUIDs come by
themselves. What is not on the list is neither written nor, whatever a blob says, imported.
"""

from __future__ import annotations

import importlib
import io
import pickle
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

_SAFE: frozenset[type] = frozenset(
    {set, frozenset, bytearray, complex, range, slice, date, datetime, time, timedelta, timezone}
    | {Decimal, Fraction, UUID, ZoneInfo}
)
_PROTOCOL = 5


class Pickle:
    """Writes and reads the classes of a list, by their full names."""

    scalars: frozenset[type] = frozenset({type(None), bool, int, float, str, bytes}) | _SAFE - {set, frozenset}
    containers: frozenset[type] = frozenset({list, dict, tuple, set, frozenset})
    any_keys = True
    failures: tuple[type[Exception], ...] = (ValueError,)
    hint = "name its class in cache.pickle_types as module.Class, or use msgpack with perfctl.register_type"

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(allowed) | {_name(cls) for cls in _SAFE}

    def parts(self, value: Any) -> Iterable[tuple[str, Any]] | None:
        """The attributes of a value whose class is on the list."""
        if _name(type(value)) not in self._allowed:
            return None
        attributes = getattr(value, "__dict__", None)
        return [(f".{name}", part) for name, part in attributes.items()] if type(attributes) is dict else []

    def fault(self, value: Any) -> str | None:
        """Nothing: each type is written by its own rules."""
        return None

    def dumps(self, value: Any) -> bytes:
        """ValueError for a value that holds a class or a function that is not on the list."""
        buffer = io.BytesIO()
        try:
            _Writer(buffer, self._allowed).dump(value)
        except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(str(error)) from error
        return buffer.getvalue()

    def loads(self, data: bytes, *, lenient: bool = False) -> Any:
        """The value of bytes that a key of ours vouched for; never call it with others."""
        try:
            return _Reader(io.BytesIO(data), self._allowed).load()
        except Exception as error:
            raise ValueError(f"not a value of ours: {type(error).__name__}: {error}") from error

    unpack = loads


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, allowed: frozenset[str]) -> None:
        super().__init__(file, protocol=_PROTOCOL)
        self._allowed = allowed

    def reducer_override(self, value: Any) -> Any:
        """Called for each value that is not built in, and for each class that is written by its name."""
        cls = value if isinstance(value, type) else type(value)
        if _name(cls) not in self._allowed:
            raise ValueError(f"{_name(cls)} is not in cache.pickle_types")
        if cls is ZoneInfo and value is not cls:
            return (ZoneInfo, (value.key,))
        return NotImplemented


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, allowed: frozenset[str]) -> None:
        super().__init__(file)
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        """A class on the list, imported by its name there. UnpicklingError for every other name."""
        if f"{module}.{name}" not in self._allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is not in cache.pickle_types")
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} is no class")
        return found


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


SERIALIZER = Pickle()
