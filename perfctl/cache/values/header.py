"""The bytes in front of a stored value: their layout, written and read.

byte 0       0xC1: a byte that no UTF-8 text, JSON or MessagePack starts with
byte 1       the header's version, 2
byte 2       the serializer's id (high four bits), the compressor's id (low four bits)
byte 3       flags: 1 dictionary, 2 encrypted, 4 signed, 8 tags, 16 etag, 32 sliding, 64 fresh in seconds, 128 long
bytes 4-7    the namespace's version
bytes 8-12   when it was written, in ms since 2020-01-01 UTC
bytes 13-16  how long it is fresh, in ms or (flag 64) in seconds; 0xFFFFFFFF: it never expires
bytes 17-18  the length of the serialised bytes, (flag 128) without its higher 16 bits
[2 bytes]    flag 128: the higher 16 bits of the length
[2 bytes]    flag 1: the id of the zstd dictionary
[4 bytes]    flags 2 and 4: the id of the key
[tags]       flag 8: how many, and for each the length of its UTF-8, the UTF-8, and its version in 4 bytes
[etag]       flag 16: the length of its UTF-8, and the UTF-8

Numbers of fixed size are big-endian; counts and lengths of texts are seven bits a byte, the lowest first (LEB128). The
body follows; how it ends is told in `codec`. Version 1 (the first release) had, after byte 2, the length
of the serialised bytes in LEB128, and the body.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from perfctl.cache.clock import EPOCH_MS
from perfctl.cache.values.meta import Meta
from perfctl.errors import UsageError

MAGIC = 0xC1
FORMAT = 0xC102
"""The first two bytes, the magic one and the version."""
FORMAT_1 = 0xC101
DICTIONARY, ENCRYPTED, SIGNED = 1, 2, 4
TAGS, ETAG, SLIDING, SECONDS, LONG = 8, 16, 32, 64, 128

_LATEST_MS = 2**40 - 1
NEVER = 0xFFFFFFFF
MAX_TAGS = 255
MAX_TEXT_BYTES = 4096
"""The most that a tag or an etag takes."""

HEAD = Struct(">HBBIBIIH")
"""The part that every header has."""
COMMON_HEAD = Struct(">IIBIIHH")
"""The same with its first four bytes as one number, and the id of a dictionary after it, if there is one."""
_pack_common = COMMON_HEAD.pack
_OLD_META = Meta(EPOCH_MS, None)


class UndecodableError(ValueError):
    """Bytes that are not a value of ours: foreign, damaged, or made to harm."""


class Header(NamedTuple):
    """What stands in front of a body."""

    format: int
    codec: int
    flags: int
    length: int
    """Of the serialised bytes, before they were compressed."""
    start: int
    """Where the body begins."""
    dictionary: int
    key_id: bytes
    meta: Meta


def write_header(
    codec: int, meta: Meta, length: int, *, dictionary: int | None = None, flags: int = 0, key_id: bytes = b""
) -> bytes:
    """The bytes in front of a body; `flags` are ENCRYPTED or SIGNED, with the key's id of 4 bytes."""
    created_ms, fresh_ms, version, tags, sliding, etag = meta
    created = created_ms - EPOCH_MS
    if not 0 <= created <= _LATEST_MS:
        created = min(max(created, 0), _LATEST_MS)
    fresh = NEVER if fresh_ms is None else fresh_ms
    if fresh > NEVER - 1 and fresh_ms is not None:
        fresh = min(fresh // 1000, NEVER - 1)
        flags |= SECONDS
    tail = b""
    if length > 0xFFFF:
        flags |= LONG
        tail = (length >> 16).to_bytes(2, "big")
    if dictionary is not None:
        flags |= DICTIONARY
        tail += dictionary.to_bytes(2, "big")
    tail += key_id
    if sliding:
        flags |= SLIDING
    if tags or etag is not None:
        flags |= (TAGS if tags else 0) | (ETAG if etag is not None else 0)
        tail += _texts(meta)
    head = HEAD.pack(
        FORMAT, codec, flags, version & 0xFFFFFFFF, created >> 32, created & 0xFFFFFFFF, fresh, length & 0xFFFF
    )
    return head + tail if tail else head


def write_small_header(first: int, meta: Meta, length: int, dictionary: int) -> bytes:
    """The same for values with a dictionary, most of which have neither tags nor the like; `first` are the first four
    bytes of such a header as one number, `length` is below 64 KiB."""
    created_ms, fresh_ms, version, tags, sliding, etag = meta
    created = created_ms - EPOCH_MS
    fresh = NEVER if fresh_ms is None else fresh_ms
    has_more = tags or sliding or etag is not None or (fresh >= NEVER and fresh_ms is not None)
    if has_more or not 0 <= created <= _LATEST_MS:
        return write_header(first >> 8 & 0xFF, meta, length, dictionary=dictionary)
    return _pack_common(first, version & 0xFFFFFFFF, created >> 32, created & 0xFFFFFFFF, fresh, length, dictionary)


def refuse_meta(meta: Meta) -> None:
    """UsageError for tags or an etag that a header cannot hold."""
    if len(meta.tags) > MAX_TAGS:
        raise UsageError(f"a value has {len(meta.tags)} tags: the limit is {MAX_TAGS}", hint="use a namespace")
    for text in (*(tag for tag, _ in meta.tags), meta.etag or ""):
        if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
            raise UsageError(
                f"a tag or etag has over {MAX_TEXT_BYTES} bytes: {text[:40]!r}...", hint="use a digest of it"
            )


def read_header(blob: bytes, *, is_head: bool = False) -> Header:
    """The header of a blob. UndecodableError for every other bytes.

    `is_head`: only the blob's first bytes are given; tags and etag that are cut off are left out.
    """
    if len(blob) < 4 or blob[0] != FORMAT >> 8:
        raise UndecodableError("no header of ours")
    if blob[1] == FORMAT_1 & 0xFF:
        length, start = read_varint(blob, 3)
        return Header(1, blob[2], 0, length, start, 0, b"", _OLD_META)
    if blob[1] != FORMAT & 0xFF:
        raise UndecodableError(f"header version {blob[1]} is unknown")
    if len(blob) < HEAD.size:
        raise UndecodableError("the header is cut off")
    _, codec, flags, version, high, low, fresh, length = HEAD.unpack_from(blob)
    start = HEAD.size
    if flags & LONG:
        length |= int.from_bytes(blob[start : start + 2], "big") << 16
        start += 2
    dictionary, key_id, start = _ids(blob, flags, start)
    tags: tuple[tuple[str, int], ...] = ()
    etag = None
    if flags & (TAGS | ETAG):
        tags, etag, start = _read_texts(blob, flags, start, is_head)
    meta = Meta((high << 32 | low) + EPOCH_MS, fresh_of(fresh, flags), version, tags, bool(flags & SLIDING), etag)
    return Header(2, codec, flags, length, start, dictionary, key_id, meta)


def fresh_of(fresh: int, flags: int) -> int | None:
    """How long a value is fresh, in ms; None for ever."""
    if fresh == NEVER:
        return None
    return fresh * 1000 if flags & SECONDS else fresh


def varint(number: int) -> bytes:
    """LEB128, as in DWARF and protobuf.

    >>> varint(300)
    b'\\xac\\x02'
    """
    if number < 128:
        return bytes((number,))
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_varint(blob: bytes, start: int) -> tuple[int, int]:
    """The number at `start`, and where it ends. UndecodableError when it does not end within 8 bytes."""
    number = 0
    for place, byte in enumerate(blob[start : start + 8]):
        number |= (byte & 127) << (7 * place)
        if byte < 128:
            return number, start + place + 1
    raise UndecodableError("a number in the header does not end")


def _ids(blob: bytes, flags: int, start: int) -> tuple[int, bytes, int]:
    dictionary = 0
    if flags & DICTIONARY:
        dictionary = int.from_bytes(blob[start : start + 2], "big")
        start += 2
    key_id = b""
    if flags & (ENCRYPTED | SIGNED):
        key_id = blob[start : start + 4]
        start += 4
    if start > len(blob):
        raise UndecodableError("the header is cut off")
    return dictionary, key_id, start


def _texts(meta: Meta) -> bytes:
    parts = []
    if meta.tags:
        parts.append(varint(len(meta.tags)))
        for tag, version in meta.tags:
            parts += _text(tag), (version & 0xFFFFFFFF).to_bytes(4, "big")
    if meta.etag is not None:
        parts.append(_text(meta.etag))
    return b"".join(parts)


def _text(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return varint(len(raw)) + raw


def _read_texts(
    blob: bytes, flags: int, start: int, is_head: bool
) -> tuple[tuple[tuple[str, int], ...], str | None, int]:
    tags: list[tuple[str, int]] = []
    etag = None
    try:
        if flags & TAGS:
            count, start = read_varint(blob, start)
            for _ in range(min(count, MAX_TAGS)):
                tag, start = _read_text(blob, start)
                if start + 4 > len(blob):
                    raise UndecodableError("the header is cut off")
                tags.append((tag, int.from_bytes(blob[start : start + 4], "big")))
                start += 4
        if flags & ETAG:
            etag, start = _read_text(blob, start)
    except UndecodableError:
        if not is_head:
            raise
    return tuple(tags), etag, start


def _read_text(blob: bytes, start: int) -> tuple[str, int]:
    size, start = read_varint(blob, start)
    end = start + size
    if end > len(blob) or size > MAX_TEXT_BYTES:
        raise UndecodableError("the header is cut off")
    try:
        return blob[start:end].decode("utf-8", "surrogatepass"), end
    except UnicodeDecodeError as error:
        raise UndecodableError("a name in the header is not UTF-8") from error
