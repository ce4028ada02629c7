"""Foreign keys without an index: each delete of a parent, and each update of its key, reads the whole child."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Found, Skipped
from perfctl.operations.optimizing.model import Evidence, Finding, Gain
from perfctl.operations.optimizing.steps import Step
from perfctl.units import format_bytes, format_count

if TYPE_CHECKING:
    from perfctl.db.mending import UnindexedKey
    from perfctl.operations.optimizing.asked import Asked

LEAST_ROWS = 1000.0
"""A smaller child is read in no time."""
LARGE_ROWS, HUGE_ROWS = 50_000.0, 5_000_000.0


async def look(asked: Asked) -> Sequence[Found]:
    """Those of tables with a thousand rows and more, one finding for the same columns."""
    from perfctl.db.mending import unindexed_foreign_keys

    async with asked.optimizer.database.pool.acquire(timeout=asked.limit_seconds) as session:
        if session.server_version < (13, 0):
            raise Skipped("PostgreSQL before 13 is not looked at")
        keys = await unindexed_foreign_keys(session, timeout_seconds=asked.limit_seconds)
    largest = max((key.rows for key in keys), default=0.0)
    distinct = {(key.child, key.columns): key for key in reversed(keys) if key.rows >= LEAST_ROWS}
    return [_found(key, largest) for key in distinct.values()]


def _found(key: UnindexedKey, largest: float) -> Found:
    from perfctl.db.mending import create_index_statement, drop_index_statement, probe

    index, statement = create_index_statement(key.schema, key.table, key.child, key.columns)
    why_not = _why_not(key)
    columns = ", ".join(key.columns)
    if key.is_partitioned:
        statement = statement.replace(" CONCURRENTLY", "")
    finding = Finding(
        id=f"foreign_keys:{key.child}({columns})",
        source="foreign_keys",
        severity="critical" if key.rows >= HUGE_ROWS else "warning" if key.rows >= LARGE_ROWS else "info",
        title=f"{key.child} ({columns}) refers to {key.parent} without an index",
        subject=key.child,
        evidence=(
            Evidence("rows", f"{format_count(key.rows)} rows in {key.child}", key.rows, "count"),
            Evidence("size", f"{format_bytes(key.size_bytes)} to read", float(key.size_bytes), "bytes"),
            Evidence(
                "parent changes",
                f"{format_count(key.parent_changes)} rows of {key.parent} deleted or updated since it counts",
                float(key.parent_changes),
                "count",
            ),
        ),
        gain=Gain(
            f"{format_bytes(key.size_bytes)} not read for each deleted row of {key.parent}",
            "the size of the table: without an index each check of the key reads all of it",
            float(key.size_bytes),
            "bytes",
        ),
        risk="high" if key.is_partitioned else "low",
        risk_why="CREATE INDEX on a partitioned table stops its writes for the while"
        if key.is_partitioned
        else "builds while others read and write; takes disk, and each write pays for it",
        command=statement,
        command_kind="sql",
        advice=why_not,
        is_safe=why_not is None,
        reverse=drop_index_statement(index),
        weight=_weight(key, largest),
    )
    step = Step(
        kind="index",
        table=key.child,
        columns=key.columns,
        index=index,
        command=statement,
        statement=probe(key.child, key.columns),
    )
    return Found(finding, step if why_not is None else None)


def _weight(key: UnindexedKey, largest: float) -> float:
    """By its size among the others; half of that where nobody changes the parent, so that joins alone would gain."""
    share = key.rows / largest if largest else 0.0
    return share if key.parent_changes else share / 2


def _why_not(key: UnindexedKey) -> str | None:
    """Why `--apply` leaves it alone."""
    from perfctl.db.mending import MOST_BYTES

    if key.is_partitioned:
        return "no index of a partitioned table is built concurrently: make one on each partition, then attach them"
    if not key.is_ours:
        return f"only the owner of {key.child} may make an index on it"
    if key.size_bytes > MOST_BYTES:
        return f"{format_bytes(key.size_bytes)} take long to index: choose the hour yourself"
    return None
