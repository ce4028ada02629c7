"""A value as it lies on the server: a header, then the serialised and perhaps compressed bytes.

byte 0     0xC1: a byte that no UTF-8 text, JSON or MessagePack starts with
byte 1     the header's version, 1
byte 2     the serializer's id (high four bits), the compressor's id (low four bits)
then       the length of the serialised bytes, seven bits a byte, the lowest first (LEB128)
then       the bytes
"""

from __future__ import annotations

from typing import Any

from perfctl.cache.compressors import COMPRESSORS, NONE, compressor_named, compressor_numbered
from perfctl.cache.serializers import SERIALIZERS, Serializer, serializer_named, serializer_numbered
from perfctl.errors import UsageError
from perfctl.units import format_bytes

MAX_VALUE_BYTES = 64 * 1024 * 1024
"""No value is longer than this once expanded, whatever its header says."""
MAX_RATIO = 1000
"""Above 1 MiB, no value expands by more than this: what does is a bomb."""

_MAGIC = 0xC1
_VERSION = 1
_LEAST_WORTHWHILE_BYTES = 128
"""Below this zstd gains nothing without a dictionary (measured: 0.3 KiB of JSON gains a quarter)."""
_LEAST_GAIN = 0.1
_UNWATCHED_BYTES = 1024 * 1024


class UndecodableError(ValueError):
    """Bytes that are not a value of ours: foreign, damaged, or made to harm."""


class Codec:
    """Encodes with one serializer and at most one compressor, decodes what any of ours wrote."""

    def __init__(self, serializer: str = "msgpack", *, compress: bool = True) -> None:
        self._name = serializer
        self._compress = compress

    @property
    def serializer(self) -> Serializer:
        """Loaded when the first value needs it. ConfigError where it is not offered."""
        return serializer_named(self._name)

    def encode(self, value: Any) -> bytes:
        """The value's bytes with their header; compressed when that saves a tenth. UsageError when too big."""
        try:
            raw = self.serializer.dumps(value)
        except ValueError as error:
            raise UsageError(f"cannot cache a value: {error}", hint="text must be valid Unicode") from error
        if len(raw) > MAX_VALUE_BYTES:
            raise UsageError(
                f"cannot cache a value of {format_bytes(len(raw))}: the limit is {format_bytes(MAX_VALUE_BYTES)}",
                hint="cache its parts under keys of their own",
            )
        compressor, body = self._compressed(raw)
        return bytes((_MAGIC, _VERSION, SERIALIZERS[self._name] << 4 | compressor)) + _varint(len(raw)) + body

    def decode(self, blob: bytes) -> Any:
        """The value again. UndecodableError for anything that `encode` did not write; memory and depth are bounded."""
        return decode(blob)

    def _compressed(self, raw: bytes) -> tuple[int, bytes]:
        if not self._compress or len(raw) < _LEAST_WORTHWHILE_BYTES:
            return NONE, raw
        packed = compressor_named("zstd").compress(raw)
        if len(packed) > len(raw) * (1 - _LEAST_GAIN) or not _may_expand(len(packed), len(raw)):
            return NONE, raw
        return COMPRESSORS["zstd"], packed


def decode(blob: bytes) -> Any:
    """The value in a blob of any of our codecs. UndecodableError for every other bytes."""
    if len(blob) < 4 or blob[0] != _MAGIC:
        raise UndecodableError("no header of ours")
    if blob[1] != _VERSION:
        raise UndecodableError(f"header version {blob[1]} is unknown")
    serializer = serializer_numbered(blob[2] >> 4)
    compressor = compressor_numbered(blob[2] & 15)
    if serializer is None or compressor is None:
        raise UndecodableError(f"codec {blob[2]:#04x} is unknown")
    length, start = _read_varint(blob, 3)
    if length > MAX_VALUE_BYTES or not _may_expand(len(blob) - start, length):
        raise UndecodableError(f"announces {length} bytes, which no value of ours has")
    try:
        return serializer.loads(compressor.expand(blob[start:], length))
    except ValueError as error:
        raise UndecodableError(str(error)) from error


def _may_expand(packed: int, length: int) -> bool:
    return length <= max(_UNWATCHED_BYTES, packed * MAX_RATIO)


def _varint(number: int) -> bytes:
    """LEB128, as in DWARF and protobuf.

    >>> _varint(300)
    b'\\xac\\x02'
    """
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _read_varint(blob: bytes, start: int) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(blob[start : start + 5]):
        number |= (byte & 127) << (7 * place)
        if byte < 128:
            return number, start + place + 1
    raise UndecodableError("its length does not end")
