"""Putting items into the queue: each is there once, and not beside a queued wildcard that covers it.

Only what is still queued covers: an item that changes after its batch went out is queued again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from perfctl.cdn.paths import is_wildcard

Kind = Literal["path", "wildcard", "tag"]
Placing = Literal["queued", "repeated", "covered"]


class Entry(NamedTuple):
    """An item on its way into the queue, and since when it is wanted."""

    item: str
    first_queued: float
    deadline: float | None = None
    priority: int = 0
    asked: int = 1


@dataclass(slots=True)
class Placed:
    """What became of the entries."""

    queued: list[str]
    repeated: list[str]
    covered: list[str]
    absorbed: int = 0


def kind_of(item: str) -> Kind:
    """The kinds that CloudFront counts apart, and tags."""
    return "tag" if item.startswith("#") else "wildcard" if is_wildcard(item) else "path"


def place(connection: sqlite3.Connection, distribution: str, entries: Iterable[Entry]) -> Placed:
    """Put the entries into the queue of a distribution, within the caller's transaction."""
    wildcards = _Wildcards(connection, distribution)
    placed = Placed([], [], [])
    for entry in entries:
        placing, absorbed = _place(connection, distribution, entry, wildcards)
        getattr(placed, placing).append(entry.item)
        placed.absorbed += absorbed
    return placed


def take_back(connection: sqlite3.Connection, distribution: str, rows: Iterable[sqlite3.Row]) -> Placed:
    """Queue rows of `items` anew, as long as they have waited, and what went with them likewise."""
    entries = []
    for row in rows:
        entries += [_entry_of(row), *(_entry_of(child) for child in _children(connection, row["id"]))]
        connection.execute("DELETE FROM items WHERE id = ? OR covered_by = ?", (row["id"], row["id"]))
    return place(connection, distribution, entries)


def free_covered(connection: sqlite3.Connection, distribution: str, wildcard: int) -> int:
    """Queue by themselves the items that went with a wildcard which does not go; how many they were."""
    children = _children(connection, wildcard)
    connection.execute("DELETE FROM items WHERE covered_by = ?", (wildcard,))
    place(connection, distribution, [_entry_of(child) for child in children])
    return len(children)


class _Wildcards:
    """The queued wildcards of a distribution, by prefix."""

    def __init__(self, connection: sqlite3.Connection, distribution: str) -> None:
        rows = connection.execute(
            "SELECT id, item FROM items WHERE distribution = ? AND state = 'queued' AND kind = 'wildcard'",
            (distribution,),
        )
        self._ids = {row["item"][:-1]: int(row["id"]) for row in rows}
        self._lengths = sorted({len(prefix) for prefix in self._ids})

    def covering(self, item: str) -> int | None:
        """The queued wildcard under which an item lies, which is not the item itself."""
        is_itself_one = is_wildcard(item)
        body = item[:-1] if is_itself_one else item
        for length in self._lengths:
            if length > len(body) - is_itself_one:
                return None
            found = self._ids.get(body[:length])
            if found is not None:
                return found
        return None

    def add(self, item: str, identifier: int) -> None:
        prefix = item[:-1]
        self._ids = {known: row for known, row in self._ids.items() if not known.startswith(prefix)}
        self._ids[prefix] = identifier
        self._lengths = sorted({len(known) for known in self._ids})


def _place(
    connection: sqlite3.Connection, distribution: str, entry: Entry, wildcards: _Wildcards
) -> tuple[Placing, int]:
    """Where the entry went, and how many queued items it took along."""
    covering = wildcards.covering(entry.item) if entry.item.startswith("/") else None
    if covering is not None:
        _insert(connection, distribution, entry, "covered", covering)
        _hurry(connection, covering, entry)
        return "covered", 0
    identifier, is_new = _insert(connection, distribution, entry, "queued", None)
    if not is_new:
        return "repeated", 0
    if kind_of(entry.item) != "wildcard":
        return "queued", 0
    wildcards.add(entry.item, identifier)
    return "queued", _absorb(connection, distribution, entry.item, identifier)


def _insert(
    connection: sqlite3.Connection, distribution: str, entry: Entry, state: str, covered_by: int | None
) -> tuple[int, bool]:
    """The row that carries the item, and whether it is new."""
    found = connection.execute(
        "SELECT id FROM items WHERE distribution = ? AND item = ? AND state IN ('queued', 'covered')",
        (distribution, entry.item),
    ).fetchone()
    if found is not None:
        _hurry(connection, found["id"], entry)
        connection.execute("UPDATE items SET asked = asked + ? WHERE id = ?", (entry.asked, found["id"]))
        return int(found["id"]), False
    connection.execute(
        "DELETE FROM items WHERE distribution = ? AND item = ? AND state = 'failed'", (distribution, entry.item)
    )
    made = connection.execute(
        "INSERT INTO items (distribution, item, kind, state, first_queued, asked, deadline, priority, covered_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(distribution, entry.item, kind_of(entry.item), state, entry.first_queued),
            *(entry.asked, entry.deadline, entry.priority, covered_by),
        ),
    )
    return int(made.lastrowid or 0), True


def _hurry(connection: sqlite3.Connection, identifier: int, entry: Entry) -> None:
    """Let a row go as early as the entry wants to."""
    connection.execute(
        "UPDATE items SET first_queued = min(first_queued, ?1), priority = max(priority, ?2),"
        " deadline = min(coalesce(deadline, ?3), coalesce(?3, deadline)) WHERE id = ?4",
        (entry.first_queued, entry.priority, entry.deadline, identifier),
    )


def _absorb(connection: sqlite3.Connection, distribution: str, wildcard: str, identifier: int) -> int:
    """Let what lies under a new wildcard go with it; what went with that, too."""
    prefix = wildcard[:-1]
    rows = connection.execute(
        "SELECT * FROM items WHERE distribution = ? AND state IN ('queued', 'covered') AND +state = 'queued'"
        " AND item >= ? AND item < ? AND id != ?",
        (distribution, prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1), identifier),
    ).fetchall()
    for row in rows:
        _hurry(connection, identifier, _entry_of(row))
        connection.execute("UPDATE items SET covered_by = ? WHERE covered_by = ?", (identifier, row["id"]))
        connection.execute("UPDATE items SET state = 'covered', covered_by = ? WHERE id = ?", (identifier, row["id"]))
    return len(rows)


def _children(connection: sqlite3.Connection, wildcard: int) -> list[sqlite3.Row]:
    return connection.execute("SELECT * FROM items WHERE covered_by = ? ORDER BY id", (wildcard,)).fetchall()


def _entry_of(row: sqlite3.Row) -> Entry:
    return Entry(row["item"], row["first_queued"], row["deadline"], row["priority"], row["asked"])
