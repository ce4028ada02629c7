"""Forgetting what was settled long ago, so that the file stays small."""

from __future__ import annotations

import sqlite3

KEPT_SECONDS = 7 * 86_400.0
SEEN_SECONDS = 100 * 86_400.0
_PAGES = 1000


def prune(connection: sqlite3.Connection, *, now: float) -> None:
    """Drop items and batches that were settled a week ago, and what was kept of invalidations a quarter ago."""
    connection.execute("DELETE FROM items WHERE settled < ?", (now - KEPT_SECONDS,))
    connection.execute("DELETE FROM batches WHERE completed < ?", (now - KEPT_SECONDS,))
    connection.execute("DELETE FROM seen WHERE created < ?", (now - SEEN_SECONDS,))
    connection.execute(f"PRAGMA incremental_vacuum({_PAGES})")
