"""Traces of requests, from a file or stdin: which keys were asked for, in which order, and how large each was.

`.u32`: key ids of four bytes, little-endian, in request order. `.jsonl`: a line a request, `{"key": "user:1"}` with
an optional `"size"` in bytes, or the bare key (text or a number). Either may be compressed: `.zst`, `.gz`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from perfctl.cache.simulate.expand import Pieces, expanded, pieces_of
from perfctl.cache.simulate.form import compression_seen, form_of, layout_seen
from perfctl.cache.simulate.sample import mixed, threshold_of
from perfctl.errors import UsageError
from perfctl.units import format_bytes, format_count

MAX_REQUESTS = 64 * 1024 * 1024
MAX_KEYS = 8 * 1024 * 1024
"""What is kept of a trace: 4 bytes a request and about 120 a key."""
_MAX_LINE_BYTES = 1024 * 1024
_MAX_KEPT_LETTERS = 100
_MAX_SIZE_BYTES = 2**53
_SPLIT_BYTES = 64 * 1024
_BAD_SAMPLES = 10
_TELL_EVERY = 1 << 17
"""Requests between two words on the progress."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests in order. Keys are numbered by first appearance; those left out by sampling are only counted."""

    name: str
    keys: array[int]
    unique: int
    offered: int
    """The requests of the whole trace."""
    ratio: float = 1.0
    """The share of the keys that was kept."""
    sizes: array[int] | None = None
    """Of each request, in bytes; None where the trace does not say them all."""
    sizes_reason: str | None = None
    """Why it has no sizes."""
    bad_lines: int = 0
    bad_samples: tuple[str, ...] = ()
    is_guessed: bool = False
    """Whether the file's name does not say that it holds key ids of four bytes, but its content looks so."""

    @property
    def unique_keys(self) -> int:
        """Of the whole trace; estimated where keys were left out."""
        return self.unique if self.ratio == 1 else round(self.unique / self.ratio)


def read_trace(source: str, *, ratio: float = 1.0, on_progress: Progress | None = None) -> Trace:
    """The trace of a file, or of stdin for `-`; bad lines are passed over, and counted.

    UsageError where it cannot be read, is cut off, too large, or holds no request at all.
    """
    name = "stdin" if source == "-" else source
    gathered = _Gathered(name, ratio, on_progress)
    try:
        if source == "-":
            _gather(pieces_of(sys.stdin.buffer), "-", gathered)
        else:
            with Path(source).open("rb") as stream:
                _gather(pieces_of(stream), source, gathered)
    except OSError as error:
        raise UsageError(
            f"cannot read {name or 'a trace without a name'}: {error.strerror}",
            hint="name a .u32, .u32.zst or .jsonl file, or - for stdin",
        ) from error
    return gathered.trace()


def _gather(pieces: Pieces, source: str, gathered: _Gathered) -> None:
    form = form_of(source)
    start, pieces = _peeked(pieces)
    compression = compression_seen(start) if form.compression is None else form.compression
    start, pieces = _peeked(expanded(pieces, compression, gathered.name))
    layout = layout_seen(start) if form.layout is None else form.layout
    gathered.is_guessed = form.layout is None and layout == "u32" and source != "-"
    (_gather_u32 if layout == "u32" else _gather_lines)(pieces, gathered)


def _peeked(pieces: Pieces) -> tuple[bytes, Pieces]:
    start = next(pieces, b"")
    return start, chain((start,), pieces)


def _gather_u32(pieces: Pieces, gathered: _Gathered) -> None:
    rest = b""
    for piece in pieces:
        data = rest + piece
        whole = len(data) & ~3
        ids, rest = array("I", data[:whole]), data[whole:]
        if sys.byteorder == "big":
            ids.byteswap()
        gathered.take_ids(ids)
    if rest:
        gathered.refuse("the end", f"{len(rest)} bytes are no key id of 4 bytes")


def _gather_lines(pieces: Pieces, gathered: _Gathered) -> None:
    for number, line in enumerate(_lines(pieces, gathered.name), 1):
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not number & 0xFFFF:
            gathered.look(number)
        if text.strip():
            request = _request(text)
            if isinstance(request, _Request):
                gathered.take(request, number)
            else:
                gathered.refuse(str(number), request)


def _lines(pieces: Pieces, name: str) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        for start in range(0, len(piece), _SPLIT_BYTES):
            *lines, rest = (rest + piece[start : start + _SPLIT_BYTES]).split(b"\n")
            yield from lines
        if len(rest) > _MAX_LINE_BYTES:
            raise UsageError(
                f"{name}: a line is over {format_bytes(_MAX_LINE_BYTES)}", hint='a line is {"key": "user:1"}'
            )
    yield rest


class _Request(NamedTuple):
    key: str | bytes | float
    size: int | None


def _request(text: bytes) -> _Request | str:
    """The request of a line, or why it is none."""
    try:
        found = json.loads(text)
    except UnicodeDecodeError:
        return "not UTF-8"
    except RecursionError:
        return "nests too deep"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg}"
    except ValueError as error:
        return f"not JSON: {error}"
    return _fields(found) if isinstance(found, dict) else _bare(found)


def _fields(found: dict[str, Any]) -> _Request | str:
    if "key" not in found:
        return '"key" is missing'
    size = found.get("size")
    if size is not None and (type(size) is not int or not 0 < size <= _MAX_SIZE_BYTES):
        return f'"size" is no number of bytes above 0: {_cut(size)}'
    request = _bare(found["key"])
    return request if isinstance(request, str) else request._replace(size=size)


def _bare(key: Any) -> _Request | str:
    if isinstance(key, bool) or not isinstance(key, (str, int, float)) or key != key:
        return f"a key is text or a number, not {_cut(key)}"
    if isinstance(key, str):
        return _Request(key if len(key) <= _MAX_KEPT_LETTERS else _digest(key), None)
    return _Request(int(key) if key == key // 1 else key, None)


def _digest(key: str) -> bytes:
    """What stands for a long key, so that no trace fills the memory with them."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _cut(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"


class _Gathered:
    """What was read so far."""

    def __init__(self, name: str, ratio: float, on_progress: Progress | None) -> None:
        self.name = name
        self.is_guessed = False
        self._ratio = ratio
        self._threshold = None if ratio == 1 else threshold_of(ratio)
        self._on_progress = on_progress
        self._numbers: dict[Any, int] = {}
        self._keys = array("I")
        self._sizes = array("Q")
        self._no_size: str | None = None
        self._offered = self._told = 0
        self._bad = 0
        self._bad_samples: list[str] = []

    def take_ids(self, ids: Iterable[int]) -> None:
        """Requests for keys that are numbers of 32 bits."""
        numbers = self._numbers
        wanted = list(ids)
        self._offered += len(wanted)
        if self._threshold is not None:
            limit = self._threshold
            wanted = [key for key in wanted if mixed(key) < limit]
        self._keys.extend([numbers.setdefault(key, len(numbers)) for key in wanted])
        self._no_size = self._no_size or "key ids of 4 bytes carry no sizes"
        self.look()

    def take(self, request: _Request, line: int) -> None:
        """One request of a line."""
        self._offered += 1
        if request.size is None and self._no_size is None:
            self._no_size = f"line {line} says no size"
        if self._threshold is None or mixed(zlib.crc32(repr(request.key).encode())) < self._threshold:
            self._keys.append(self._numbers.setdefault(request.key, len(self._numbers)))
            if self._no_size is None:
                self._sizes.append(request.size or 0)

    def refuse(self, where: str, reason: str) -> None:
        """Something that is no request."""
        self._bad += 1
        if len(self._bad_samples) < _BAD_SAMPLES:
            self._bad_samples.append(f"{self.name}:{where}: {reason}")

    def look(self, lines: int = 0) -> None:
        """Tell how far it is; UsageError where it is more than fits, or no end of lines comes."""
        most = max(len(self._keys), lines * self._ratio)
        if most > MAX_REQUESTS or len(self._numbers) > MAX_KEYS:
            raise UsageError(
                f"{self.name}: it has more than {format_count(MAX_REQUESTS)} requests or {format_count(MAX_KEYS)} keys",
                hint="--sample 0.01 replays every hundredth key",
            )
        if self._on_progress and self._offered - self._told >= _TELL_EVERY:
            self._told = self._offered
            self._on_progress(self._offered)

    def trace(self) -> Trace:
        """What was read. UsageError where it is nothing."""
        self.look()
        if not self._offered:
            why = f"none of its {self._bad} lines is one: {self._bad_samples[0]}" if self._bad else "it is empty"
            raise UsageError(f"{self.name}: no requests: {why}", hint='a line is {"key": "user:1"}, or the bare key')
        if not self._keys:
            raise UsageError(f"{self.name}: none of its keys is in the sample", hint="a larger --sample, or none")
        return Trace(
            self.name,
            self._keys,
            len(self._numbers),
            self._offered,
            ratio=self._ratio,
            sizes=None if self._no_size else self._sizes,
            sizes_reason=self._no_size,
            bad_lines=self._bad,
            bad_samples=tuple(self._bad_samples),
            is_guessed=self.is_guessed,
        )
