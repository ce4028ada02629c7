"""Bytes to fewer bytes and back: one file a compressor, one row in the table.

The id stands in the header of each stored value, so a row's id never changes and is never used again.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Protocol


class Compressor(Protocol):
    """Bytes that come back as they were."""

    def compress(self, data: bytes) -> bytes:
        """The same in fewer bytes, where that can be done."""
        ...

    def expand(self, data: bytes, length: int) -> bytes:
        """Exactly `length` bytes again. Raises ValueError for anything else, without allocating more than that."""
        ...


NONE = 0
COMPRESSORS: Mapping[str, int] = {"none": NONE, "zstd": 1, "brotli": 2, "gzip": 3}
"""The file's name and the id in the header."""

COMPRESSOR_NAMES: Mapping[int, str] = {number: name for name, number in COMPRESSORS.items()}
_LOADED: dict[str, Compressor] = {}


def compressor_named(name: str) -> Compressor:
    """The compressor of a row of the table."""
    if name not in _LOADED:
        _LOADED[name] = importlib.import_module(f"{__name__}.{name}").COMPRESSOR
    return _LOADED[name]
