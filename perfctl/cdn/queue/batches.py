"""Batches of the queue: written down with their reference before they are sent, so that none is sent twice.

A batch is `intended` until CloudFront's answer is known. Whatever happened to the process then, the same items go out
again under the same CallerReference, for which CloudFront returns the invalidation that there is, or makes the one.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from perfctl.cdn.invalidating.sending import caller_reference
from perfctl.cdn.paths import MOST_EXACT, is_wildcard
from perfctl.cdn.queue.adding import free_covered, take_back
from perfctl.cdn.queue.limits import Load

DEADLINE_MARGIN_SECONDS = 1.0
"""An item with a deadline goes so long before it, whatever the window."""
# A `+` keeps SQLite from walking all batches there ever were: it takes the index of the open ones.
_ORDER = "ORDER BY priority DESC, coalesce(deadline, 1e18), first_queued, id"


@dataclass(frozen=True, slots=True)
class Batch:
    """Items that go out together, in this order whenever they go."""

    id: int
    distribution: str
    reference: str
    items: tuple[str, ...]

    @property
    def load(self) -> Load:
        """What it adds to what is in progress."""
        wildcards = sum(map(is_wildcard, self.items))
        return Load(len(self.items) - wildcards, wildcards)


class Flying(NamedTuple):
    """A batch that was accepted."""

    id: int
    cf_id: str


class Pending(NamedTuple):
    """What is queued for a distribution."""

    load: Load
    due_at: float
    """When the first of it is to go."""


def pending(connection: sqlite3.Connection, distribution: str, *, now: float, window_seconds: float) -> Pending | None:
    """What is queued, and when its first item has waited for others long enough; None where nothing is queued.

    Everything that is queued goes with the first that is due, so that there is at most one call a window. An item
    from after now was queued before the clock was set back, and is due.
    """
    row = connection.execute(
        "SELECT count(*) AS number, coalesce(sum(kind = 'wildcard'), 0) AS wildcards,"
        " min(CASE WHEN first_queued > ?1 + 1 THEN 0 ELSE min(first_queued + ?2, coalesce(deadline - ?3, 1e18)) END)"
        " AS due_at FROM items WHERE distribution = ?4 AND state = 'queued'",
        (now, window_seconds, DEADLINE_MARGIN_SECONDS, distribution),
    ).fetchone()
    if not row["number"]:
        return None
    return Pending(Load(row["number"] - row["wildcards"], row["wildcards"]), row["due_at"])


def pending_items(connection: sqlite3.Connection, distribution: str) -> list[str]:
    """The items that are queued."""
    rows = connection.execute(
        "SELECT item FROM items WHERE distribution = ? AND state = 'queued' ORDER BY item", (distribution,)
    )
    return [row["item"] for row in rows]


def intend(connection: sqlite3.Connection, distribution: str, room: Load, *, now: float) -> Batch | None:
    """Take what is most urgent out of the queue, as far as there is room for it; None where nothing fits."""
    wildcards = _chosen(connection, distribution, "kind = 'wildcard'", room.wildcards)
    others = _chosen(connection, distribution, "kind != 'wildcard'", min(room.paths, MOST_EXACT - len(wildcards)))
    chosen = sorted([*wildcards, *others])
    return _made(connection, distribution, chosen, now=now) if chosen else None


def intended(connection: sqlite3.Connection, distribution: str) -> Batch | None:
    """The oldest batch of which it is not known whether it was accepted."""
    row = connection.execute(
        "SELECT id, reference FROM batches WHERE distribution = ? AND state IN ('intended', 'sent')"
        " AND +state = 'intended' ORDER BY +id LIMIT 1",
        (distribution,),
    ).fetchone()
    return None if row is None else Batch(row["id"], distribution, row["reference"], _items(connection, row["id"]))


def submitted(connection: sqlite3.Connection, batch: Batch, cf_id: str, *, now: float) -> None:
    """CloudFront has accepted it."""
    is_ours = connection.execute(
        "UPDATE batches SET state = 'sent', cf_id = ?, submitted = ? WHERE reference = ? AND state = 'intended'",
        (cf_id, now, batch.reference),
    ).rowcount
    if is_ours:
        connection.execute("UPDATE items SET state = 'sent' WHERE batch = ? AND state = 'sending'", (batch.id,))


def completed(connection: sqlite3.Connection, batch: int, *, now: float) -> int:
    """CloudFront has completed it; how many items it had."""
    done = connection.execute(
        "UPDATE batches SET state = 'completed', completed = ? WHERE id = ? AND state = 'sent'", (now, batch)
    ).rowcount
    connection.execute(
        "UPDATE items SET state = 'completed', settled = ? WHERE batch = ? AND state = 'sent'", (now, batch)
    )
    return len(_items(connection, batch)) if done else 0


def sent(connection: sqlite3.Connection, distribution: str) -> list[Flying]:
    """The batches that were accepted and not yet seen completed, the oldest first."""
    rows = connection.execute(
        "SELECT id, cf_id FROM batches WHERE distribution = ? AND state IN ('intended', 'sent')"
        " AND +state = 'sent' ORDER BY +id",
        (distribution,),
    )
    return [Flying(*row) for row in rows]


def load(connection: sqlite3.Connection, distribution: str) -> Load:
    """What the queue has in progress, or may have."""
    row = connection.execute(
        "SELECT coalesce(sum(items - wildcards), 0), coalesce(sum(wildcards), 0) FROM batches"
        " WHERE distribution = ? AND state IN ('intended', 'sent')",
        (distribution,),
    ).fetchone()
    return Load(*row)


def dissolve(connection: sqlite3.Connection, batch: Batch) -> None:
    """Back into the queue with a batch that was certainly not accepted."""
    if _unmade(connection, batch):
        take_back(connection, batch.distribution, _rows(connection, batch.id))


def split(connection: sqlite3.Connection, batch: Batch, *, now: float) -> set[int]:
    """Two batches with new references of one that was certainly not accepted, to find the item that is refused."""
    if not _unmade(connection, batch):
        return set()
    identifiers = [int(row["id"]) for row in _rows(connection, batch.id)]
    middle = len(identifiers) // 2
    halves = (identifiers[:middle], identifiers[middle:])
    return {_made(connection, batch.distribution, half, now=now).id for half in halves}


def failed(connection: sqlite3.Connection, batch: Batch, reason: str, *, now: float) -> int:
    """Give up the one item of a batch that is refused for its sake; what went with it goes by itself. How many."""
    if not _unmade(connection, batch):
        return 0
    (row,) = _rows(connection, batch.id)
    connection.execute(
        "UPDATE items SET state = 'failed', batch = NULL, settled = ?, error = ? WHERE id = ?", (now, reason, row["id"])
    )
    free_covered(connection, batch.distribution, row["id"])
    return 1


def _unmade(connection: sqlite3.Connection, batch: Batch) -> bool:
    """Strike a batch out that is still as it was written down; not one that another sender has sent since."""
    written = "DELETE FROM batches WHERE id = ? AND reference = ? AND state = 'intended'"
    return connection.execute(written, (batch.id, batch.reference)).rowcount == 1


def _chosen(connection: sqlite3.Connection, distribution: str, condition: str, most: int) -> list[int]:
    if most <= 0:
        return []
    rows = connection.execute(
        f"SELECT id FROM items WHERE distribution = ? AND state = 'queued' AND {condition} {_ORDER} LIMIT ?",  # noqa: S608 - both texts stand in this file
        (distribution, most),
    )
    return [int(row["id"]) for row in rows]


def _made(connection: sqlite3.Connection, distribution: str, identifiers: Sequence[int], *, now: float) -> Batch:
    """A batch of these rows, written down with its reference."""
    made = connection.execute(
        "INSERT INTO batches (distribution, reference, state, items, wildcards, intended)"
        " VALUES (?, ?, 'intended', 0, 0, ?)",
        (distribution, f"none yet {uuid.uuid4().hex}", now),
    )
    identifier = int(made.lastrowid or 0)
    for item in identifiers:
        connection.execute(
            "UPDATE items SET state = 'sending', batch = ?1 WHERE id = ?2 OR covered_by = ?2", (identifier, item)
        )
    items = _items(connection, identifier)
    batch = Batch(identifier, distribution, caller_reference(distribution, items, uuid.uuid4().hex), items)
    connection.execute(
        "UPDATE batches SET reference = ?, items = ?, wildcards = ? WHERE id = ?",
        (batch.reference, len(items), batch.load.wildcards, identifier),
    )
    return batch


def _rows(connection: sqlite3.Connection, batch: int) -> list[sqlite3.Row]:
    """The items of a batch, without those that go with a wildcard of it."""
    return connection.execute(
        "SELECT * FROM items WHERE batch = ? AND covered_by IS NULL ORDER BY id", (batch,)
    ).fetchall()


def _items(connection: sqlite3.Connection, batch: int) -> tuple[str, ...]:
    rows = connection.execute("SELECT item FROM items WHERE batch = ? AND covered_by IS NULL ORDER BY id", (batch,))
    return tuple(row["item"] for row in rows)
