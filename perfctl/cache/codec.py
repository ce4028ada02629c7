"""A value as it lies on the server: a header (`perfctl.cache.header`), the serialised bytes, and what seals them.

After the header stand the serialised and perhaps compressed bytes, and then the CRC-32 of the key's name on the
server, the header and those bytes. So a blob with a flipped byte, and one that lies under another key than its own,
is no value. Blobs of version 1 have no checksum and are still read.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from zlib import crc32

from perfctl.cache.compressors import COMPRESSORS, NONE, compressor_named, compressor_numbered
from perfctl.cache.header import Header, UndecodableError, read_header, write_header
from perfctl.cache.keys import KeyLayout
from perfctl.cache.meta import Meta
from perfctl.cache.serializers import SERIALIZERS, Serializer, serializer_named, serializer_numbered
from perfctl.config.settings import CacheConfig
from perfctl.errors import UsageError
from perfctl.units import format_bytes

__all__ = ["BlobFacts", "Codec", "Decoded", "UndecodableError", "UnknownDictionaryError", "peek"]

MAX_VALUE_BYTES = 64 * 1024 * 1024
"""No value is longer than this once expanded, whatever its header says."""
MAX_RATIO = 1000
"""Above 1 MiB, no value expands by more than this: what does is a bomb."""

_LEAST_WORTHWHILE_BYTES = 128
"""Below this zstd gains nothing without a dictionary (measured: 0.3 KiB of JSON gains a quarter)."""
_LEAST_GAIN = 0.1
_UNWATCHED_BYTES = 1024 * 1024
_CHECKSUM_BYTES = 4


class UnknownDictionaryError(UndecodableError):
    """A blob that needs a dictionary which this process has not fetched: await `codec.dictionaries.fetch` and retry."""

    def __init__(self, number: int, namespace: str) -> None:
        super().__init__(f"dictionary {number:04x} of namespace {namespace!r} is not here")
        self.number = number
        self.namespace = namespace


class Decoded(NamedTuple):
    """A value and what its blob says of it."""

    value: Any
    meta: Meta


class BlobFacts(NamedTuple):
    """How a blob was made, for `inspect`."""

    serializer: str
    compressor: str
    dictionary: int | None
    key_id: str | None
    decoded_bytes: int
    ratio: float
    """The share of the serialised bytes that the blob takes, header included."""
    meta: Meta


class Codec:
    """Encodes as the configuration says, decodes what any of ours wrote. Safe under threads."""

    def __init__(self, config: CacheConfig, *, layout: KeyLayout | None = None) -> None:
        self._layout = layout or KeyLayout(config.key_prefix)
        self._name = config.serialization_method
        self._compress = config.compression_enabled

    @property
    def serializer(self) -> Serializer:
        """Loaded when the first value needs it. ConfigError where it is not offered."""
        return serializer_named(self._name)

    async def prepare(self) -> None:
        """Look up what encoding needs from elsewhere, such as keys; once, and again only after a failure."""

    def encode(self, name: bytes, value: Any, meta: Meta, *, namespace: str) -> bytes:
        """What to keep under the server's `name`; compressed when that saves a tenth. UsageError when too big."""
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
        content = write_header(SERIALIZERS[self._name] << 4 | compressor, meta, len(raw)) + body
        return content + crc32(content, crc32(name)).to_bytes(_CHECKSUM_BYTES, "big")

    def decode(self, name: bytes, blob: bytes, *, lenient: bool = False) -> Decoded:
        """The value that lies under `name`. UndecodableError for anything that `encode` did not write there; memory
        and depth are bounded. `lenient` gives a readable mapping where a value's class is not registered here."""
        header = read_header(blob)
        serializer = serializer_numbered(header.codec >> 4)
        compressor = compressor_numbered(header.codec & 15)
        if serializer is None or compressor is None:
            raise UndecodableError(f"codec {header.codec:#04x} is unknown")
        body = blob[header.start :] if header.format == 1 else _checked(name, blob, header)
        if header.length > MAX_VALUE_BYTES or not _may_expand(len(body), header.length):
            raise UndecodableError(f"announces {header.length} bytes, which no value of ours has")
        try:
            return Decoded(serializer.loads(compressor.expand(body, header.length)), header.meta)
        except ValueError as error:
            raise UndecodableError(str(error)) from error

    def describe(self, name: bytes, blob: bytes) -> BlobFacts:
        """How a blob was made, without decoding its value. UndecodableError for what is no blob of ours."""
        header = read_header(blob)
        return BlobFacts(
            serializer=_name_of(SERIALIZERS, header.codec >> 4),
            compressor=_name_of(COMPRESSORS, header.codec & 15),
            dictionary=header.dictionary or None,
            key_id=header.key_id.hex() or None,
            decoded_bytes=header.length,
            ratio=len(blob) / max(1, header.length),
            meta=header.meta,
        )

    peek = staticmethod(lambda blob: peek(blob))

    def _compressed(self, raw: bytes) -> tuple[int, bytes]:
        if not self._compress or len(raw) < _LEAST_WORTHWHILE_BYTES:
            return NONE, raw
        packed = compressor_named("zstd").compress(raw)
        if len(packed) > len(raw) * (1 - _LEAST_GAIN) or not _may_expand(len(packed), len(raw)):
            return NONE, raw
        return COMPRESSORS["zstd"], packed


def peek(blob: bytes) -> Meta:
    """What the first bytes of a blob (64 will do; tags that are cut off are left out) say of the value.

    UndecodableError for what is no blob of ours. Nothing but the header is looked at: it may be damaged or forged.
    """
    return read_header(blob, is_head=True).meta


def _checked(name: bytes, blob: bytes, header: Header) -> bytes:
    end = len(blob) - _CHECKSUM_BYTES
    if end < header.start:
        raise UndecodableError("the value is cut off")
    if crc32(memoryview(blob)[:end], crc32(name)) != int.from_bytes(blob[end:], "big"):
        raise UndecodableError("its checksum is wrong: damaged, or written under another key")
    return blob[header.start : end]


def _name_of(table: Any, number: int) -> str:
    return next((name for name, known in table.items() if known == number), f"unknown ({number})")


def _may_expand(packed: int, length: int) -> bool:
    return length <= max(_UNWATCHED_BYTES, packed * MAX_RATIO)
