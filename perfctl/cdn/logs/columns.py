"""Access logs as columns: each source in blocks of some megabytes of text, whichever form it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from perfctl.cdn.logs.arrays import Floats, Ints, Mask, np
from perfctl.cdn.logs.fields import spelled
from perfctl.cdn.logs.forms import Form, form_of
from perfctl.cdn.logs.grid import Grid
from perfctl.cdn.logs.inflating import Told
from perfctl.cdn.logs.lines import PAD, chunks
from perfctl.cdn.logs.locations import LogSource
from perfctl.cdn.logs.moments import seconds_of
from perfctl.cdn.logs.values import Coded, Column, coded, floats, integers
from perfctl.errors import UsageError
from perfctl.units import format_counted

_ABSENT = b"-" + PAD


@dataclass(slots=True, eq=False)
class Block:
    """Some thousand requests of one source, a column at a time; a field that the log has not is `-` in each."""

    grid: Grid
    malformed: int = 0
    """Lines since the block before that are no request: cut, too long, with another number of fields, no JSON."""
    is_truncated: bool = False
    """Whether the source ends with this block before its time."""
    source: str = ""
    _columns: dict[str, Column] = field(default_factory=dict)
    _coded: dict[str, Coded] = field(default_factory=dict)
    _labels: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many requests."""
        return self.grid.size

    def has(self, name: str) -> bool:
        """Whether the log has this field; names as in standard logs, v2 or Athena."""
        return spelled(name) in self.grid.names

    def text(self, name: str) -> Column:
        """A field of every request, as bytes."""
        wanted = spelled(name)
        if wanted not in self._columns:
            place = self.grid.names.index(wanted) if wanted in self.grid.names else None
            self._columns[wanted] = self._absent() if place is None else self.grid.column(place)
        return self._columns[wanted]

    def int(self, name: str) -> Ints:
        """A field as integers; -1 for what is none."""
        return integers(self.text(name))

    def float(self, name: str) -> Floats:
        """A field as numbers; NaN for what is none."""
        return floats(self.text(name))

    def codes(self, name: str) -> tuple[Ints, list[bytes]]:
        """A field as numbers of its different values, and those values; made once."""
        wanted, found = spelled(name), self.coded(name)
        if wanted not in self._labels:
            self._labels[wanted] = found.labels()
        return found.codes, self._labels[wanted]

    def coded(self, name: str) -> Coded:
        """The same without the values at once, where they are many; made once."""
        wanted = spelled(name)
        if wanted not in self._coded:
            self._coded[wanted] = coded(self.text(wanted))
        return self._coded[wanted]

    def is_coded(self, name: str) -> bool:
        """Whether the codes of a field are made."""
        return spelled(name) in self._coded

    def seconds(self) -> Ints:
        """When each request was, in seconds since 1970 (UTC); -1 where the log does not say."""
        return seconds_of(self)

    def chosen(self, mask: Mask) -> Block:
        """Those requests alone."""
        return self if mask.all() else Block(self.grid.chosen(mask), self.malformed, self.is_truncated, self.source)

    def _absent(self) -> Column:
        nothing = np.zeros(self.size, dtype=np.int64)
        return Column(_ABSENT, nothing, nothing + 1)


def read(source: LogSource, told: Told | None = None) -> Iterator[Block]:
    """The requests of a source, block by block; what is no request is counted, and nothing of it is fatal.

    `told` hears how many bytes, as they lie there, were read since. PerfctlError where the source cannot be read;
    UsageError where it was named itself, and has no field of an access log from its begin to its end.
    """
    form: Form | None = None
    passed, is_whole = 0, True
    with source.opened() as stream:
        for chunk in chunks(stream, source.name, told):
            form = form or form_of(chunk)
            grids, malformed = form.grids(chunk) if form is not None else ([], 0)
            malformed += chunk.dropped
            passed, is_whole = passed + malformed, is_whole and not chunk.is_truncated
            for grid in grids or [Grid.none()]:
                yield Block(grid, malformed, chunk.is_truncated and grid is (grids or [grid])[-1], source.name)
                malformed = 0
    if source.is_named and passed and is_whole and form is not None and not form.has_fields:
        raise UsageError(
            f"{source.name}: no access log: no field of one was found in {format_counted(passed, 'line')}",
            hint="name standard logs of CloudFront: with a line #Fields:, or v2's JSON lines",
        )
