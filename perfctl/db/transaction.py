"""A transaction that harms nobody: limits on its statements, on its wait for locks, on its silence; always undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.db.postgres import Session

LOCK_TIMEOUT_MS = 100
"""A reader that waits for a lock makes all who come after it wait, too."""
IDLE_TIMEOUT_MS = 10_000
"""Should perfctl freeze in the middle, the server ends the transaction, and with it what it holds up."""
GRACE_SECONDS = 5.0
"""The server stops a statement itself; only when it does not, so much later, the connection is given up."""
_SAVE = " SAVEPOINT /* perfctl */ perfctl"
_DONE = "ROLLBACK /* perfctl */ TO SAVEPOINT perfctl; COMMIT /* perfctl */"


@asynccontextmanager
async def guarded(
    session: Session,
    *,
    timeout_seconds: float,
    writes: bool = False,
    settings: tuple[str, ...] = (),
    is_counted_as_done: bool = False,
) -> AsyncIterator[None]:
    """A transaction, READ ONLY unless `writes`, with the limits set and further `settings` (each `name = value`).

    Rolled back whatever happens. `standard_conforming_strings` is on in it: a text is read as perfctl reads it.
    With `is_counted_as_done` one that went well is rolled back to its beginning and ends in COMMIT, READ ONLY as it is:
    the server counts rollbacks, and ours are nobody's errors. Not by COMMIT alone: the driver's look at types sets jit
    for the session, to what it finds, and that would be our own SET LOCAL.
    """
    with nullcontext() if writes else session.leaving_nothing():
        has_ended = False
        try:
            begin = _begin(timeout_seconds, writes=writes, settings=settings)
            is_counted_as_done = is_counted_as_done and not writes
            await session.execute(f"{begin};{_SAVE}" if is_counted_as_done else begin)
            yield
            if is_counted_as_done:
                await session.execute(_DONE)
                has_ended = True
        finally:
            if not has_ended:
                await session.rollback()


def _begin(timeout_seconds: float, *, writes: bool, settings: tuple[str, ...]) -> str:
    limits = (
        f"statement_timeout = {max(int(timeout_seconds * 1000), 1)}",
        f"lock_timeout = {LOCK_TIMEOUT_MS}",
        f"idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}",
        "application_name = 'perfctl'",
        "standard_conforming_strings = on",
        *settings,
    )
    return ";".join((f"BEGIN {'READ WRITE' if writes else 'READ ONLY'}", *(f" SET LOCAL {limit}" for limit in limits)))
