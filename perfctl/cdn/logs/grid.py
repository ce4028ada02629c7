"""Where each field of each line begins and ends, found by its separators alone: no line is taken apart in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from perfctl.cdn.logs.arrays import Bytes, Ints, Mask, np
from perfctl.cdn.logs.lines import MAX_LINE_BYTES, PAD
from perfctl.cdn.logs.values import Column

_NEWLINE, _RETURN, _HASH, _TAB = 10, 13, 35, 9
_STRETCH = 1 << 17


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Lines of the same fields: `ends[i, k]` is where field k of line i ends, and `starts[i, k]` where it begins.

    Where `starts` has one column alone, a field begins a byte behind the end of the one before it.
    """

    names: tuple[str, ...]
    data: bytes
    starts: Ints
    ends: Ints

    @classmethod
    def none(cls) -> Grid:
        """No line at all."""
        return cls((), PAD, np.zeros((0, 1), dtype=np.int64), np.zeros((0, 1), dtype=np.int64))

    @property
    def size(self) -> int:
        """How many lines."""
        return len(self.ends)

    def column(self, place: int) -> Column:
        """One field of every line."""
        says_itself = place == 0 or self.starts.shape[1] > 1
        starts = self.starts[:, place] if says_itself else self.ends[:, place - 1] + 1
        return Column(self.data, starts.copy() if says_itself else starts, self.ends[:, place].copy())

    def chosen(self, mask: Mask) -> Grid:
        """Those lines alone."""
        return Grid(self.names, self.data, self.starts[mask], self.ends[mask])


class Sorted(NamedTuple):
    """The lines of a text: those with all fields, how many have not, and how many are comments."""

    grid: Grid
    malformed: int
    comments: int


def separated(names: tuple[str, ...], data: bytes, begin: int, end: int, separator: int) -> Sorted:
    """The lines from `begin` to `end`. Empty ones are passed over; too long ones are malformed."""
    text = np.frombuffer(data, dtype=np.uint8, count=end - begin, offset=begin)
    marks = _marks(text, separator)
    newlines = np.flatnonzero(text[marks] == _NEWLINE)
    counts = np.diff(newlines, prepend=-1)
    line_ends = marks[newlines]
    line_starts = np.concatenate(([0], line_ends[:-1] + 1)) if len(line_ends) else line_ends
    good, malformed, comments = _sorted_out(text, line_starts, line_ends, counts, len(names))
    if good.all():
        ends = marks.reshape(-1, len(names))
    else:
        ends = marks[(newlines - counts + 1)[good][:, None] + np.arange(len(names))]
        line_starts = line_starts[good]
    has_return = (text[ends[:, -1] - 1] == _RETURN) & (ends[:, -1] > line_starts)
    if has_return.any():
        ends[:, -1] -= has_return
    if begin:
        line_starts, ends = line_starts + begin, ends + begin
    return Sorted(Grid(names, data, line_starts[:, None], ends), malformed, comments)


def _marks(text: Bytes, separator: int) -> Ints:
    """Where a separator or a newline stands; a stretch at a time, so that all of it stays in the processor's cache."""
    mask, room = np.empty(len(text), dtype=np.bool_), np.empty(_STRETCH, dtype=np.uint8)
    for begin in range(0, len(text), _STRETCH):
        part, here = text[begin : begin + _STRETCH], mask[begin : begin + _STRETCH]
        if separator == _TAB:
            np.less(np.subtract(part, np.uint8(_TAB), out=room[: len(part)]), 2, out=here)
        else:
            np.logical_or(part == separator, part == _NEWLINE, out=here)
    return mask.nonzero()[0]


def _sorted_out(text: Bytes, starts: Ints, ends: Ints, counts: Ints, fields: int) -> tuple[Mask, int, int]:
    """Which lines are requests, how many are neither that nor empty nor a comment, and how many are comments."""
    lengths = ends - starts
    first = text[starts]
    is_comment = first == _HASH
    is_silent = is_comment | (lengths == 0) | ((lengths == 1) & (first == _RETURN))
    good = (counts == fields) & (lengths <= MAX_LINE_BYTES) & ~is_silent
    return good, int((~good & ~is_silent).sum()), int(is_comment.sum())
