"""What is too old goes: recordings with what they counted, and the texts that nothing refers to any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.db.statements.history.latest import numbers

if TYPE_CHECKING:
    import sqlite3

_SLACK_SECONDS = 86_400.0
"""Texts that are not needed any more are looked for once a day, not at every recording: that reads everything."""


def is_due(connection: sqlite3.Connection, before: float) -> bool:
    """Whether the oldest recording is older than it need be by a day."""
    oldest: float | None = connection.execute("SELECT min(recorded) FROM snapshots").fetchone()[0]
    return oldest is not None and oldest < before - _SLACK_SECONDS


def old(connection: sqlite3.Connection, before: float) -> int:
    """How many recordings are older than that; the last of each server is kept in any case."""
    count: int = connection.execute(
        "SELECT count(*) FROM snapshots WHERE recorded < ?"
        " AND id NOT IN (SELECT max(id) FROM snapshots GROUP BY server)",
        (before,),
    ).fetchone()[0]
    return count


def prune(connection: sqlite3.Connection, before: float) -> int:
    """Remove recordings that are older; how many. The last of each server stays: the next is compared with it."""
    gone = [
        row[0]
        for row in connection.execute(
            "SELECT id FROM snapshots WHERE recorded < ? AND id NOT IN (SELECT max(id) FROM snapshots GROUP BY server)",
            (before,),
        )
    ]
    connection.executemany("DELETE FROM deltas WHERE snapshot = ?", ((number,) for number in gone))
    connection.executemany("DELETE FROM snapshots WHERE id = ?", ((number,) for number in gone))
    if gone:
        needed = numbers(connection)
        unused = connection.execute("SELECT id FROM statements WHERE id NOT IN (SELECT DISTINCT statement FROM deltas)")
        dropped = [(number,) for (number,) in unused.fetchall() if number not in needed]
        connection.executemany("DELETE FROM statements WHERE id = ?", dropped)
    return len(gone)
