"""gzip at level 6, for values that other programs read."""

from __future__ import annotations

import zlib

_LEVEL = 6
_GZIP_BITS = 31


class Gzip:
    """One member with its own length and checksum."""

    def compress(self, data: bytes) -> bytes:
        """A gzip member without a name and a time."""
        return zlib.compress(data, _LEVEL, _GZIP_BITS)

    def expand(self, data: bytes, length: int) -> bytes:
        """The member's content; ValueError unless it is whole, alone, and of `length` bytes."""
        reader = zlib.decompressobj(_GZIP_BITS)
        try:
            content = reader.decompress(data, length + 1)
        except zlib.error as error:
            raise ValueError(f"not a gzip member of ours: {error}") from error
        if len(content) != length or not reader.eof or reader.unused_data:
            raise ValueError(f"no whole member of {length} bytes")
        return content


COMPRESSOR = Gzip()
