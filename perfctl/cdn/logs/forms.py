"""Which form a log has - tabs or blanks under `#Fields:`, or JSON lines - and its chunks as grids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from perfctl.cdn.logs.fields import named, without_directive
from perfctl.cdn.logs.grid import Grid, separated
from perfctl.cdn.logs.jsonlines import JsonLines
from perfctl.cdn.logs.lines import Chunk

_DIRECTIVE = b"#Fields:"
_SEPARATORS = (b"\t", b" ", b",", b"|", b";")


class Form(Protocol):
    """One form of log; remembers from chunk to chunk which fields its lines have."""

    @property
    def has_fields(self) -> bool:
        """Whether a field of an access log was found so far."""
        ...

    def grids(self, chunk: Chunk) -> tuple[list[Grid], int]:
        """The chunk's requests, and how many lines are none."""
        ...


def form_of(chunk: Chunk) -> Form | None:
    """The form of the log that begins with this chunk; None where it is empty."""
    start = chunk.data[: chunk.size].lstrip()
    if not start:
        return None
    return JsonLines() if start.startswith(b"{") else Separated()


class Separated:
    """Standard logs and v2's W3C: the fields are those of the last `#Fields:` line, whatever their number and order.

    Without such a line they are those of standard logs, where the first line looks like one.
    """

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._separator: int | None = None

    @property
    def has_fields(self) -> bool:
        """Whether the fields are known."""
        return bool(self._names)

    def grids(self, chunk: Chunk) -> tuple[list[Grid], int]:
        """A grid for each stretch of lines under the same fields: mostly one for all of them."""
        if self._names and self._separator is not None:
            found = separated(self._names, chunk.data, 0, chunk.size, self._separator)
            if not found.comments:
                return [found.grid], found.malformed
        return self._by_stretches(chunk)

    def _by_stretches(self, chunk: Chunk) -> tuple[list[Grid], int]:
        grids, malformed = [], 0
        for begin, end, names in self._stretches(chunk.data, chunk.size):
            if names is not None and names != self._names:
                self._names, self._separator = names, None
            line = _first_line(chunk.data, begin, end)
            self._names = self._names or without_directive(line)
            if not self._names:
                malformed += _requests(chunk.data, begin, end)
                continue
            if self._separator is None and line:
                has_tabs = chunk.data.find(b"\t", begin, end) >= 0
                self._separator = _separator_of(line, len(self._names), has_tabs=has_tabs)
            found = separated(self._names, chunk.data, begin, end, self._separator or 9)
            malformed += found.malformed
            if found.grid.size:
                grids.append(found.grid)
        return grids, malformed

    def _stretches(self, data: bytes, end: int) -> Iterator[tuple[int, int, tuple[str, ...] | None]]:
        """From directive to directive; one that says again what is known divides nothing."""
        begin, names, known = 0, None, self._names
        for at in _directives(data, end):
            stop = data.index(b"\n", at) + 1
            found = named(data[at:stop])
            if not found or found == known:
                continue
            if at > begin:
                yield begin, at, names
            begin, names, known = stop, found, found
        yield begin, end, names


def _directives(data: bytes, end: int) -> Iterator[int]:
    """Where lines begin with `#Fields:`."""
    if data.startswith(_DIRECTIVE):
        yield 0
    at = data.find(b"\n" + _DIRECTIVE, 0, end)
    while at >= 0:
        yield at + 1
        at = data.find(b"\n" + _DIRECTIVE, at + 1, end)


def _first_line(data: bytes, begin: int, end: int) -> bytes:
    """The first line that is neither empty nor a comment."""
    while begin < end:
        stop = data.find(b"\n", begin, end)
        line = data[begin : stop if stop >= 0 else end].rstrip(b"\r")
        if line and not line.startswith(b"#"):
            return line
        begin = stop + 1 if stop >= 0 else end
    return b""


def _separator_of(line: bytes, fields: int, *, has_tabs: bool) -> int:
    """What divides a line into so many fields; a tab where there is one, or where nothing does."""
    fitting = [sign for sign in _SEPARATORS if line.count(sign) == fields - 1]
    return _SEPARATORS[0][0] if has_tabs or not fitting else fitting[0][0]


def _requests(data: bytes, begin: int, end: int) -> int:
    """How many lines there are but empty ones and comments."""
    lines = (line.rstrip(b"\r") for line in data[begin:end].split(b"\n"))
    return sum(1 for line in lines if line and not line.startswith(b"#"))
