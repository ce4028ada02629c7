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
_MAX_WINDOW_BYTES = 8 * 1024 * 1024

_MAGIC = b"\x28\xb5\x2f\xfd"
_BARE_BYTES = 64 * 1024
_SHORT = Struct("<IBB")
_MIDDLE = Struct("<IBH")
_MAGIC_NUMBER = 0xFD2FB528
_pack_middle = _MIDDLE.pack


class Zstd:
    """Contexts in a pool that threads share: making one costs ~25 us, more than compressing a small value.

    Bytes after a frame are refused by `allow_extra_data`, the last argument of `decompress`; by its name it would cost
    as much again as expanding a small value.
    """

    def __init__(self, dictionary: zstandard.ZstdCompressionDict | None = None) -> None:
        self._dictionary = dictionary
        self._writers: list[Any] = []
        self._readers: list[Any] = []

    def compress(self, data: bytes) -> bytes:
        """One frame, without the parts that `expand` adds again."""
        try:
            context = self._writers.pop()
        except IndexError:
            context = self._writer()
        frame: bytes = context.compress(data)
        self._writers.append(context)
        length = len(data)
        return frame[6 if length < 256 else 7 if length <= _BARE_BYTES else 4 :]

    def expand(self, data: bytes, length: int) -> bytes:
        """The frame's content; ValueError unless it is whole, alone, and of `length` bytes."""
        if not 256 <= length <= _BARE_BYTES:
            return self.expand_framed(_head(length) + data, length)
        try:
            context = self._readers.pop()
        except IndexError:
            context = self._reader()
        try:
            content: bytes = context.decompress(_pack_middle(_MAGIC_NUMBER, 0x60, length - 256) + data, 0, False, False)
        except zstandard.ZstdError as error:
            raise ValueError(f"not a zstd frame of ours: {error}") from error
        self._readers.append(context)
        if len(content) != length:
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

    def _writer(self) -> zstandard.ZstdCompressor:
        return zstandard.ZstdCompressor(
            level=LEVEL, dict_data=self._dictionary, write_checksum=False, write_content_size=True, write_dict_id=False
        )


def with_dictionary(content: bytes) -> Zstd:
    """A compressor with a dictionary. ValueError for bytes that are none."""
    try:
        dictionary = zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_FULLDICT)
        dictionary.precompute_compress(level=LEVEL)
    except zstandard.ZstdError as error:
        raise ValueError(f"not a dictionary: {error}") from error
    return Zstd(dictionary)


def trained(samples: list[bytes], size_bytes: int) -> bytes:
    """The bytes of a dictionary for values like the samples (fastCover, as zstd's own `ZDICT_trainFromBuffer` has
    it). ValueError where they have nothing in common. Takes ~0.2 s of CPU, mostly outside the interpreter's lock."""
    given: list[bytes | bytearray | memoryview] = [*samples]
    try:
        return zstandard.train_dictionary(size_bytes, given, level=LEVEL).as_bytes()
    except zstandard.ZstdError as error:
        raise ValueError(f"nothing to learn: {error}") from error


def _head(length: int) -> bytes:
    """What a frame of `length` bytes starts with and is not stored (RFC 8878, 3.1.1): a single segment is made of
    every content that is no longer than the compressor's window, which level 3 has at 2 MiB."""
    if length < 256:
        return _SHORT.pack(_MAGIC_NUMBER, 0x20, length)
    if length <= _BARE_BYTES:
        return _pack_middle(_MAGIC_NUMBER, 0x60, length - 256)
    return _MAGIC


COMPRESSOR = Zstd()
