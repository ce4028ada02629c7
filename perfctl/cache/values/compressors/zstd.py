"""Zstandard at level 3, with or without a dictionary: what measures best on values from 128 bytes up.

Stored without what the header of the blob says already: the frame's magic number and, up to 64 KiB, its own header,
which follows from the length alone. At 0.3 KiB that is 3 % of the value. There is no checksum in the frame either:
the blob has one. Blobs of version 1 hold whole frames.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

import zstandard

LEVEL = 3
"""Measured on pages of JSON with a dictionary: one point smaller than level 1, at a third more of a small cost."""
_LARGE_LEVEL, _LARGE_BYTES = 2, 1024
"""From so many bytes on, with a dictionary: a fifth less time for one point."""
_HASH_LOG, _CHAIN_LOG = 14, 13
"""The tables of a dictionary of 16 KiB, as powers of 2. zstd would make them eight times as large, which leave the
processor's cache between two values: measured on values of 0.3 and 2 KiB of many namespaces, two thirds of the time
for 0.2 % of the bytes."""
_MAX_WINDOW_BYTES = 8 * 1024 * 1024

_MAGIC = b"\x28\xb5\x2f\xfd"
_BARE_BYTES = 64 * 1024
_MAGIC_NUMBER = 0xFD2FB528
_SHORT_HEADS = tuple(Struct("<IBB").pack(_MAGIC_NUMBER, 0x20, length) for length in range(256))
_pack_middle = Struct("<IBH").pack


class Zstd:
    """Contexts in a pool that threads share: making one costs ~25 us, more than compressing a small value.

    Bytes after a frame are refused by `allow_extra_data`, the last argument of `decompress`; by its name it would cost
    as much again as expanding a small value.
    """

    def __init__(self, content: bytes | None = None) -> None:
        """`content` is that of a dictionary. ValueError for bytes that are none."""
        self._content = content
        self._dictionary = None if content is None else _prepared(content, LEVEL)
        self._large_dictionary: zstandard.ZstdCompressionDict | None = None
        self._writers: list[Any] = []
        self._large_writers: list[Any] = [] if content is not None else self._writers
        self._readers: list[Any] = []

    def compress(self, data: bytes) -> bytes:
        """One frame, without the parts that `expand` adds again."""
        length = len(data)
        writers = self._writers if length < _LARGE_BYTES else self._large_writers
        try:
            context = writers.pop()
        except IndexError:
            context = self._writer(length)
        frame: bytes = context.compress(data)
        writers.append(context)
        return frame[6 if length < 256 else 7 if length <= _BARE_BYTES else 4 :]

    def expand(self, data: bytes, length: int) -> bytes:
        """The frame's content; ValueError unless it is whole, alone, and of `length` bytes."""
        if length > _BARE_BYTES:
            return self.expand_framed(_MAGIC + data, length)
        head = _SHORT_HEADS[length] if length < 256 else _pack_middle(_MAGIC_NUMBER, 0x60, length - 256)
        try:
            context = self._readers.pop()
        except IndexError:
            context = self._reader()
        try:
            content: bytes = context.decompress(head + data, 0, False, False)
        except zstandard.ZstdError as error:
            raise ValueError(f"not a zstd frame of ours: {error}") from error
        self._readers.append(context)
        if len(content) != length or not length:
            raise ValueError(f"{len(content)} bytes where {length} were announced")
        return content

    def expand_framed(self, frame: bytes, length: int) -> bytes:
        """The same for a whole frame, as version 1 kept them."""
        try:
            context = self._readers.pop()
        except IndexError:
            context = self._reader()
        try:
            if length > _BARE_BYTES and zstandard.frame_content_size(frame) != length:
                raise ValueError("the frame and the header announce different lengths")
            content: bytes = context.decompress(frame, 0, False, False)
        except zstandard.ZstdError as error:
            raise ValueError(f"not a zstd frame of ours: {error}") from error
        self._readers.append(context)
        if len(content) != length or length == 0:
            raise ValueError(f"{len(content)} bytes where {length} were announced")
        return content

    def _reader(self) -> zstandard.ZstdDecompressor:
        return zstandard.ZstdDecompressor(dict_data=self._dictionary, max_window_size=_MAX_WINDOW_BYTES)

    def _writer(self, length: int) -> zstandard.ZstdCompressor:
        if self._content is not None and length >= _LARGE_BYTES:
            if self._large_dictionary is None:
                self._large_dictionary = _prepared(self._content, _LARGE_LEVEL)
            return zstandard.ZstdCompressor(
                dict_data=self._large_dictionary, compression_params=_parameters(_LARGE_LEVEL)
            )
        if self._dictionary is not None:
            return zstandard.ZstdCompressor(dict_data=self._dictionary, compression_params=_parameters(LEVEL))
        return zstandard.ZstdCompressor(level=LEVEL, write_checksum=False, write_content_size=True, write_dict_id=False)


def with_dictionary(content: bytes) -> Zstd:
    """A compressor with a dictionary. ValueError for bytes that are none."""
    return Zstd(content)


def _prepared(content: bytes, level: int) -> zstandard.ZstdCompressionDict:
    try:
        dictionary = zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_FULLDICT)
        dictionary.precompute_compress(compression_params=_parameters(level))
    except zstandard.ZstdError as error:
        raise ValueError(f"not a dictionary: {error}") from error
    return dictionary


def _parameters(level: int) -> zstandard.ZstdCompressionParameters:
    """Of writers with a dictionary. A window of 2 MiB, more than any content of theirs, makes single segments of
    all, so that `expand` knows what a frame starts with (RFC 8878, 3.1.1)."""
    return zstandard.ZstdCompressionParameters.from_level(
        level,
        window_log=21,
        hash_log=_HASH_LOG,
        chain_log=_CHAIN_LOG,
        write_checksum=False,
        write_content_size=True,
        write_dict_id=False,
    )


def trained(samples: list[bytes], size_bytes: int) -> bytes:
    """The bytes of a dictionary for values like the samples (fastCover, as zstd's own `ZDICT_trainFromBuffer` has
    it). ValueError where they have nothing in common. Takes ~0.2 s of CPU, mostly outside the interpreter's lock."""
    given: list[bytes | bytearray | memoryview] = [*samples]
    try:
        return zstandard.train_dictionary(size_bytes, given, level=LEVEL).as_bytes()
    except zstandard.ZstdError as error:
        raise ValueError(f"nothing to learn: {error}") from error


COMPRESSOR = Zstd()
