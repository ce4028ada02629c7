"""Taking items out of the queue before they are sent; what was sent cannot be taken back."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from perfctl.cdn.queue.adding import free_covered


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which items are meant: by ID, by pattern (where `*` stands for anything), or all of them."""

    ids: tuple[int, ...] = ()
    patterns: tuple[str, ...] = ()
    everything: bool = False
    failed: bool = False
    """Those that failed, instead of those that are queued."""
    distributions: tuple[str, ...] = ()


def choose(connection: sqlite3.Connection, chosen: Chosen) -> list[sqlite3.Row]:
    """The rows that are meant, of those that can still be taken out."""
    states = ("failed", "failed") if chosen.failed else ("queued", "covered")
    rows = connection.execute("SELECT * FROM items WHERE state IN (?, ?) ORDER BY id", states).fetchall()
    expressions = [_expression(pattern) for pattern in chosen.patterns]
    ids = frozenset(chosen.ids)
    return [
        row
        for row in rows
        if (not chosen.distributions or row["distribution"] in chosen.distributions)
        and (chosen.everything or row["id"] in ids or any(one.fullmatch(row["item"]) for one in expressions))
    ]


def cancel(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row], *, now: float) -> int:
    """Take rows out. How many items are queued by themselves again, for the wildcard that covered them is gone."""
    for row in rows:
        connection.execute(
            "UPDATE items SET state = 'cancelled', covered_by = NULL, settled = ? WHERE id = ?", (now, row["id"])
        )
    wildcards = [row for row in rows if row["kind"] == "wildcard" and row["state"] == "queued"]
    return sum(free_covered(connection, row["distribution"], row["id"]) for row in wildcards)


def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))))
