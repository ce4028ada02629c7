"""Log files as they lie there: found by name or pattern, decompressed, as texts of whole lines."""

from __future__ import annotations

import glob
import os
import sys
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from perfctl.db.logs.record import Tally, Told
from perfctl.errors import UsageError

CHUNK_BYTES = 1 << 20
_BEGINNING_BYTES = 1 << 16
MAX_RECORD_BYTES = 16 << 20
"""A piece without an end that is longer is given up: memory stays flat whatever the file holds."""
_WANTED = "name the server's log files, such as --log /var/log/postgresql/postgresql-15-main.log"
_GZIP, _ZSTD, _BZIP2, _XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ"


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file that is there, or stdin."""

    name: str
    path: Path | None
    """None: stdin."""
    size_bytes: int
    """As it lies there; 0 for stdin."""
    changed: float
    """When it was written to last, in seconds since 1970; endless for stdin."""


def found(names: Iterable[str]) -> tuple[LogFile, ...]:
    """The files of these names and patterns, each once; `-` is stdin.

    UsageError where a name or a pattern finds nothing that can be read.
    """
    files: dict[str, LogFile] = {}
    for name in names:
        for file in _named(name):
            files.setdefault("-" if file.path is None else os.path.realpath(file.path), file)
    if not files:
        raise UsageError("no log file was named", hint=_WANTED)
    return tuple(files.values())


def _named(name: str) -> list[LogFile]:
    if name == "-":
        return [LogFile("stdin", None, 0, float("inf"))]
    paths = [name] if Path(name).exists() else sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - any pattern
    files = [Path(path) for path in paths if not Path(path).is_dir()]
    if not files:
        missing = "is a folder" if Path(name).is_dir() else "there is no such file"
        hint = f"{name.rstrip('/')}/* names the files in it" if Path(name).is_dir() else _WANTED
        raise UsageError(f"{name or 'the name of the log file'}: {missing}", hint=hint)
    return [_stated(path) for path in files]


def _stated(path: Path) -> LogFile:
    try:
        with path.open("rb"):
            pass
        stat = path.stat()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint=_WANTED) from error
    return LogFile(str(path), path, stat.st_size, stat.st_mtime)


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Decoder(Protocol):
    """What zlib, bz2, lzma and zstandard have alike."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Unpacked:
    """A compressed file's bytes: all that can be had, then EOFError where it ends too early."""

    def __init__(self, raw: _Stream, decoder: Callable[[], _Decoder]) -> None:
        self._raw, self._decoder = raw, decoder
        self._now: _Decoder | None = None

    def read(self, size: int, /) -> bytes:
        """Some bytes, about `size` of them; none at the end."""
        while packed := self._next(size // 8):
            self._now = self._now or self._decoder()
            out = self._now.decompress(packed)
            if out:
                return out
        if self._now is not None and not self._now.eof:
            self._now = None
            raise EOFError("it ends too early")
        return b""

    def _next(self, size: int) -> bytes:
        """The packed bytes that come next: a file may be several, one behind the other."""
        if self._now is None or not self._now.eof:
            return self._raw.read(size)
        left, self._now = self._now.unused_data, None
        return left or self._raw.read(size)


@contextmanager
def opened(file: LogFile) -> Iterator[tuple[_Stream, BinaryIO]]:
    """The file's bytes, decompressed where its first bytes say that it is; and the file as it lies there."""
    if file.path is None:
        raw = cast(BufferedReader, sys.stdin.buffer)
        yield _unpacked(raw), raw
        return
    with file.path.open("rb") as opened_file:
        yield _unpacked(opened_file), opened_file


def _unpacked(raw: BufferedReader) -> _Stream:
    start = raw.peek(8)[:8]
    if start.startswith(_GZIP):
        return _Unpacked(raw, lambda: zlib.decompressobj(31))
    if start.startswith(_ZSTD):
        import zstandard

        return _Unpacked(raw, lambda: zstandard.ZstdDecompressor().decompressobj())
    if start.startswith(_BZIP2):
        import bz2

        return _Unpacked(raw, bz2.BZ2Decompressor)
    if start.startswith(_XZ):
        import lzma

        return _Unpacked(raw, lzma.LZMADecompressor)
    return raw


def beginning(file: LogFile) -> str:
    """The first lines of a file, the last of them perhaps cut; empty for stdin, which is read once."""
    if file.path is None:
        return ""
    with opened(file) as (stream, _):
        return _read(stream, file, Tally(), _BEGINNING_BYTES).decode(errors="replace")


def texts(file: LogFile, tally: Tally, told: Told | None = None) -> Iterator[str]:
    """The file in texts of whole lines, about a megabyte each; the last may lack its line's end.

    Bytes that are no UTF-8 are replaced and counted. A compressed file that ends too early, or is damaged, is read as
    far as it goes, with a note.
    """
    parts: list[bytes] = []
    waiting = 0
    for number, packed in enumerate(_pieces(file, tally, told)):
        piece = packed if number else packed.removeprefix(BOM_UTF8)
        cut = piece.rfind(b"\n") + 1
        parts.append(piece[:cut] if cut else piece)
        waiting += len(parts[-1])
        if cut or waiting > MAX_RECORD_BYTES:
            yield _decoded(b"".join(parts), tally)
            parts, waiting = ([piece[cut:]], len(piece) - cut) if cut else ([], 0)
    if any(parts):
        yield _decoded(b"".join(parts), tally)


def _pieces(file: LogFile, tally: Tally, told: Told | None) -> Iterator[bytes]:
    """The decompressed bytes; progress counts them as they lie in the file."""
    with opened(file) as (stream, raw):
        at = 0
        while piece := _read(stream, file, tally):
            now = at + len(piece) if file.path is None else raw.tell()
            tally.bytes_read += now - at
            if told is not None:
                told(now - at)
            at = now
            yield piece


def _read(stream: _Stream, file: LogFile, tally: Tally, size: int = CHUNK_BYTES) -> bytes:
    try:
        return stream.read(size)
    except _damages() as error:
        tally.broken += 1
        tally.note(f"{file.name} could be read in part alone: {error}")
        return b""


def _damages() -> tuple[type[Exception], ...]:
    """What decompressors raise for damaged files, of those that were loaded."""
    known = (("zstandard", "ZstdError"), ("lzma", "LZMAError"))
    loaded = (getattr(sys.modules[module], name) for module, name in known if module in sys.modules)
    return (EOFError, OSError, zlib.error, *loaded)


def _decoded(piece: bytes, tally: Tally) -> str:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        text = piece.decode(errors="replace")
        tally.undecoded += text.count("\ufffd")
        return text
