"""Running a read that passed the gate, in a transaction that cannot write and leaves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfctl.db.guard.binding import bound_texts
from perfctl.db.guard.gate import vet, writes
from perfctl.db.model.rows import QueryRows, RowColumn
from perfctl.db.places import located
from perfctl.db.postgres import StatementError
from perfctl.db.transaction import guarded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfctl.db.postgres import Session

Rows = QueryRows
_READ_ONLY = "25006"
_ONLY_READS = "give one that only reads; perfctl db analyze --allow-write measures a write, and rolls it back"


async def read(
    session: Session,
    sql: str,
    arguments: Sequence[object] = (),
    *,
    timeout_seconds: float,
    trusted: tuple[str, ...] = (),
    limit: int | None = None,
    arguments_are_text: bool = False,
) -> QueryRows:
    """The rows of one statement that only reads, its `$1` ... bound to the arguments; at most `limit` of them.

    With `arguments_are_text` the server makes of each the type that its place has.
    RefusedError for what is not a read, or could do harm while it reads; TimedOutError after `timeout_seconds`,
    StatementError for what PostgreSQL refuses, with the place in `sql`.
    """
    try:
        vetted = await vet(session, sql, trusted=trusted, for_writes=_ONLY_READS)
        if arguments_are_text:
            texts = [str(text) for text in arguments]
            arguments = await bound_texts(session, sql, texts, timeout_seconds=timeout_seconds, trusted=trusted)
        async with guarded(session, timeout_seconds=timeout_seconds):
            columns, rows = await session.rows(
                vetted.statement, *arguments, limit=None if limit is None else limit + 1, timeout=timeout_seconds
            )
    except StatementError as error:
        if error.sqlstate == _READ_ONLY:
            raise writes(error.message.removeprefix("PostgreSQL: "), _ONLY_READS) from error
        raise located(error, sql) from error
    names = told_apart([name for name, _ in columns])
    shown = rows if limit is None else rows[:limit]
    return QueryRows(
        columns=tuple(RowColumn(name, kind) for name, (_, kind) in zip(names, columns, strict=True)),
        rows=tuple(dict(zip(names, _values(row), strict=True)) for row in shown),
        total=len(rows),
        has_more=len(shown) < len(rows),
    )


def told_apart(names: Iterable[str]) -> list[str]:
    """The names, each once: the second `a` is `a_2`, or the next number that is free.

    >>> told_apart(["a", "a", "a_2"])
    ['a', 'a_3', 'a_2']
    """
    given = list(names)
    taken, seen = set(given), set[str]()
    told = []
    for name in given:
        number = 2
        fresh = name
        while fresh in seen or (fresh != name and fresh in taken):
            fresh, number = f"{name}_{number}", number + 1
        seen.add(fresh)
        told.append(fresh)
    return told


def _values(row: Any) -> list[Any]:
    return list(row.values())
