"""Values that were given as texts, such as on a command line, as the types that a statement wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.db.guard.gate import vet
from perfctl.db.transaction import guarded
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfctl.db.postgres import Session


async def bound_texts(
    session: Session, sql: str, texts: Sequence[str], *, timeout_seconds: float, trusted: tuple[str, ...] = ()
) -> tuple[object, ...]:
    """The texts as the types of `$1`, `$2` ... of a statement that passed the gate, by PostgreSQL's own conversions.

    UsageError where their number differs, StatementError where one is no value of its type.
    """
    if not texts:
        return ()
    async with guarded(session, timeout_seconds=timeout_seconds):
        kinds = await session.parameter_types(sql, timeout=timeout_seconds)
    if len(kinds) != len(texts):
        given = f"{len(texts)} {'was' if len(texts) == 1 else 'were'} given"
        raise UsageError(f"the statement has {len(kinds)} parameters, and {given}", hint="one for each $1, $2 ...")
    convert = "SELECT /* perfctl */ " + ", ".join(f"${at}::text::{kind}" for at, kind in enumerate(kinds, 1))
    await vet(session, convert, trusted=trusted)  # a cast may lead anywhere
    async with guarded(session, timeout_seconds=timeout_seconds):
        _, rows = await session.rows(convert, *texts, timeout=timeout_seconds)
    return tuple(rows[0].values())
