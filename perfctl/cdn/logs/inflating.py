"""The bytes of a log file, gunzipped where they are gzip: all that can be had of a damaged one."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol, cast

from perfctl.errors import UsageError

PIECE_BYTES = 1 << 20
"""The most that comes out at once, however much a few packed bytes may hold."""
_PACKED_BYTES = 1 << 18
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"

Told = Callable[[int], None]
"""Told how many bytes, as they lie there, were read since."""


class Stream(Protocol):
    """What is read from: a file, stdin, an object's body."""

    def read(self, size: int, /) -> bytes: ...


class Damaged(Exception):  # noqa: N818 - no error of ours: it ends a file early, and is counted
    """The file ends too early, or what follows is not what it should be; what came before was good."""


class _Inflater(Protocol):
    """What zlib and ISA-L have alike."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def pieces(stream: Stream, name: str, told: Told | None = None) -> Iterator[bytes]:
    """The content in pieces of at most a megabyte; Damaged after the last that could be had.

    UsageError for Parquet, which is none of the forms that are read here.
    """
    packed = _packed(stream, told)
    first = next(packed, b"")
    if first.startswith(_GZIP):
        yield from _inflated(first, packed)
        return
    if first.startswith(_PARQUET):
        raise UsageError(
            f"{name}: Parquet is not read here", hint="have the logs delivered as JSON or W3C, or ask Athena about it"
        )
    yield first
    yield from packed


def _packed(stream: Stream, told: Told | None) -> Iterator[bytes]:
    while piece := stream.read(_PACKED_BYTES):
        if told is not None:
            told(len(piece))
        yield piece


def _inflated(first: bytes, packed: Iterator[bytes]) -> Iterator[bytes]:
    """Member by member: a file may be several, one behind the other."""
    make, damages = _inflater()
    inflater, waiting = make(), first
    while True:
        try:
            out = inflater.decompress(waiting, PIECE_BYTES)
        except damages as error:
            raise Damaged(str(error)) from error
        if out:
            yield out
        waiting = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        if inflater.eof:
            waiting = waiting.lstrip(b"\0") or next(packed, b"")
            if not waiting:
                return
            inflater = make()
        elif not waiting and len(out) < PIECE_BYTES:
            waiting = next(packed, b"")
            if not waiting:
                raise Damaged("it ends too early")


def _inflater() -> tuple[Callable[[], _Inflater], tuple[type[Exception], ...]]:
    """ISA-L's where it is installed (a third of the time), else zlib's."""
    try:
        from isal import igzip_lib, isal_zlib
    except ImportError:
        return (lambda: zlib.decompressobj(31)), (zlib.error,)
    return (lambda: isal_zlib.decompressobj(31)), _damages(igzip_lib.IsalError)


def _damages(error: object) -> tuple[type[Exception], ...]:
    """ISA-L's error as the class that it is: its stubs call it an instance."""
    return (cast(type[Exception], error),)
