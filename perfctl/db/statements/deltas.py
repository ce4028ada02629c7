"""What was executed since a look at pg_stat_statements, by fingerprint: for those who look again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from perfctl.db.postgres import Session
from perfctl.db.sqltext import fingerprint
from perfctl.db.statements.difference import between
from perfctl.db.statements.hidden import is_hidden
from perfctl.db.statements.reading import Place, Reading, placed, read, with_texts


class Looked(NamedTuple):
    """A look: everything that was counted until then, without its texts."""

    place: Place
    reading: Reading


@dataclass(frozen=True, slots=True)
class Done:
    """What ended between two looks."""

    seconds: float
    by_fingerprint: Mapping[str, tuple[int, float]]
    """Calls, and seconds of them."""
    events: tuple[str, ...]
    """What makes it too low: a reset, evictions, a restart; a sentence each."""


async def looked(session: Session) -> Looked:
    """Look, at the session's database. ServiceError, with what mends it, where nothing is counted."""
    place = await placed(session)
    return Looked(place, await read(session, place, database="", texts=False))


async def done_since(session: Session, before: Reading, now: Looked) -> Done:
    """What ended since then. Only the texts of what did are read; perfctl's own statements are left out."""
    difference = between(before, now.reading)
    texts = (await with_texts(session, now.place, now.reading, difference.statements.keys())).texts
    found: dict[str, tuple[int, float]] = {}
    for key, counted in difference.statements.items():
        text = texts.get((key.dbid, key.userid, key.queryid))
        if text is None or is_hidden(text):
            continue
        calls, seconds = found.get(shape := fingerprint(text), (0, 0.0))
        found[shape] = (calls + counted.counters.calls, seconds + counted.counters.total_ms / 1000)
    return Done((difference.until - difference.since).total_seconds(), found, difference.events)
