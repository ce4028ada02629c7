"""The rows of a read, however many: in chunks from a cursor on the server, in a transaction that cannot write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from perfctl.db.guard.gate import vet
from perfctl.db.postgres import StatementError, connected
from perfctl.db.sqltext import statements
from perfctl.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from perfctl.config import DatabaseConfig
    from perfctl.db.postgres import Record, Session

_READ_ONLY = "25006"
_CURSOR = "perfctl_rows"
_DECLARE = f"DECLARE {_CURSOR} NO SCROLL CURSOR FOR "
_LOCK_TIMEOUT_MS = 1000
_NOT_A_QUERY = "42601"


async def streamed(
    config: DatabaseConfig, sql: str, *, skip: int = 0, chunk: int = 1000
) -> AsyncIterator[list[dict[str, Any]]]:
    """The rows of one statement as dicts, so many at a time, after the first `skip`; JSON columns as what they hold.

    On a connection of its own, in a READ ONLY transaction that is rolled back. RefusedError for what writes or could do
    other harm, StatementError for what PostgreSQL refuses.
    """
    text = _only_statement(sql)
    async with connected(config) as session:
        await vet(session, text, trusted=config.trusted_functions, for_writes="give one that only reads")
        await session.read_json()  # from here on: the gate reads JSON as text
        await session.execute(_begin(config.statement_timeout_ms))
        try:
            await _declare(session, text)
            if skip:
                await session.execute(f"MOVE FORWARD {skip:d} IN {_CURSOR}")
            while rows := await _fetched(session, chunk):
                yield [{name: plain(value) for name, value in row.items()} for row in rows]
        finally:
            await session.rollback()


def plain(value: Any) -> Any:
    """A value of the driver as Python's own type: its UUIDs, composites and arrays of them.

    >>> plain([(1, None)])
    [(1, None)]
    """
    if isinstance(value, UUID):
        return UUID(int=value.int)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return value


def _only_statement(sql: str) -> str:
    found = statements(sql)
    if len(found) != 1:
        held = "no statement" if not found else f"{len(found)} statements"
        raise UsageError(f"the SQL text holds {held}", hint="give one SELECT")
    return found[0]


async def _declare(session: Session, text: str) -> None:
    try:
        await session.fetch(_DECLARE + text)
    except StatementError as error:
        if error.sqlstate == _READ_ONLY:
            raise _refused(error) from error
        shifted = None if error.position is None else error.position - len(_DECLARE)
        hint = error.hint or ("a query is SELECT, VALUES, TABLE or WITH" if error.sqlstate == _NOT_A_QUERY else None)
        raise StatementError(error.message, sqlstate=error.sqlstate, position=shifted, hint=hint) from error


async def _fetched(session: Session, chunk: int) -> list[Record]:
    try:
        return await session.fetch(f"FETCH FORWARD {chunk:d} FROM {_CURSOR}")
    except StatementError as error:
        if error.sqlstate == _READ_ONLY:
            raise _refused(error) from error
        raise


def _refused(error: StatementError) -> RefusedError:
    return RefusedError(
        f"the query writes ({error.message.removeprefix('PostgreSQL: ')})", hint="give one that only reads"
    )


def _begin(statement_timeout_ms: int) -> str:
    """What holds for each FETCH holds for the statement: the server runs it bit by bit."""
    return (
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
        f" SET LOCAL statement_timeout = {statement_timeout_ms:d};"
        f" SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS:d};"
        " SET LOCAL idle_in_transaction_session_timeout = 0;"
        " SET LOCAL standard_conforming_strings = on"
    )
