"""Folding: what grew old moves from a fine resolution to a coarser one, in one transaction, so that it counts once.

Every frame's figures stand at exactly one level at any moment: rows are read, added to the coarser rows and deleted
before anybody else may write. Whichever process folds first has done it for all; a second finds nothing left to move.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import pairwise

from perfctl.metrics.history.joining import joined, side_by_side
from perfctl.metrics.history.levels import DAY, HOUR, LEVELS, WRITTEN, Level, copy_of, slot_of
from perfctl.recording.frame import Frame

_UNITS_AT_ONCE = 500
"""Rows that one transaction moves, about: others wait to write meanwhile."""
_EVEN_GAP = 2 * DAY
"""A clock that moved further since the last folding has jumped, or nothing ran: it is believed after an hour."""


def fold(connection: sqlite3.Connection, now: float) -> bool:
    """Move what is due, a few hundred rows at most; whether more is due. Within the caller's transaction."""
    more = _fold_written(connection, now)
    for finer, coarser in pairwise(LEVELS):
        more = _fold_level(connection, finer, coarser, now) or more
    return more


def prune(connection: sqlite3.Connection, before: float) -> int:
    """Delete what is older, and the sums that it is part of; how many rows of a resolution that were."""
    coarsest = LEVELS[-1]
    connection.execute(
        "DELETE FROM frames WHERE level < 0 AND moment - (- level) / 2.0 < ?", (before + coarsest.seconds,)
    )
    deleted = connection.execute("DELETE FROM frames WHERE level >= 0 AND moment + level / 2.0 <= ?", (before,))
    connection.execute("DELETE FROM sources WHERE at <= ?", (before,))
    connection.execute("PRAGMA incremental_vacuum(1000)").fetchall()
    return deleted.rowcount


def clock_is_even(connection: sqlite3.Connection, now: float) -> bool:
    """Whether the clock went evenly for an hour: what is old is not deleted on the word of a clock that just jumped."""
    row = connection.execute("SELECT seen, even_since FROM clock").fetchone()
    even_since = row[1] if row and 0 <= now - row[0] <= _EVEN_GAP else now
    connection.execute("INSERT OR REPLACE INTO clock VALUES (1, ?, ?)", (now, even_since))
    return now - even_since >= HOUR


def _fold_written(connection: sqlite3.Connection, now: float) -> bool:
    """Frames of each process become one of all processes; what they say is added to the totals, once."""
    level = LEVELS[0]
    cutoff = slot_of(now - level.after_seconds, level.seconds)
    rows = _oldest(connection, WRITTEN, cutoff, level.seconds)
    if not rows:
        return False
    written = [(source, moment, Frame.unpack(body)) for _, moment, source, body in rows]
    _remember_sources(connection, written)
    together = side_by_side(written)
    for slot, frame in together:
        _add(connection, level.seconds, slot, frame)
    _add_to_totals(connection, [frame for _, frame in together])
    _delete(connection, rows)
    return len(rows) >= _UNITS_AT_ONCE


def _fold_level(connection: sqlite3.Connection, finer: Level, coarser: Level, now: float) -> bool:
    """Whole units at a time: the sums that stand beside the finer rows go with them."""
    unit = finer.copied_by or coarser.seconds
    cutoff = slot_of(now - coarser.after_seconds, unit)
    rows = _oldest(connection, finer.seconds, cutoff, unit)
    if not rows:
        return False
    slots: dict[int, list[Frame]] = {}
    for _, moment, _, body in rows:
        slots.setdefault(slot_of(moment, coarser.seconds), []).append(Frame.unpack(body))
    for slot, frames in slots.items():
        frame = joined(frames)
        _add(connection, coarser.seconds, slot, frame)
        _add(connection, copy_of(coarser), slot_of(slot, coarser.copied_by), frame)
    _delete(connection, rows)
    if finer.copied_by:
        _drop_sums(connection, finer, {slot_of(moment, finer.copied_by) for _, moment, _, _ in rows})
    return len(rows) >= _UNITS_AT_ONCE


_Row = tuple[int, float, str, bytes]


def _oldest(connection: sqlite3.Connection, level: int, cutoff: float, unit: int) -> Sequence[_Row]:
    """Rows before the cutoff, oldest first: some hundreds, and always whole units of them."""
    due = "FROM frames WHERE level = ? AND moment < ?"
    last = connection.execute(
        f"SELECT moment {due} ORDER BY moment LIMIT 1 OFFSET ?", (level, cutoff, _UNITS_AT_ONCE)
    ).fetchone()
    end = cutoff if last is None else min(cutoff, slot_of(last[0], unit) + unit)
    query = f"SELECT id, moment, coalesce(source, ''), body {due} ORDER BY moment, id"
    return connection.execute(query, (level, end)).fetchall()


def _add(connection: sqlite3.Connection, level: int, slot: int, frame: Frame) -> None:
    """Into the row of that slot, which is made where there is none."""
    moment = slot + abs(level) / 2
    there = connection.execute("SELECT id, body FROM frames WHERE level = ? AND moment = ?", (level, moment)).fetchone()
    if there is None:
        connection.execute(
            "INSERT INTO frames (level, moment, at, seconds, body) VALUES (?, ?, ?, ?, ?)",
            (level, moment, frame.at, frame.seconds, frame.pack()),
        )
        return
    frame = joined([Frame.unpack(there[1]), frame])
    connection.execute(
        "UPDATE frames SET at = ?, seconds = ?, body = ? WHERE id = ?",
        (frame.at, frame.seconds, frame.pack(), there[0]),
    )


def _add_to_totals(connection: sqlite3.Connection, frames: Sequence[Frame]) -> None:
    began, body = connection.execute("SELECT began, body FROM totals").fetchone()
    frame = joined([*([Frame.unpack(body)] if body else []), *frames])
    connection.execute("UPDATE totals SET began = ?, body = ?", (began, frame.pack()))


def _remember_sources(connection: sqlite3.Connection, written: Iterable[tuple[str, float, Frame]]) -> None:
    latest = {source: frame for source, _, frame in written}
    connection.executemany(
        "INSERT OR REPLACE INTO sources VALUES (?, ?, ?)",
        [(source, frame.at, frame.pack()) for source, frame in latest.items()],
    )


def _delete(connection: sqlite3.Connection, rows: Sequence[_Row]) -> None:
    connection.executemany("DELETE FROM frames WHERE id = ?", [(row[0],) for row in rows])


def _drop_sums(connection: sqlite3.Connection, level: Level, slots: Iterable[int]) -> None:
    connection.executemany(
        "DELETE FROM frames WHERE level = ? AND moment = ?",
        [(copy_of(level), slot + level.copied_by / 2) for slot in slots],
    )
