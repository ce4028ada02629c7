"""Bytes from a server that anybody may have written: a value or undecodable, never a crash, never code, never much
memory. A sample of each campaign by default, 100,000 blobs and more a codec with PERFCTL_SOAK=1."""

from __future__ import annotations

import gzip
import random
import resource
import tracemalloc
from dataclasses import dataclass
from typing import Any

import brotli
import msgpack
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from perfctl import register_type
from perfctl.cache.values.codec import MAX_VALUE_BYTES, Codec, UndecodableError, peek
from perfctl.cache.values.compressors import COMPRESSORS
from perfctl.cache.values.endings import checksum
from perfctl.cache.values.header import read_header, write_header
from perfctl.cache.values.meta import Meta
from perfctl.cache.values.serializers import SERIALIZERS
from perfctl.cache.values.serializers.msgpack import Msgpack
from tests.campaign import SOAKS, campaign
from tests.codecs import META, NAME, Pickled, all_codecs, codec_of, decoded, encoded

_NAMES, _CODECS = zip(*all_codecs(), strict=True)
every_codec = pytest.mark.parametrize("codec", _CODECS, ids=_NAMES)

RAN: list[str] = []


@register_type
@dataclass
class Known:
    """A registered class, whose constructor and hooks no blob may run."""

    x: Any

    def __post_init__(self) -> None:
        RAN.append("post_init")

    def __setstate__(self, state: Any) -> None:
        RAN.append("setstate")

    def __reduce__(self) -> Any:
        RAN.append("reduce")
        return (RAN.append, ("reduced",))


def _seeds(codec: Codec) -> list[bytes]:
    serializer = codec.describe(NAME, encoded(1, codec)).serializer
    values: list[Any] = [{"a": [1, "x" * 300]}, "y" * 2000, [[[]]], 1.5, None, {"k": {"l": {"m": [True] * 40}}}]
    if serializer != "json":
        values += [(1, (2, {3})), {"t": META.created_ms, 5: b"\x00" * 200}]
    if serializer == "msgpack":
        values += [[Known(1), Known([Known("z" * 200)])]]
    if serializer == "pickle":
        values += [Pickled({"a": 1}), [Pickled("z" * 200)] * 3]
    meta = Meta(META.created_ms, 5_000, 7, (("t", 1), ("u", 2)), etag="e")
    return [encoded(value, codec, meta=meta if index % 3 == 0 else META) for index, value in enumerate(values)]


def _mutated(blob: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(blob)
    for _ in range(dice.randint(1, 4)):
        damaged[dice.randrange(len(damaged))] = dice.randrange(256)
    if dice.random() < 0.2:
        del damaged[dice.randrange(len(damaged)) :]
    if dice.random() < 0.1:
        damaged += dice.randbytes(dice.randint(1, 30))
    return bytes(damaged)


def _resealed(blob: bytes, dice: random.Random) -> bytes:
    """A mutation behind a right checksum, as a writer of bad faith would make it."""
    damaged = _mutated(blob[:-4], dice)
    try:
        start = read_header(damaged).start
    except UndecodableError:
        return damaged
    return damaged + checksum(NAME, damaged[:start], damaged[start:])


@every_codec
def test_mutated_blobs_never_crash_never_run_code_and_never_take_much_memory(codec: Codec) -> None:
    dice = random.Random(20_26)
    seeds = _seeds(codec)
    RAN.clear()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(100_000 if SOAKS else 400):
        blob = dice.choice(seeds)
        for damaged in (_mutated(blob, dice), _resealed(blob, dice)):
            for lenient in (False, True):
                try:
                    codec.decode(NAME, damaged, lenient=lenient)
                except UndecodableError:
                    continue
    assert RAN == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


@pytest.mark.parametrize("reader", ["msgpack", "msgspec"])
@campaign(300, 100_000)
@given(body=st.binary(max_size=80))
def test_any_bytes_are_a_value_or_no_value_for_each_reader(reader: str, body: bytes) -> None:
    RAN.clear()
    for lenient in (False, True):
        try:
            _READERS[reader].loads(body, lenient=lenient)
        except ValueError:
            continue
    assert RAN == []


_READERS = {reader: Msgpack(reader=reader) for reader in ("msgpack", "msgspec")}


@campaign(300, 100_000)
@given(body=st.binary(max_size=60), codec=st.integers(0, 255), flags=st.integers(0, 255), length=st.integers(0, 200))
def test_any_body_under_our_header_is_a_value_or_undecodable(body: bytes, codec: int, flags: int, length: int) -> None:
    header = bytearray(write_header(codec, META, length))
    header[3] = flags
    content = bytes(header) + body
    try:
        start = read_header(content).start
        decoded(content + checksum(NAME, content[:start], content[start:]))
    except UndecodableError:
        return


@campaign(300, 100_000)
@given(head=st.binary(max_size=64))
def test_any_head_is_peeked_at_or_undecodable(head: bytes) -> None:
    for blob in (head, b"\xc1\x02" + head, b"\xc1\x01" + head):
        try:
            peek(blob)
        except UndecodableError:
            continue


_MIB = 1024 * 1024


def _bomb(compressor: str, content: bytes) -> bytes:
    if compressor == "zstd":
        return zstandard.ZstdCompressor(level=1, write_checksum=False).compress(content)[4:]
    if compressor == "brotli":
        return brotli.compress(content, quality=5)
    return gzip.compress(content, 1)


def _forged(serializer: str, compressor: str, body: bytes, length: int) -> bytes:
    header = write_header(SERIALIZERS[serializer] << 4 | COMPRESSORS[compressor], META, length)
    return header + body + checksum(NAME, header, body)


@pytest.mark.parametrize("compressor", sorted(set(COMPRESSORS) - {"none"}))
@pytest.mark.parametrize("announced", [100, 60_000, 8 * _MIB, MAX_VALUE_BYTES, MAX_VALUE_BYTES * 4])
def test_a_bomb_is_undecodable_whatever_it_announces(compressor: str, announced: int) -> None:
    """64 MiB of zeros in a few KiB, or less: as many bytes as are announced are ever made."""
    blob = _forged("msgpack", compressor, _bomb(compressor, bytes(MAX_VALUE_BYTES)), announced)
    tracemalloc.start()
    with pytest.raises(UndecodableError):
        decoded(blob)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * min(announced, MAX_VALUE_BYTES) + 3 * _MIB


@pytest.mark.parametrize("serializer", ["msgpack", "json"])
@pytest.mark.parametrize("compressor", sorted(set(COMPRESSORS) - {"none"}))
def test_containers_without_end_are_undecodable(serializer: str, compressor: str) -> None:
    if serializer == "msgpack":
        content = b"\xdd" + (20 * _MIB).to_bytes(4, "big") + b"\x90" * (20 * _MIB)
    else:
        content = b"[" + b"[]," * (7 * _MIB) + b"1]"
    packed = _bomb(compressor, content)
    tracemalloc.start()
    with pytest.raises(UndecodableError):
        decoded(_forged(serializer, compressor, packed, len(content)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * _MIB


def test_what_looks_like_a_bomb_and_is_none_comes_back() -> None:
    for value in ([[]] * 300_000, bytes(5 * _MIB), "x" * (3 * _MIB)):
        for serializer in ("msgpack", "json"):
            if serializer == "json" and isinstance(value, bytes):
                continue
            codec = codec_of(serializer)
            assert decoded(encoded(value, codec), codec) == value


@pytest.mark.parametrize("reader", ["msgpack", "msgspec"])
@pytest.mark.parametrize(
    "body",
    [b"\x91" * 200_000, b"\x81\x01" * 200_000, b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff\xc0",
     b"\xdb\xff\xff\xff\xff",
     b"\xc9\xff\xff\xff\xff\x01", b"\x81\x80\x01", b"\xc7\x00\x0b", b"\xd4\x0b\xc0", b"\xc7\x02\x02\x91\x90"],
    ids=lambda body: body[:6].hex(),
)  # fmt: skip
def test_what_nests_or_announces_without_end_is_no_value(body: bytes, reader: str) -> None:
    with pytest.raises(ValueError):
        Msgpack(reader=reader).loads(body)


@pytest.mark.parametrize("reader", ["msgpack", "msgspec"])
def test_extension_types_nest_64_deep_and_no_deeper(reader: str) -> None:
    def nested(depth: int) -> bytes:
        body = b"\xc0"
        for _ in range(depth):
            body = msgpack.packb(msgpack.ExtType(1, b"\x91" + body))
        return body

    assert Msgpack(reader=reader).loads(nested(64)) is not None
    with pytest.raises(ValueError, match="too deep"):
        Msgpack(reader=reader).loads(nested(65))
    with pytest.raises(ValueError):
        Msgpack(reader=reader).loads(nested(3000))


def test_json_that_nests_without_end_is_undecodable() -> None:
    body = b"[" * 100_000
    with pytest.raises(UndecodableError):
        decoded(_forged("json", "none", body, len(body)))


@pytest.mark.parametrize(
    "record",
    [["os.system", 0, {"x": 1}], ["builtins.eval", 0, {}], ["subprocess.Popen", 0, {"args": "true"}], ["", 0, {}],
     [f"{__name__}.Canary", 0, {}], [1, 2, 3], {}, [f"{__name__}.Known", 0, {"x": 1}]],
    ids=repr,
)  # fmt: skip
def test_a_name_in_a_blob_imports_nothing(record: Any) -> None:
    body = msgpack.packb(msgpack.ExtType(11, msgpack.packb(record)))
    RAN.clear()
    with pytest.raises(UndecodableError):
        decoded(_forged("msgpack", "none", body, len(body)))
    assert RAN == []


def test_half_an_object_is_never_made() -> None:
    from perfctl.cache.values.types import form_of

    form = form_of(Known)
    assert form is not None
    for state in ({}, {"y": 1}, {"x": 1, "__class__": 5}, {"x": 1, "__dict__": 3}):
        body = msgpack.packb(msgpack.ExtType(11, msgpack.packb([form.name, form.fingerprint, state])))
        with pytest.raises(UndecodableError):
            decoded(_forged("msgpack", "none", body, len(body)))


def test_a_header_with_every_part_is_read_again() -> None:
    assert read_header(write_header(17, META, 70_000)).length == 70_000
