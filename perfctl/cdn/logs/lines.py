"""Whole lines in chunks of some megabytes, whatever the file holds: memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perfctl.cdn.logs.inflating import Damaged, Stream, Told, pieces

CHUNK_BYTES = 4 << 20
MAX_LINE_BYTES = 1 << 20
"""A longer line is no request (CloudFront logs no URL above 8,192 bytes): it is dropped and counted."""
PAD = bytes(8)
"""Follows each chunk, so that eight bytes can be read from any place in it."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines, each with its newline, then PAD; and how many lines were given up since the chunk before."""

    data: bytes
    dropped: int = 0
    is_truncated: bool = False
    """Whether the file ends here before its time."""

    @property
    def size(self) -> int:
        """The bytes of the lines."""
        return len(self.data) - len(PAD)


def chunks(stream: Stream, name: str, told: Told | None = None) -> Iterator[Chunk]:
    """The file in chunks of about 4 MB. What a damaged file still gives comes first, its cut line is dropped."""
    gathering = _Gathering()
    is_first = True
    try:
        for piece in pieces(stream, name, told):
            yield from gathering.add(piece.removeprefix(_BOM) if is_first else piece)
            is_first = False
    except Damaged:
        yield gathering.broken_off()
        return
    last = gathering.rest()
    if last.size or last.dropped:
        yield last


class _Gathering:
    """Pieces until they make a chunk; a line without an end is passed over."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._waiting = 0
        self._dropped = 0
        self._skips = False

    def add(self, piece: bytes) -> Iterator[Chunk]:
        """The chunk that this piece completes, if it does."""
        if self._skips:
            _, newline, piece = piece.partition(b"\n")
            self._skips = not newline
        self._waiting += len(piece)
        end = piece.rfind(b"\n") + 1 if self._waiting >= CHUNK_BYTES else 0
        if end:
            yield self._chunk(b"".join((*self._parts, memoryview(piece)[:end], PAD)))
            piece = piece[end:]
            self._parts, self._waiting = [], len(piece)
        self._parts.append(piece)
        if self._waiting >= CHUNK_BYTES:
            yield from self._without_last()

    def rest(self) -> Chunk:
        """The last lines, with the last newline where it is missing."""
        if self._waiting and not self._parts[-1].endswith(b"\n"):
            self._parts.append(b"\n")
        return self._chunk(b"".join((*self._parts, PAD)))

    def broken_off(self) -> Chunk:
        """The last whole lines of a file that ends too early."""
        lines, newline, cut = b"".join(self._parts).rpartition(b"\n")
        self._dropped += bool(cut)
        return self._chunk(lines + newline + PAD, is_truncated=True)

    def _without_last(self) -> Iterator[Chunk]:
        """A line that is too long, and still has no end, is given up; those before it are a chunk."""
        lines, newline, last = b"".join(self._parts).rpartition(b"\n")
        if len(last) <= MAX_LINE_BYTES:
            return
        self._dropped += 1
        self._skips = True
        self._parts, self._waiting = [], 0
        yield self._chunk(lines + newline + PAD)

    def _chunk(self, data: bytes, *, is_truncated: bool = False) -> Chunk:
        dropped, self._dropped = self._dropped, 0
        return Chunk(data, dropped, is_truncated)
