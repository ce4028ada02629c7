"""Reading a history: the rows of a window, each as fine as it is kept, or their sums where those are enough."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from perfctl.metrics.history.joining import joined, side_by_side
from perfctl.metrics.history.levels import LEVELS, WRITTEN, Level, copy_of
from perfctl.metrics.history.status import HistoryStatus, Resolution
from perfctl.recording.frame import Frame

if TYPE_CHECKING:
    import sqlite3

_BETWEEN = "FROM frames WHERE level = ? AND moment >= ? AND moment < ?"
_SUMS_AND_REST = """
SELECT moment, body FROM (
    SELECT moment, body FROM frames WHERE level = ? AND moment >= ? AND moment <= ?
    UNION ALL
    SELECT moment, body FROM frames WHERE level = ? AND moment >= ? AND moment < ? AND NOT EXISTS (
        SELECT 1 FROM frames AS sums WHERE sums.level = ? AND sums.moment >= ? AND sums.moment <= ?
        AND sums.moment = cast(frames.moment / ? AS INTEGER) * ? + ?
    )
) ORDER BY moment
"""


def selected(
    connection: sqlite3.Connection, start: float, end: float, *, with_sums: bool
) -> Iterator[tuple[float, Frame]]:
    """(moment, frame) of all that was measured in [start, end), oldest first, each figure once.

    `with_sums`: whole hours and days come as one frame each where their sum is kept. What the file holds is read
    before this returns; the frames are unpacked one after another as they are asked for.
    """
    parts = [_of_level(connection, level, start, end, with_sums=with_sums) for level in reversed(LEVELS)]
    return heapq.merge(*parts, iter(_written(connection, start, end)), key=lambda pair: pair[0])


def latest(connection: sqlite3.Connection, source: str | None) -> Frame | None:
    """The last frame that a process appended, whatever the clock said."""
    if source is None:
        row = (
            connection.execute("SELECT body FROM frames WHERE level = 0 ORDER BY id DESC LIMIT 1").fetchone()
            or connection.execute("SELECT body FROM sources ORDER BY at DESC LIMIT 1").fetchone()
        )
    else:
        row = (
            connection.execute(
                "SELECT body FROM frames WHERE level = 0 AND source = ? ORDER BY id DESC LIMIT 1", (source,)
            ).fetchone()
            or connection.execute("SELECT body FROM sources WHERE source = ?", (source,)).fetchone()
        )
    return Frame.unpack(row[0]) if row else None


def totals(connection: sqlite3.Connection) -> Frame | None:
    """What was folded until now, and what was written since."""
    row = connection.execute("SELECT body FROM totals").fetchone()
    folded = [Frame.unpack(row[0])] if row and row[0] else []
    since = [frame for _, frame in _written(connection, float("-inf"), float("inf"))]
    return joined([*folded, *since]) if folded or since else None


def began(connection: sqlite3.Connection) -> float | None:
    """When the first frame that was ever appended began."""
    row = connection.execute("SELECT began FROM totals").fetchone()
    return row[0] if row else None


def status(connection: sqlite3.Connection | None, path: Path, days: float) -> HistoryStatus:
    """Figures of the file; of none, where there is none."""
    resolutions = tuple(_resolution(connection, seconds) for seconds in (WRITTEN, *(level.seconds for level in LEVELS)))
    starts = [resolution.oldest for resolution in resolutions if resolution.oldest is not None]
    return HistoryStatus(
        file=str(path),
        is_there=connection is not None,
        size_bytes=sum(_size(path.with_name(path.name + end)) for end in ("", "-wal")),
        days=days,
        oldest=min(starts, default=None),
        newest=None if connection is None else connection.execute("SELECT max(at) FROM frames").fetchone()[0],
        resolutions=resolutions,
        sources=_sources(connection),
    )


def _of_level(
    connection: sqlite3.Connection, level: Level, start: float, end: float, *, with_sums: bool
) -> Iterator[tuple[float, Frame]]:
    """Rows of one level; where sums are wanted, those in their stead that lie wholly in the window."""
    if not (with_sums and level.copied_by):
        query = f"SELECT moment, body {_BETWEEN} ORDER BY moment"
        return _unpacking(connection.execute(query, (level.seconds, start, end)).fetchall())
    half = level.copied_by / 2
    sums = (copy_of(level), start + half, end - half)
    finer = (level.seconds, start, end, *sums, level.copied_by, level.copied_by, half)
    rows = connection.execute(_SUMS_AND_REST, (*sums, *finer)).fetchall()
    return _unpacking(rows)


def _unpacking(rows: list[tuple[float, bytes]]) -> Iterator[tuple[float, Frame]]:
    return ((moment, Frame.unpack(body)) for moment, body in rows)


def _written(connection: sqlite3.Connection, start: float, end: float) -> list[tuple[float, Frame]]:
    rows = connection.execute(
        f"SELECT source, moment, body {_BETWEEN} ORDER BY moment, id", (WRITTEN, start, end)
    ).fetchall()
    written = [(source, moment, Frame.unpack(body)) for source, moment, body in rows]
    middle = LEVELS[0].seconds / 2
    return [(min(max(slot + middle, start), end), frame) for slot, frame in side_by_side(written)]


def _resolution(connection: sqlite3.Connection | None, seconds: int) -> Resolution:
    if connection is None:
        return Resolution(seconds, 0, 0, None)
    frames, size, oldest = connection.execute(
        "SELECT count(*), coalesce(sum(length(body)), 0), min(moment) FROM frames WHERE level = ?", (seconds,)
    ).fetchone()
    return Resolution(seconds, frames, size, None if oldest is None else oldest - seconds / 2)


def _sources(connection: sqlite3.Connection | None) -> tuple[str, ...]:
    if connection is None:
        return ()
    rows = connection.execute("SELECT DISTINCT source FROM frames WHERE level = 0 ORDER BY source")
    return tuple(source for (source,) in rows)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
