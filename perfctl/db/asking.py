"""perfctl's own questions: asked so that they can neither write, nor wait, nor be misled, nor hold anybody up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.db.questions import question
from perfctl.db.transaction import GRACE_SECONDS, guarded

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session

ASK_SECONDS = 10.0
"""Longer than a catalog question takes on a server that is well; one that is ill is not to be burdened."""


OWN_SETTINGS = ("search_path = pg_catalog", "jit = off")
"""Nobody's operator stands before PostgreSQL's own, and no second is spent on compiling what takes milliseconds."""


async def ask(
    session: Session,
    sql_or_name: str,
    *arguments: object,
    timeout_seconds: float = ASK_SECONDS,
    version: int | None = None,
) -> list[Record]:
    """The rows of one of our own questions: the text, or the name of a file in `sql/` (its `version`'s, if given).

    In a READ ONLY transaction, which leaves nothing. Its search_path is pg_catalog alone, so that nobody's operator or
    function stands before PostgreSQL's own: what lies in another schema is named with it.
    StatementError (55P03) when a lock is in the way for 100 ms, TimedOutError after `timeout_seconds`.
    """
    text = question(sql_or_name, version=version) if sql_or_name.isidentifier() else sql_or_name
    async with guarded(session, timeout_seconds=timeout_seconds, settings=OWN_SETTINGS, is_counted_as_done=True):
        return await session.fetch(text, *arguments, timeout=timeout_seconds + GRACE_SECONDS)
