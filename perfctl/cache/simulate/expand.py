"""Compressed traces as pieces of bytes: never more of them in memory than a few, however much they expand to."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from perfctl.errors import UsageError
from perfctl.units import format_bytes

Pieces = Iterator[bytes]

_READ_BYTES = 64 * 1024
_FED_BYTES = 512
"""How much of a zstd frame is expanded at once: four bytes of it can stand for 128 KiB."""
_GZIP_PIECE_BYTES = 1024 * 1024
_MAX_WINDOW_BYTES = 128 * 1024 * 1024
"""What `zstd --long` uses; a frame that wants more memory is refused."""
_MAX_CONTENT_BYTES = 8 * 1024**3
"""No trace that this simulator can take is longer, in any form."""


def pieces_of(stream: BinaryIO) -> Pieces:
    """A stream, as it stands."""
    while piece := stream.read(_READ_BYTES):
        yield piece


def expanded(pieces: Pieces, compression: str, name: str) -> Pieces:
    """What compressed pieces hold. UsageError where they are cut off, damaged, or too long."""
    length = 0
    for piece in EXPANDERS[compression](pieces, name):
        length += len(piece)
        if length > _MAX_CONTENT_BYTES:
            raise UsageError(f"{name}: it holds more than {format_bytes(_MAX_CONTENT_BYTES)}", hint="cut it in parts")
        yield piece


def _as_it_is(pieces: Pieces, _name: str) -> Pieces:
    return pieces


def _zstd(pieces: Pieces, name: str) -> Pieces:
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
    try:
        yield from _frames(
            (piece[at : at + _FED_BYTES] for piece in pieces for at in range(0, len(piece), _FED_BYTES)),
            decompressor.decompressobj,
            name,
        )
    except zstandard.ZstdError as error:
        raise UsageError(f"{name}: it is no zstd: {error}", hint="compress it again") from error


def _gzip(pieces: Pieces, name: str) -> Pieces:
    try:
        yield from _frames(pieces, _GzipMember, name)
    except zlib.error as error:
        raise UsageError(f"{name}: it is no gzip: {error}", hint="compress it again") from error


def _frames(fed: Pieces, begin: Callable[[], Any], name: str) -> Pieces:
    """The content of frame after frame. UsageError where the last one has no end."""
    frame = None
    for piece in fed:
        rest = piece
        while rest:
            frame = frame or begin()
            content = frame.decompress(rest)
            if content:
                yield content
            rest = getattr(frame, "unconsumed_tail", b"")
            if frame.eof:
                rest, frame = frame.unused_data, None
    if frame is not None:
        raise UsageError(f"{name}: it is cut off: its last frame has no end", hint="copy it again")


class _GzipMember:
    """One member of a gzip file, expanded a piece at a time."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self.unconsumed_tail = b""

    def decompress(self, data: bytes) -> bytes:
        content = self._member.decompress(data, _GZIP_PIECE_BYTES)
        self.unconsumed_tail = self._member.unconsumed_tail
        return content

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data


EXPANDERS: Mapping[str, Callable[[Pieces, str], Pieces]] = {"none": _as_it_is, "zstd": _zstd, "gzip": _gzip}
