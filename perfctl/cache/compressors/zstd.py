"""Zstandard at level 1: what measures best on values from 128 bytes up."""

from __future__ import annotations

import threading

import zstandard

_LEVEL = 1
_MAX_WINDOW_BYTES = 8 * 1024 * 1024


class Zstd:
    """A context a thread: making one costs ~25 us, more than compressing a small value."""

    def __init__(self) -> None:
        self._contexts = threading.local()

    def compress(self, data: bytes) -> bytes:
        """One frame that announces its length and ends in a checksum."""
        compressor = getattr(self._contexts, "compressor", None)
        if compressor is None:
            compressor = self._contexts.compressor = zstandard.ZstdCompressor(
                level=_LEVEL, write_checksum=True, write_content_size=True
            )
        frame: bytes = compressor.compress(data)
        return frame

    def expand(self, data: bytes, length: int) -> bytes:
        """The frame's content; ValueError unless the frame itself announces `length` bytes and holds them."""
        try:
            if zstandard.frame_content_size(data) != length:
                raise ValueError("the frame and the header announce different lengths")
            content: bytes = self._decompressor().decompress(data, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise ValueError(f"not a zstd frame of ours: {error}") from error
        if len(content) != length:
            raise ValueError(f"{len(content)} bytes where {length} were announced")
        return content

    def _decompressor(self) -> zstandard.ZstdDecompressor:
        decompressor = getattr(self._contexts, "decompressor", None)
        if decompressor is None:
            decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
            self._contexts.decompressor = decompressor
        return decompressor


COMPRESSOR = Zstd()
