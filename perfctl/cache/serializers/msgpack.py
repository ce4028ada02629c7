"""MessagePack with extension types, so that tuples, sets, dates, Decimals and UUIDs come back as what they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgpack

_MAX_EXTENSION_DEPTH = 64
"""How deep extension types may nest in bytes from outside; `measure` lets nothing deeper out."""

# The codes stand in stored values: never change one, never use one again.
_TUPLE, _SET, _FROZENSET, _DATETIME, _DATE, _TIME, _TIMEDELTA, _DECIMAL, _UUID, _INTEGER = range(1, 11)


class Msgpack:
    """The default: compact, quick, and safe to read from a shared server."""

    scalars = frozenset({type(None), bool, int, float, str, bytes, datetime, date, time, timedelta, Decimal, UUID})
    containers = frozenset({list, dict, tuple, set, frozenset})
    any_keys = True

    def dumps(self, value: Any) -> bytes:
        """Type for type: a subclass is not taken for its base."""
        return _packed(value)

    def loads(self, data: bytes) -> Any:
        """ValueError for bytes that `dumps` never wrote."""
        try:
            return _unpack(data, 0)
        except ValueError:
            raise
        except (TypeError, OverflowError, ArithmeticError, RecursionError, msgpack.UnpackException) as error:
            raise ValueError(f"not a value of ours: {error}") from error


def _unpack(data: bytes, depth: int) -> Any:
    if depth > _MAX_EXTENSION_DEPTH:
        raise ValueError("extension types nest too deep")

    def revive(code: int, payload: bytes) -> Any:
        reader = _READERS.get(code)
        if reader is None:
            raise ValueError(f"extension type {code} is unknown")
        return reader(bytes(payload), depth + 1)

    return msgpack.unpackb(data, raw=False, strict_map_key=False, ext_hook=revive)


def _packed(value: Any) -> bytes:
    try:
        packed: bytes = msgpack.packb(value, default=_extension, strict_types=True)
    except OverflowError:
        packed = msgpack.packb(_narrowed(value), default=_extension, strict_types=True)
    return packed


def _narrowed(value: Any) -> Any:
    """The value with each integer that 64 bits cannot hold as an extension; tuples and sets come by `_packed`."""
    kind = type(value)
    if kind is int:
        return value if -(2**63) <= value < 2**64 else _extension(value)
    if kind is list:
        return [_narrowed(item) for item in value]
    return {_narrowed(key): _narrowed(item) for key, item in value.items()} if kind is dict else value


def _extension(value: Any) -> msgpack.ExtType:
    code, payload = _WRITERS[type(value)](value)
    return msgpack.ExtType(code, payload)


def _write_clock(value: datetime | time) -> bytes:
    """The local time with its offset, the fold, and the zone's name where it has one."""
    return _packed([value.isoformat(), value.fold, getattr(value.tzinfo, "key", None)])


def _read_datetime(payload: bytes, depth: int) -> datetime:
    text, fold, zone = _unpack(payload, depth)
    moment = datetime.fromisoformat(text).replace(fold=fold)
    return moment if zone is None else moment.replace(tzinfo=_zone(zone))


def _read_time(payload: bytes, depth: int) -> time:
    text, fold, zone = _unpack(payload, depth)
    clock = time.fromisoformat(text).replace(fold=fold)
    return clock if zone is None else clock.replace(tzinfo=_zone(zone))


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as error:
        raise ValueError(f"time zone {name!r} is not known here") from error


_WRITERS: Mapping[type, Callable[[Any], tuple[int, bytes]]] = {
    tuple: lambda value: (_TUPLE, _packed(list(value))),
    set: lambda value: (_SET, _packed(list(value))),
    frozenset: lambda value: (_FROZENSET, _packed(list(value))),
    datetime: lambda value: (_DATETIME, _write_clock(value)),
    date: lambda value: (_DATE, value.isoformat().encode()),
    time: lambda value: (_TIME, _write_clock(value)),
    timedelta: lambda value: (_TIMEDELTA, _packed([value.days, value.seconds, value.microseconds])),
    Decimal: lambda value: (_DECIMAL, str(value).encode()),
    UUID: lambda value: (_UUID, value.bytes),
    int: lambda value: (_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)),
}

_READERS: Mapping[int, Callable[[bytes, int], Any]] = {
    _TUPLE: lambda payload, depth: tuple(_unpack(payload, depth)),
    _SET: lambda payload, depth: set(_unpack(payload, depth)),
    _FROZENSET: lambda payload, depth: frozenset(_unpack(payload, depth)),
    _DATETIME: _read_datetime,
    _DATE: lambda payload, depth: date.fromisoformat(payload.decode()),
    _TIME: _read_time,
    _TIMEDELTA: lambda payload, depth: timedelta(*_unpack(payload, depth)),
    _DECIMAL: lambda payload, depth: Decimal(payload.decode()),
    _UUID: lambda payload, depth: UUID(bytes=payload),
    _INTEGER: lambda payload, depth: int.from_bytes(payload, "big", signed=True),
}

SERIALIZER = Msgpack()
