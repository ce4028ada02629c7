"""Bytes as they are: what small and incompressible values get."""

from __future__ import annotations


class Uncompressed:
    """Checks the length all the same: a truncated value is not a value."""

    def compress(self, data: bytes) -> bytes:
        """The bytes themselves."""
        return data

    def expand(self, data: bytes, length: int) -> bytes:
        """The bytes themselves; ValueError when they are not `length`."""
        if len(data) != length:
            raise ValueError(f"{len(data)} bytes where {length} were announced")
        return data


COMPRESSOR = Uncompressed()
