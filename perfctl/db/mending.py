"""What is lacking in a database, as facts, and the few statements that mend it without holding anybody up."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from perfctl.db.asking import ask
from perfctl.db.postgres import connected, quoted
from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.config import DatabaseConfig
    from perfctl.db.postgres import Session

BUILD_SECONDS = 3600.0
"""How long an index may take to build where nothing else is said."""
MOST_BYTES = 10_000_000_000
"""A larger table takes an hour and more to index: somebody should choose when."""
LOCK_WAIT_SECONDS = 30.0
"""How long a build waits for others' transactions: it holds nobody up meanwhile, reading and writing go on."""
_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class UnindexedKey:
    """A foreign key whose columns begin no index."""

    name: str
    schema: str
    """As SQL writes it, as are `child` and `parent`, which are qualified."""
    table: str
    """The child's bare name."""
    child: str
    parent: str
    columns: tuple[str, ...]
    rows: float
    size_bytes: int
    parent_changes: int
    """Rows of the parent that were deleted or updated since its statistics began."""
    is_partitioned: bool
    is_ours: bool
    """Whether this role may make an index on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleTable:
    """A table whose statistics are older than its rows."""

    name: str
    """Qualified, as SQL writes it."""
    changed: int
    live: int
    share: float
    """Of its rows, 0..1."""
    analyzed_at: datetime | None
    size_bytes: int
    is_ours: bool


@dataclass(frozen=True, slots=True)
class IndexState:
    """An index that is there."""

    definition: str
    is_valid: bool
    is_being_built: bool
    size_bytes: int


async def unindexed_foreign_keys(session: Session, *, timeout_seconds: float) -> tuple[UnindexedKey, ...]:
    """The largest child first."""
    rows = await ask(session, "unindexed_foreign_keys", timeout_seconds=timeout_seconds)
    return tuple(
        UnindexedKey(
            name=row["name"],
            schema=row["schema_name"],
            table=row["table_name"],
            child=row["child"],
            parent=row["parent"],
            columns=tuple(row["columns"]),
            rows=row["table_rows"],
            size_bytes=row["size_bytes"],
            parent_changes=row["parent_changes"],
            is_partitioned=row["is_partitioned"],
            is_ours=row["is_ours"],
        )
        for row in rows
    )


async def stale_tables(session: Session, *, timeout_seconds: float) -> tuple[StaleTable, ...]:
    """Tables of which 10,000 rows and a fifth changed since they were analyzed, the worst first."""
    rows = await ask(session, "stale_tables", timeout_seconds=timeout_seconds)
    return tuple(
        StaleTable(
            name=row["name"],
            changed=row["changed"],
            live=row["live"],
            share=row["share"],
            analyzed_at=row["analyzed_at"],
            size_bytes=row["size_bytes"],
            is_ours=row["is_ours"],
        )
        for row in rows
    )


async def index_state(session: Session, index: str, *, timeout_seconds: float = 10.0) -> IndexState | None:
    """The index of a qualified name; None where there is none."""
    rows = await ask(session, "index_state", index, timeout_seconds=timeout_seconds)
    return next(
        (IndexState(row["definition"], row["is_valid"], row["is_being_built"], row["size_bytes"] or 0) for row in rows),
        None,
    )


async def changed_rows(session: Session, table: str, *, timeout_seconds: float = 10.0) -> int | None:
    """Rows that changed since the table was analyzed; None where there is no such table."""
    rows = await ask(session, "changed_rows", table, timeout_seconds=timeout_seconds)
    return next((row["changed"] for row in rows), None)


async def table_bytes(session: Session, table: str, *, timeout_seconds: float = 10.0) -> int:
    """The size of a table's rows on the disk; 0 where there is no such table."""
    rows = await ask(session, "changed_rows", table, timeout_seconds=timeout_seconds)
    return next((row["size_bytes"] for row in rows), 0)


def index_name(table: str, columns: Sequence[str]) -> str:
    """A name of our own for an index, the same each time, within PostgreSQL's 63 bytes.

    >>> index_name("orders", ["customer_id"])
    'perfctl_orders_customer_id_idx'
    """
    whole = "_".join(("perfctl", table, *columns, "idx"))
    plain = re.sub(r"[^a-z0-9_]+", "_", whole.lower())
    if plain == whole and len(whole) <= _LONGEST_NAME:
        return whole
    digest = hashlib.sha256("\0".join((table, *columns)).encode()).hexdigest()[:8]
    return f"{plain.removesuffix('_idx')[: _LONGEST_NAME - 13]}_{digest}_idx"


def create_index_statement(schema: str, table: str, child: str, columns: Sequence[str]) -> tuple[str, str]:
    """The index's qualified name, and the statement that builds it while others read and write.

    >>> create_index_statement("public", "orders", "public.orders", ["customer_id"])[1]
    'CREATE INDEX CONCURRENTLY "perfctl_orders_customer_id_idx" ON public.orders ("customer_id");'
    """
    name = quoted(index_name(table, columns))
    listed = ", ".join(map(quoted, columns))
    return f"{schema}.{name}", f"CREATE INDEX CONCURRENTLY {name} ON {child} ({listed});"


def drop_index_statement(index: str) -> str:
    """The statement that undoes it, while others read and write."""
    return f"DROP INDEX CONCURRENTLY IF EXISTS {index};"


def probe(table: str, columns: Sequence[str]) -> str:
    """A statement that finds the rows of one value of these columns, as the check of a foreign key does."""
    names = ", ".join(map(quoted, columns))
    known = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in columns)
    sought = f"(SELECT {names} FROM {table} WHERE {known} LIMIT 1)"  # noqa: S608 - names are quoted
    left = names if len(columns) == 1 else f"({names})"
    return f"SELECT count(*) FROM {table} WHERE {left} = {sought}"  # noqa: S608 - as before


@asynccontextmanager
async def building(config: DatabaseConfig, *, timeout_seconds: float | None = None) -> AsyncIterator[Session]:
    """A session of its own for what cannot run in a transaction, with the limits that a build needs."""
    seconds = timeout_seconds or BUILD_SECONDS
    async with connected(replace(config, statement_timeout_ms=0)) as session:
        await session.execute(
            f"SET statement_timeout = {int(seconds * 1000)}; SET lock_timeout = {int(LOCK_WAIT_SECONDS * 1000)};"
            " SET application_name = 'perfctl'"
        )
        yield session


async def build(session: Session, statement: str, index: str) -> IndexState:
    """Run a CREATE INDEX CONCURRENTLY; what it leaves behind where it fails is dropped, and its error raised.

    Where the same transaction that it waited for in vain holds up the drop as well, an invalid index stays.
    """
    try:
        await session.execute(statement)
    except PerfctlError:
        if not session.is_closed:
            with suppress(PerfctlError):
                await drop_if_invalid(session, index)
        raise
    state = await index_state(session, index)
    assert state is not None, index  # noqa: S101 - the server has just said so
    return state


async def drop_if_invalid(session: Session, index: str) -> bool:
    """Drop what a build left unfinished, unless it is being built now; whether there was something."""
    left = await index_state(session, index)
    if left is None or left.is_valid or left.is_being_built:
        return False
    await session.execute(drop_index_statement(index))
    return True
