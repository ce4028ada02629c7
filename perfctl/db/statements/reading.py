"""A reading of pg_stat_statements (PostgreSQL 13 to 18), and what happened between two of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from perfctl.db import doctor
from perfctl.db.asking import ask
from perfctl.db.postgres import Record, Session, quoted
from perfctl.db.questions import in_schema, question
from perfctl.errors import ServiceError

if TYPE_CHECKING:
    from typing import Any

# pg_stat_statements' version -> the PostgreSQL that brought it: after pg_upgrade the extension may lag behind.
_SHAPES = {"1.8": 13, "1.9": 14, "1.10": 15, "1.11": 17, "1.12": 18}
_READ_SECONDS = 30.0
"""A full table of 100,000 statements with long texts takes the server seconds."""


class Key(NamedTuple):
    """What pg_stat_statements counts apart."""

    dbid: int
    userid: int
    toplevel: bool | None
    queryid: int


class Counters(NamedTuple):
    """What adds up over calls: what a later reading has more is what happened in between."""

    calls: int
    rows: int
    total_ms: float
    squares: float
    """The sum of the squares of the times: with it the standard deviation of a difference can be told."""
    plan_ms: float
    shared_hit_blks: int
    shared_read_blks: int
    shared_dirtied_blks: int
    shared_written_blks: int
    temp_blks: int
    io_ms: float
    wal_bytes: int
    jit_ms: float


class Counted(NamedTuple):
    """One shape of query at the time of a reading."""

    counters: Counters
    min_ms: float | None
    max_ms: float | None
    since: datetime | None
    """When its counting began; None before PostgreSQL 17."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that pg_stat_statements held at a time."""

    at: datetime
    """By the server's clock, as are all times here."""
    started: datetime
    reset: datetime | None
    """When all of it was reset last; None where the server cannot say (13)."""
    evicted: int | None
    """How often its table was full, since then."""
    most: int
    """How many shapes its table holds."""
    database: str
    role: str
    times_io: bool
    times_planning: bool
    statements: Mapping[Key, Counted]
    databases: Mapping[int, str]
    users: Mapping[int, str]
    texts: Mapping[tuple[int, int, int], str]
    """By dbid, userid and queryid; empty where they were not asked for."""
    unreadable: int
    """Statements of roles that this one may not see."""
    unreadable_ms: float


class Place(NamedTuple):
    """Where pg_stat_statements lies, and the PostgreSQL whose columns it has."""

    schema: str
    """Quoted."""
    shape: int


async def placed(session: Session, *, timeout: float | None = None) -> Place:
    """Where to read. ServiceError, with the one thing that mends it, where nothing is counted."""
    facts = (await ask(session, "server_facts", timeout_seconds=timeout or _READ_SECONDS))[0]
    fault = doctor.statements_fault(facts)
    if fault:
        raise ServiceError(fault[0], hint=fault[1])
    return Place(quoted(facts["extension_schema"]), _shape_of(facts["extension_version"]))


async def read(
    session: Session, place: Place, *, database: str | None, texts: bool = True, timeout: float | None = None
) -> Reading:
    """Read it, of one database (empty: the session's) or of all (None); without texts for a third of the cost."""
    limit = timeout or _READ_SECONDS
    info = (await ask(session, _text("statements_info", place), timeout_seconds=limit))[0]
    rows = await ask(session, _text("statements", place), texts, database, timeout_seconds=limit)
    readable = [row for row in rows if row["queryid"] is not None]
    hidden = [row["total_ms"] for row in rows if row["queryid"] is None]
    return Reading(
        **_of(info),
        statements={Key._make(row[:4]): _counted(row) for row in readable},  # type: ignore[index]
        databases={row["dbid"]: row["database"] for row in readable if row["database"] is not None},
        users={row["userid"]: row["username"] for row in readable},
        texts={(row["dbid"], row["userid"], row["queryid"]): row["query"] for row in readable} if texts else {},
        unreadable=len(hidden),
        unreadable_ms=sum(hidden),
    )


async def with_texts(
    session: Session, place: Place, reading: Reading, keys: Collection[Key], *, timeout: float | None = None
) -> Reading:
    """The reading with the texts of some of its statements; of one that was evicted meanwhile there is none."""
    wanted = ",".join(str(key.queryid) for key in keys)
    ask_for = in_schema(question("statement_texts"), place.schema)
    rows = await ask(session, ask_for, wanted, timeout_seconds=timeout or _READ_SECONDS) if wanted else []
    texts = {(row["dbid"], row["userid"], row["queryid"]): row["query"] for row in rows if row["queryid"] is not None}
    return replace(reading, texts=texts)


def _text(name: str, place: Place) -> str:
    return in_schema(question(name, version=place.shape), place.schema)


def _of(info: Record) -> dict[str, Any]:
    names = ("started", "reset", "evicted", "most", "database", "role", "times_io", "times_planning")
    return {"at": info["now"], **{name: info[name] for name in names}}


def _counted(row: Any) -> Counted:
    return Counted(Counters._make(row[8:21]), row["min_ms"], row["max_ms"], row["counted_since"])


def _shape_of(extension_version: str) -> int:
    """The PostgreSQL whose columns pg_stat_statements has; a version that is newer than we know has the newest."""
    known = _SHAPES.get(extension_version)
    if known is None and tuple(map(int, extension_version.split("."))) < (1, 8):
        raise ServiceError(
            f"pg_stat_statements {extension_version} is too old to be read",
            hint="ALTER EXTENSION pg_stat_statements UPDATE; on PostgreSQL 13 or later",
        )
    return known or max(_SHAPES.values())
