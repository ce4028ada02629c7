"""A new SQLite file switched to its write-ahead log, also where several processes switch it at the same moment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

AGAIN_SECONDS = 0.02


def switch_to_wal(connection: sqlite3.Connection, *, at_most_seconds: float) -> str:
    """The journal mode that it has from now on: `wal`, or another one where its file system allows none.

    SQLite's own busy time-out does not hold here: while another process switches the same new file it refuses at once.
    So this asks again, for so long; then the refusal is raised.
    """
    import sqlite3

    give_up = time.monotonic() + at_most_seconds
    while True:
        try:
            mode: str = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if not (error.sqlite_errorname or "").startswith("SQLITE_BUSY") or time.monotonic() > give_up:
                raise
            time.sleep(AGAIN_SECONDS)
        else:
            return mode
