"""Every serializer, compressor and seal gives back what it was given; a file without a row in the table fails."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zlib import crc32
from zoneinfo import ZoneInfo

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

import perfctl.cache.values.compressors
import perfctl.cache.values.serializers
from perfctl.cache.clock import EPOCH_MS
from perfctl.cache.values.codec import MAX_VALUE_BYTES, Codec, UndecodableError, peek
from perfctl.cache.values.compressors import COMPRESSORS, compressor_named
from perfctl.cache.values.header import read_header, varint, write_header
from perfctl.cache.values.meta import Meta
from perfctl.cache.values.serializers import SERIALIZERS, serializer_named
from perfctl.cache.values.weight import weigh, weigh_decoded
from perfctl.config.settings import CacheConfig
from perfctl.errors import ConfigError, UsageError
from tests.campaign import campaign
from tests.codecs import META, NAME, all_codecs, codec_of, decoded, encoded, shape

_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_JSON = st.recursive(_PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
_KEYS = st.text() | st.integers() | st.dates() | st.tuples(st.integers(), st.text())
_ZONES = st.none() | st.just(UTC) | st.sampled_from([ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Apia")])
_TYPED = st.recursive(
    _PLAIN
    | st.binary()
    | st.datetimes(timezones=_ZONES)
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
    | st.frozensets(st.integers())
    | st.sets(st.integers() | st.dates()),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(_KEYS, inner),
    max_leaves=20,
)
VALUES = {"msgpack": _TYPED, "json": _JSON, "pickle": _TYPED}

FAR = ZoneInfo("Pacific/Apia")
TYPED_VALUES: tuple[Any, ...] = (
    (), (1, (2, ())), set(), {1}, frozenset({(1, 2)}), b"\x00\xff", "ñ\U0001f600", 2**63, 2**64, -(2**70), [2**80],
    Decimal("1.10"), Decimal("-Infinity"), UUID(int=7), date(1, 1, 1), time(23, 59, 59, 999999), time(1, tzinfo=FAR),
    timedelta(days=-1, microseconds=1), datetime(2026, 2, 28, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    datetime(2026, 4, 5, 3, 30, tzinfo=FAR, fold=1), -0.0, float("nan"), float("-inf"), Decimal("-0"), Decimal("sNaN"),
    {1: 2, (1, 2): [None, True, 1.5], None: {"x": {"y": (date(2020, 1, 1),)}}}, "x" * 10_000, [[]] * 50,
)  # fmt: skip

_NAMES, _CODECS = zip(*all_codecs(), strict=True)
every_codec = pytest.mark.parametrize("codec", _CODECS, ids=_NAMES)


def test_every_file_has_a_row_and_every_row_a_file() -> None:
    tables = ((perfctl.cache.values.serializers, SERIALIZERS), (perfctl.cache.values.compressors, COMPRESSORS))
    for package, table in tables:
        files = {file.stem for file in Path(package.__file__ or "").parent.glob("*.py")} - {"__init__"}
        assert files == set(table)
        assert len(set(table.values())) == len(table)
        assert all(0 <= number < 16 for number in table.values())


@pytest.mark.parametrize("name", sorted(SERIALIZERS))
def test_every_serializer_has_values_to_be_tested_with(name: str) -> None:
    assert name in VALUES


@every_codec
@campaign(25, 5_000)
@given(data=st.data())
def test_a_value_comes_back_as_it_was_type_for_type(codec: Codec, data: st.DataObject) -> None:
    serializer = codec.serializer_of("api")
    value = data.draw(VALUES[codec.describe(NAME, encoded(1, codec)).serializer])
    assert weigh(value, serializer) >= 0
    assert shape(decoded(encoded(value, codec), codec)) == shape(value)


@pytest.mark.parametrize("value", TYPED_VALUES, ids=repr)
@pytest.mark.parametrize("serializer", ["msgpack", "pickle"])
def test_every_type_that_is_taken_is_kept(serializer: str, value: Any) -> None:
    codec = codec_of(serializer, seal="encrypted")
    assert weigh(value, codec.serializer_of("api")) >= 0
    again = decoded(encoded(value, codec), codec)
    assert shape(again) == shape(value)
    assert weigh_decoded(again) >= 0


def test_a_moment_keeps_its_zone_and_its_fold() -> None:
    again = decoded(encoded(datetime(2026, 4, 5, 3, 30, tzinfo=FAR, fold=1)))
    assert (again.tzinfo, again.fold) == (FAR, 1)


class Stranger:
    """A type that nobody registered."""


class Text(str):
    """A subclass comes back as its base, so it is refused."""

    __slots__ = ()


class OwnZone(tzinfo):
    """A zone that only this program knows."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("msgpack", {"a": [1, {"b": Stranger()}]}, "Stranger at value['a'][1]['b'] has no form"),
        ("msgpack", {Stranger(): 1}, "Stranger at value<key "),
        ("msgpack", {"x": {(Stranger(),): 1}}, "Stranger at value['x']<key "),
        ("msgpack", [Text("x")], "Text at value[0]"),
        ("msgpack", bytearray(b"x"), "bytearray at value has no form"),
        ("msgpack", [datetime(2026, 1, 1, tzinfo=OwnZone())], "datetime.datetime at value[0] has a time zone of type"),
        ("json", {"a": (1, 2)}, "tuple at value['a'] has no form"),
        ("json", {"a": {1: 2}}, "int at value['a'] is a key"),
        ("json", b"x", "bytes at value has no form"),
        ("json", [1 << 20_000], "int at value[0] has too many digits"),
        ("pickle", (Stranger(),), "Stranger at value[0] has no form"),
    ],
)
def test_a_type_that_would_not_come_back_is_refused_with_its_path(name: str, value: Any, complaint: str) -> None:
    with pytest.raises(UsageError) as refusal:
        weigh(value, serializer_named(name))
    assert complaint in refusal.value.message


def test_the_refusal_says_what_to_do() -> None:
    hints = {}
    for name in SERIALIZERS:
        with pytest.raises(UsageError) as refusal:
            weigh(Stranger(), serializer_named(name))
        hints[name] = refusal.value.hint or ""
    assert "register_type" in hints["msgpack"]
    assert "pickle_types" in hints["pickle"]
    assert "serialization_method: msgpack" in hints["json"]


def test_a_value_that_holds_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(UsageError, match="nests deeper than 60"):
        weigh(circle, serializer_named("msgpack"))


@pytest.mark.parametrize("name", sorted(SERIALIZERS))
def test_text_that_utf8_cannot_hold_is_refused_or_kept(name: str) -> None:
    codec = codec_of(name, seal="encrypted")
    if name == "pickle":
        assert decoded(encoded({"a": "\ud800"}, codec), codec) == {"a": "\ud800"}
        return
    with pytest.raises(UsageError, match="cannot cache a value"):
        encoded({"a": "\ud800"}, codec)


@pytest.mark.parametrize("name", sorted(COMPRESSORS))
@campaign(60, 10_000)
@given(data=st.binary(min_size=1, max_size=5000))
def test_bytes_come_back_as_they_were(name: str, data: bytes) -> None:
    compressor = compressor_named(name)
    assert compressor.expand(compressor.compress(data), len(data)) == data


@pytest.mark.parametrize("name", sorted(COMPRESSORS))
@pytest.mark.parametrize("length", [1, 255, 256, 65_535, 65_536, 65_537, 3_000_000])
def test_every_length_comes_back(name: str, length: int) -> None:
    compressor = compressor_named(name)
    data = (b"abcdefgh" * (length // 8 + 1))[:length]
    assert compressor.expand(compressor.compress(data), length) == data


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
    for damaged in (packed[:-1], packed + b"x", b"", packed[:1]):
        with pytest.raises(ValueError):
            compressor.expand(damaged, 2048)


@pytest.mark.parametrize("compressor", sorted(set(COMPRESSORS) - {"none"}))
def test_a_value_is_compressed_when_that_pays_and_left_alone_when_not(compressor: str) -> None:
    codec = codec_of(compressor=compressor)
    repetitive, noise = "abc" * 1000, random.Random(1).randbytes(3000)
    assert len(encoded(repetitive, codec)) < 100
    assert codec.describe(NAME, encoded(repetitive, codec)).compressor == compressor
    assert len(encoded(noise, codec)) <= 3000 + 3 + 23
    assert codec.describe(NAME, encoded(noise, codec)).compressor == "none"
    assert len(encoded(repetitive, codec_of(compressor=compressor, compression_enabled=False))) > 3000


def test_a_small_value_costs_23_bytes_more() -> None:
    assert len(encoded("short")) == 6 + 23


def test_a_value_over_the_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="the limit is"):
        encoded(bytes(MAX_VALUE_BYTES + 1))


_METAS = st.builds(
    Meta,
    created_ms=st.integers(EPOCH_MS, EPOCH_MS + 2**40 - 1),
    fresh_ms=st.none() | st.integers(0, 2**32 - 2) | st.integers(5_000_000, 10**9).map(lambda seconds: seconds * 1000),
    version=st.integers(0, 2**32 - 1),
    tags=st.lists(st.tuples(st.text(max_size=20), st.integers(0, 2**32 - 1)), max_size=5).map(tuple),
    sliding=st.booleans(),
    etag=st.none() | st.text(max_size=30),
)


@campaign(200, 20_000)
@given(meta=_METAS, length=st.integers(0, MAX_VALUE_BYTES))
def test_a_header_says_what_was_written(meta: Meta, length: int) -> None:
    blob = write_header(0x11, meta, length, dictionary=7, flags=2, key_id=b"abcd")
    header = read_header(blob)
    assert (header.meta, header.length, header.start) == (meta, length, len(blob))
    assert (header.dictionary, header.key_id) == (7, b"abcd")


@campaign(200, 20_000)
@given(meta=_METAS)
def test_the_first_64_bytes_tell_all_but_tags_that_are_cut_off(meta: Meta) -> None:
    seen = peek(encoded({"a": 1}, meta=meta)[:64])
    assert seen._replace(tags=(), etag=None) == meta._replace(tags=(), etag=None)
    assert seen.tags == meta.tags[: len(seen.tags)]


def test_a_value_comes_with_what_its_writer_said_of_it() -> None:
    meta = Meta(META.created_ms, None, 7, (("user:7", 1), ("café", 2**32 - 1)), sliding=True, etag='W/"1"')
    codec = codec_of()
    assert codec.decode(NAME, encoded([1], meta=meta)) == ([1], meta)
    facts = codec.describe(NAME, encoded("x" * 900, meta=meta))
    assert (facts.serializer, facts.compressor, facts.decoded_bytes, facts.meta) == ("msgpack", "zstd", 903, meta)
    assert facts.dictionary is None
    assert facts.ratio < 0.1


@pytest.mark.parametrize(
    "meta",
    [META._replace(tags=tuple((str(n), 1) for n in range(256))), META._replace(etag="x" * 5000)],
    ids=["tags", "etag"],
)
def test_more_tags_than_a_header_holds_are_refused(meta: Meta) -> None:
    with pytest.raises(UsageError):
        encoded(1, meta=meta)


@every_codec
def test_a_value_under_another_key_is_undecodable(codec: Codec) -> None:
    with pytest.raises(UndecodableError):
        decoded(encoded({"a": 1}, codec), codec, name=b"perfctl:api:other")


@every_codec
def test_a_flipped_bit_anywhere_is_undecodable(codec: Codec) -> None:
    blob = encoded({"a": [1, "x" * 300], "b": 2.5}, codec)
    for place in range(len(blob)):
        damaged = bytearray(blob)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(UndecodableError):
            decoded(bytes(damaged), codec)


@every_codec
def test_a_value_that_is_cut_off_is_undecodable(codec: Codec) -> None:
    blob = encoded({"a": [1, "x" * 300]}, codec)
    for end in range(len(blob)):
        with pytest.raises(UndecodableError):
            decoded(blob[:end], codec)


def test_values_of_the_first_release_are_still_read() -> None:
    raw = serializer_named("msgpack").dumps(["x" * 100] * 10)
    frame = zstandard.ZstdCompressor(level=1, write_checksum=True).compress(raw)
    assert decoded(b"\xc1\x01\x10\x04" + b"\x81\xa1a\x01") == {"a": 1}
    assert decoded(b"\xc1\x01\x11" + varint(len(raw)) + frame) == ["x" * 100] * 10


@pytest.mark.parametrize(
    "blob",
    [b"", b"\xc1", b"hello", b'{"a": 1}', b"\xc1\x03\x10\x01\xc0", b"\xc1\x01\xf0\x01\xc0", b"\xc1\x01\x1f\x01\xc0",
     b"\xc1\x01\x10\xff\xff\xff\xff\xff\x01", b"\xc1\x01\x10\x05\xc0", b"\x80\x04K\x01.", b"\xc1\x02" + bytes(40),
     b"\xc1\x02" + b"\xff" * 40],
    ids=repr,
)  # fmt: skip
def test_foreign_bytes_are_undecodable(blob: bytes) -> None:
    with pytest.raises(UndecodableError):
        decoded(blob)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [({"serialization_method": "yaml"}, "'yaml' is not offered"), ({"compressor": "lzma"}, "'lzma' is not offered")],
)
def test_what_is_not_offered_is_a_configuration_error(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        Codec(CacheConfig(**settings))
    assert complaint in refusal.value.message


def test_the_crc_of_a_blob_is_a_fingerprint_of_it() -> None:
    """Which a checksum of all that stands before it would spoil: the CRC of that and its own CRC is a constant."""
    dice = random.Random(1)
    blobs = {encoded(dice.randbytes(40)) for _ in range(20_000)}
    assert len({crc32(blob) for blob in blobs}) > 19_990
