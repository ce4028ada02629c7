"""Ending what is in the way: each session only while it is still the one that was shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perfctl.db.asking import ask
from perfctl.db.model.activity import Ending, Outcome, ServerSession
from perfctl.errors import AuthError

if TYPE_CHECKING:
    from perfctl.db.postgres import Session

WATCH_SECONDS = 2.0
"""How long to watch whether they really end: a cancelled statement may have much to clean up."""
_PAUSE_SECONDS = 0.05


async def end(
    session: Session, rows: Sequence[ServerSession], action: Ending, *, watch_seconds: float = WATCH_SECONDS
) -> tuple[ServerSession, ...]:
    """Cancel or terminate each of the sessions; what came of it stands in `outcome`.

    A session is known by its pid and its backend_start: a pid that was given to another session since is left alone
    ("gone before"). One that runs another statement since it was shown is not cancelled ("changed before"), and one
    that runs none cannot be ("nothing to cancel"): the server passes that over in silence.
    """
    asked = [replace(row, outcome=await _ask_for(session, row, action)) for row in rows]
    ended = await _gone(session, [row for row in asked if row.outcome == "asked"], action, watch_seconds)
    return tuple(replace(row, outcome="ended") if row.pid in ended else row for row in asked)


def can_be(row: ServerSession, action: Ending) -> bool:
    """Whether that does anything to it: a session that runs no statement has none to cancel."""
    return action == "terminate" or row.state in ("active", "fastpath function call", None, "disabled")


async def _ask_for(session: Session, row: ServerSession, action: Ending) -> Outcome:
    if row.backend_start is None:
        return "not permitted"
    if not can_be(row, action):
        return "nothing to cancel"
    statement = row.query_start if action == "cancel" else None
    try:
        answer = await ask(session, "end_session", row.pid, row.backend_start, statement, action == "terminate")
    except AuthError:
        return "not permitted"
    if not answer:
        return "gone before"
    if answer[0]["is_hidden"]:
        return "not permitted"
    return "changed before" if answer[0]["is_sent"] is None else "asked"


async def _gone(session: Session, rows: Sequence[ServerSession], action: Ending, limit: float) -> set[int]:
    """The pids of those whose session, or whose statement, ended in time."""
    until = time.monotonic() + limit
    while True:
        left = await _left(session, rows, action) if rows else set()
        if not left or time.monotonic() >= until:
            return {row.pid for row in rows} - left
        await asyncio.sleep(_PAUSE_SECONDS)


async def _left(session: Session, rows: Sequence[ServerSession], action: Ending) -> set[int]:
    there = await ask(session, "still_there", [row.pid for row in rows], [row.backend_start for row in rows])
    since = {record["pid"]: (record["query_start"], record["state"]) for record in there}
    if action == "terminate":
        return set(since)
    return {row.pid for row in rows if since.get(row.pid) == (row.query_start, "active")}
