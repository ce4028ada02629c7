"""Every serializer and compressor gives back what it was given; a file without a row in the table fails."""

from __future__ import annotations

import random
import resource
import zlib
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import perfctl.cache.compressors
import perfctl.cache.serializers
from perfctl.cache.codec import MAX_VALUE_BYTES, Codec, UndecodableError
from perfctl.cache.compressors import COMPRESSORS, compressor_named
from perfctl.cache.meta import Meta
from perfctl.cache.serializers import SERIALIZERS, serializer_named
from perfctl.cache.weight import weigh
from perfctl.config.settings import CacheConfig
from perfctl.errors import UsageError
from tests.campaign import SOAKS, campaign

_PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_JSON = st.recursive(_PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
_KEYS = st.text() | st.integers() | st.dates() | st.tuples(st.integers(), st.text())
_TYPED = st.recursive(
    _PLAIN
    | st.binary()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.sets(st.integers() | st.dates()),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(_KEYS, inner),
    max_leaves=20,
)
_VALUES = {"msgpack": _TYPED, "json": _JSON}

FAR = ZoneInfo("Pacific/Apia")
TYPED_VALUES: tuple[Any, ...] = (
    (), (1, (2, ())), set(), {1}, frozenset({(1, 2)}), b"\x00\xff", "ñ\U0001f600", 2**63, 2**64, -(2**70), [2**80],
    Decimal("1.10"), Decimal("-Infinity"), UUID(int=7), date(1, 1, 1), time(23, 59, 59, 999999), time(1, tzinfo=FAR),
    timedelta(days=-1, microseconds=1), datetime(2026, 2, 28, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    datetime(2026, 4, 5, 3, 30, tzinfo=FAR, fold=1),
    {1: 2, (1, 2): [None, True, 1.5], None: {"x": {"y": (date(2020, 1, 1),)}}}, "x" * 10_000, [[]] * 50,
)  # fmt: skip


NAME = b"perfctl:api:k"
CODEC = Codec(CacheConfig())


def encoded(value: Any, serializer: Any = "msgpack", **settings: Any) -> bytes:
    codec = Codec(CacheConfig(serialization_method=serializer, **settings))
    return codec.encode(NAME, value, Meta(1_800_000_000_000, 3_600_000), namespace="api")


def decoded(blob: bytes) -> Any:
    return CODEC.decode(NAME, blob).value


def shape(value: Any) -> Any:
    """The value with the type of every part, so that True is not 1 and a tuple is no list."""
    if isinstance(value, dict):
        return (dict, [(shape(key), shape(item)) for key, item in value.items()])
    if isinstance(value, (list, tuple)):
        return (type(value), [shape(item) for item in value])
    if isinstance(value, (set, frozenset)):
        return (type(value), {repr(shape(item)) for item in value})
    return (type(value), repr(value))


def test_every_file_has_a_row_and_every_row_a_file() -> None:
    for package, table in ((perfctl.cache.serializers, SERIALIZERS), (perfctl.cache.compressors, COMPRESSORS)):
        files = {file.stem for file in Path(package.__file__ or "").parent.glob("*.py")} - {"__init__"}
        assert files == set(table)
        assert len(set(table.values())) == len(table)
        assert all(0 <= number < 16 for number in table.values())


@pytest.mark.parametrize("name", sorted(SERIALIZERS))
def test_every_serializer_has_values_to_be_tested_with(name: str) -> None:
    assert name in _VALUES


@pytest.mark.parametrize("name", sorted(SERIALIZERS))
@campaign(60, 20_000)
@given(data=st.data())
def test_a_value_comes_back_as_it_was_type_for_type(name: str, data: st.DataObject) -> None:
    value = data.draw(_VALUES[name])
    weigh(value, serializer_named(name))
    assert shape(decoded(encoded(value, name))) == shape(value)


@pytest.mark.parametrize("value", TYPED_VALUES, ids=repr)
def test_msgpack_keeps_every_type_that_it_takes(value: Any) -> None:
    assert weigh(value, serializer_named("msgpack")) > 0
    again = decoded(encoded(value))
    assert shape(again) == shape(value)


def test_a_moment_keeps_its_zone_and_its_fold() -> None:
    again = decoded(encoded(datetime(2026, 4, 5, 3, 30, tzinfo=FAR, fold=1)))
    assert (again.tzinfo, again.fold) == (FAR, 1)


class Stranger:
    """A type that nobody registered."""


class Text(str):
    """A subclass comes back as its base, so it is refused."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("msgpack", {"a": [1, {"b": Stranger()}]}, "Stranger at value['a'][1]['b']"),
        ("msgpack", {Stranger(): 1}, "Stranger at value<key "),
        ("msgpack", [Text("x")], "Text at value[0]"),
        ("msgpack", bytearray(b"x"), "bytearray at value has no form"),
        ("json", {"a": (1, 2)}, "tuple at value['a'] has no form"),
        ("json", {"a": {1: 2}}, "int at value['a'] is a key"),
        ("json", b"x", "bytes at value has no form"),
    ],
)
def test_a_type_that_would_not_come_back_is_refused_with_its_path(name: str, value: Any, complaint: str) -> None:
    with pytest.raises(UsageError) as refusal:
        weigh(value, serializer_named(name))
    assert complaint in refusal.value.message


def test_a_value_that_holds_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(UsageError, match="nests deeper than 60"):
        weigh(circle, serializer_named("msgpack"))


@pytest.mark.parametrize("name", sorted(SERIALIZERS))
def test_text_that_utf8_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot cache a value"):
        encoded({"a": "\ud800"}, name)


@pytest.mark.parametrize("name", sorted(COMPRESSORS))
@campaign(60, 10_000)
@given(data=st.binary(min_size=1, max_size=5000))
def test_bytes_come_back_as_they_were(name: str, data: bytes) -> None:
    compressor = compressor_named(name)
    assert compressor.expand(compressor.compress(data), len(data)) == data


@pytest.mark.parametrize("name", sorted(COMPRESSORS))
def test_another_length_than_announced_is_refused(name: str) -> None:
    compressor = compressor_named(name)
    packed = compressor.compress(b"x" * 1000)
    for length in (0, 999, 1001, 2**40):
        with pytest.raises(ValueError):
            compressor.expand(packed, length)


@pytest.mark.parametrize("name", sorted(COMPRESSORS))
def test_a_truncated_or_damaged_body_is_refused(name: str) -> None:
    compressor = compressor_named(name)
    packed = compressor.compress(bytes(range(256)) * 8)
    with pytest.raises(ValueError):
        compressor.expand(packed[:-1], 2048)
    with pytest.raises(ValueError):
        compressor.expand(packed + b"x", 2048)


def test_a_value_is_compressed_when_that_pays_and_left_alone_when_not() -> None:
    repetitive, noise = "abc" * 1000, random.Random(1).randbytes(3000)
    assert len(encoded(repetitive)) < 100
    assert len(encoded(noise)) <= 3000 + 24
    assert len(encoded(repetitive, compression_enabled=False)) > 3000
    assert len(encoded("short")) == 26


def test_what_only_a_bomb_does_is_never_written_and_never_read() -> None:
    zeros = bytes(20 * 1024 * 1024)
    assert decoded(encoded(zeros)) == zeros
    bomb = compressor_named("zstd").compress(bytes(MAX_VALUE_BYTES))
    announced = bytearray()
    length = MAX_VALUE_BYTES
    while length > 127:
        announced.append(length & 127 | 128)
        length >>= 7
    announced.append(length)
    with pytest.raises(UndecodableError, match="announces"):
        decoded(b"\xc1\x01\x11" + bytes(announced) + bomb)


def test_a_value_over_the_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="the limit is"):
        encoded(bytes(MAX_VALUE_BYTES + 1))


@pytest.mark.parametrize(
    "blob",
    [b"", b"\xc1", b"hello", b'{"a": 1}', b"\xc1\x03\x10\x01\xc0", b"\xc1\x01\xf0\x01\xc0", b"\xc1\x01\x1f\x01\xc0",
     b"\xc1\x01\x10\xff\xff\xff\xff\xff\x01", b"\xc1\x01\x10\x05\xc0", zlib.compress(b"x"), b"\x80\x04K\x01."],
    ids=repr,
)  # fmt: skip
def test_foreign_bytes_are_undecodable(blob: bytes) -> None:
    with pytest.raises(UndecodableError):
        decoded(blob)


def test_mutated_blobs_never_crash_and_never_take_much_memory() -> None:
    dice = random.Random(20_26)
    seeds = [encoded(value, name) for name in SERIALIZERS for value in ({"a": [1, "x" * 300]}, "y" * 2000)]
    seeds += [encoded(value) for value in TYPED_VALUES]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(200_000 if SOAKS else 3_000):
        blob = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 4)):
            blob[dice.randrange(len(blob))] = dice.randrange(256)
        if dice.random() < 0.2:
            del blob[dice.randrange(len(blob)) :]
        try:
            decoded(bytes(blob))
        except UndecodableError:
            continue
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@campaign(200, 100_000)
@given(body=st.binary(max_size=60), codec=st.sampled_from([0x10, 0x20]))
def test_any_body_under_our_header_is_a_value_or_undecodable(body: bytes, codec: int) -> None:
    try:
        decoded(bytes([0xC1, 1, codec, len(body)]) + body)
    except UndecodableError:
        return
