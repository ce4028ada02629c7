"""MessagePack with extension types, so that tuples, sets, dates, Decimals, UUIDs and the values of registered
classes come back as what they were.

Read by msgspec where that is installed (half the time), else by msgpack; both read the same bytes. msgspec takes
longer to import than a command may wait, so it is taken up after some reads.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgpack

from perfctl.cache.values.types import form_named, form_of

_MAX_EXTENSION_DEPTH = 64
"""How deep extension types may nest in bytes from outside; `weigh` lets nothing deeper out."""

# The codes stand in stored values: never change one, never use one again.
_TUPLE, _SET, _FROZENSET, _DATETIME, _DATE, _TIME, _TIMEDELTA, _DECIMAL, _UUID, _INTEGER, _RECORD = range(1, 12)

Unpack = Callable[[Any], Any]
"""The reader of the bytes within an extension type: one level deeper."""


class Msgpack:
    """The default: compact, quick, and safe to read from a shared server."""

    scalars = frozenset({type(None), bool, int, float, str, bytes, datetime, date, time, timedelta, Decimal, UUID})
    containers = frozenset({list, dict, tuple, set, frozenset})
    any_keys = True
    hint = (
        "name its class in the function's return annotation or with perfctl.register_type, or cache a dict, list, "
        "tuple, set, text, number, bytes, date, Decimal or UUID made of it"
    )

    def parts(self, value: Any) -> Iterable[tuple[str, Any]] | None:
        """The fields of a registered class."""
        form = form_of(type(value))
        return None if form is None else [(f".{name}", part) for name, part in form.take(value).items()]

    def fault(self, value: Any) -> str | None:
        """A moment keeps its time zone only where that is a `zoneinfo.ZoneInfo` or a `datetime.timezone`."""
        if type(value) is datetime or type(value) is time:
            zone = value.tzinfo
            if zone is not None and type(zone) is not timezone and not _is_named(zone):
                return f"has a time zone of type {type(zone).__name__}: use zoneinfo"
        return None

    dumps: Callable[[Any], bytes]
    """Type for type: a subclass is not taken for its base."""
    unpack: Callable[..., Any]
    failures: tuple[type[Exception], ...]

    def __init__(self, *, reader: str | None = None) -> None:
        """`reader` is msgpack or msgspec; None takes msgspec where it is loaded, or once many values were read."""
        self._reads = 0
        self.dumps = _packed
        self._take("msgspec" if reader is None and "msgspec" in sys.modules else reader or "msgpack")
        self._first = self.unpack
        if reader is None and "msgspec" not in sys.modules:
            self.unpack = self._count

    def loads(self, data: bytes, *, lenient: bool = False) -> Any:
        """ValueError for bytes that `dumps` never wrote."""
        try:
            return self._lenient(data) if lenient else self.unpack(data)
        except ValueError:
            raise
        except self.failures as error:
            raise ValueError(f"not a value of ours: {error}") from error

    def _take(self, reader: str) -> None:
        unpacker, self.failures = _msgspec_unpacker() if reader == "msgspec" else (_msgpack_unpacker, _FAILURES)
        self.unpack = _chain(_READERS, unpacker)
        self._lenient = _chain({**_READERS, _RECORD: _read_record_leniently}, unpacker)

    def _count(self, data: bytes) -> Any:
        """The first reader: hands over to msgspec after some values, where that is installed."""
        self._reads += 1
        if self._reads == _MANY_READS:
            with contextlib.suppress(ImportError):
                self._take("msgspec")
                return self.unpack(data)
        return self._first(data)


_MANY_READS = 100


_packers: list[msgpack.Packer] = []
"""Threads share them, and so do the levels of one value: making one costs as much as packing a small value."""
_LARGEST_KEPT_BYTES = 1024 * 1024


def _packed(value: Any) -> bytes:
    try:
        packer = _packers.pop()
    except IndexError:
        packer = msgpack.Packer(default=_extension, strict_types=True)
    try:
        packed: bytes = packer.pack(value)
    except OverflowError:
        return _packed(_narrowed(value))
    if len(packed) < _LARGEST_KEPT_BYTES:
        _packers.append(packer)
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
    writer = _WRITERS.get(type(value))
    if writer is None:
        return msgpack.ExtType(_RECORD, _write_record(value))
    code, payload = writer(value)
    return msgpack.ExtType(code, payload)


def _write_record(value: Any) -> bytes:
    """The class's registered name, the fingerprint of its schema, and what the value holds."""
    form = form_of(type(value))
    if form is None:
        raise ValueError(f"{type(value).__qualname__} is not registered")
    return _packed([form.name, form.fingerprint, form.take(value)])


def _write_clock(value: datetime | time) -> bytes:
    """The local time with its offset, the fold, and the zone's name where it has one."""
    return _packed([value.isoformat(), value.fold, getattr(value.tzinfo, "key", None)])


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


def _read_list(payload: Any, unpack: Unpack) -> list[Any]:
    parts = unpack(payload)
    if type(parts) is not list:
        raise ValueError("a list was announced, and something else stands there")
    return parts


def _read_datetime(payload: Any, unpack: Unpack) -> datetime:
    text, fold, zone = _read_list(payload, unpack)
    moment = datetime.fromisoformat(text).replace(fold=fold)
    return moment if zone is None else moment.replace(tzinfo=_zone(zone))


def _read_time(payload: Any, unpack: Unpack) -> time:
    text, fold, zone = _read_list(payload, unpack)
    clock = time.fromisoformat(text).replace(fold=fold)
    return clock if zone is None else clock.replace(tzinfo=_zone(zone))


def _is_named(zone: tzinfo) -> bool:
    from zoneinfo import ZoneInfo

    return type(zone) is ZoneInfo and bool(zone.key)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"time zone {name!r} is not known here") from error


def _read_record(payload: Any, unpack: Unpack) -> Any:
    """A value of a registered class; nothing is imported, and no class is looked for, by what stands in a blob."""
    name, fingerprint, state = _record(payload, unpack)
    form = form_named(name)
    if form is None:
        raise ValueError(f"class {name!r} is not registered here: name it in a return annotation or register_type")
    if form.fingerprint != fingerprint:
        raise ValueError(f"class {name!r} has changed since this was written")
    return form.make(state)


def _read_record_leniently(payload: Any, unpack: Unpack) -> Any:
    name, fingerprint, state = _record(payload, unpack)
    form = form_named(name)
    if form is None or form.fingerprint != fingerprint:
        return {"__type__": name, **state}
    try:
        return form.make(state)
    except ValueError:
        return {"__type__": name, **state}


def _record(payload: Any, unpack: Unpack) -> tuple[str, int, dict[str, Any]]:
    name, fingerprint, state = _read_list(payload, unpack)
    if type(name) is not str or type(state) is not dict or any(type(field) is not str for field in state):
        raise ValueError("not a record of ours")
    return name, fingerprint, state


_READERS: Mapping[int, Callable[[Any, Unpack], Any]] = {
    _TUPLE: lambda payload, unpack: tuple(_read_list(payload, unpack)),
    _SET: lambda payload, unpack: set(_read_list(payload, unpack)),
    _FROZENSET: lambda payload, unpack: frozenset(_read_list(payload, unpack)),
    _DATETIME: _read_datetime,
    _DATE: lambda payload, unpack: date.fromisoformat(str(payload, "utf-8")),
    _TIME: _read_time,
    _TIMEDELTA: lambda payload, unpack: timedelta(*_read_list(payload, unpack)),
    _DECIMAL: lambda payload, unpack: Decimal(str(payload, "utf-8")),
    _UUID: lambda payload, unpack: UUID(bytes=bytes(payload)),
    _INTEGER: lambda payload, unpack: int.from_bytes(payload, "big", signed=True),
    _RECORD: _read_record,
}


Hook = Callable[[int, Any], Any]
"""What makes a value of an extension type's code and bytes."""

_FAILURES: tuple[type[Exception], ...] = (
    TypeError,
    OverflowError,
    ArithmeticError,
    RecursionError,
    msgpack.UnpackException,
)


def _msgpack_unpacker(hook: Hook) -> Unpack:
    def unpack(data: Any) -> Any:
        return msgpack.unpackb(data, raw=False, strict_map_key=False, ext_hook=hook)

    return unpack


def _msgspec_unpacker() -> tuple[Callable[[Hook], Unpack], tuple[type[Exception], ...]]:
    import msgspec

    def unpacker(hook: Hook) -> Unpack:
        return msgspec.msgpack.Decoder(ext_hook=hook).decode

    return unpacker, (*_FAILURES, msgspec.MsgspecError)


def _chain(readers: Mapping[int, Callable[[Any, Unpack], Any]], unpacker: Callable[[Hook], Unpack]) -> Unpack:
    """A reader a level, each of which hands extension types to the next; the last one refuses them."""

    def refuse(code: int, payload: Any) -> Any:
        raise ValueError("extension types nest too deep")

    unpack = unpacker(refuse)
    for _ in range(_MAX_EXTENSION_DEPTH):
        unpack = unpacker(_revive_with(readers, unpack))
    return unpack


def _revive_with(readers: Mapping[int, Callable[[Any, Unpack], Any]], deeper: Unpack) -> Hook:
    def revive(code: int, payload: Any) -> Any:
        reader = readers.get(code)
        if reader is None:
            raise ValueError(f"extension type {code} is unknown")
        return reader(payload, deeper)

    return revive


SERIALIZER = Msgpack()
