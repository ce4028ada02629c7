"""The database's figures: pg_stat_statements between two looks, clients by pg_stat_activity, this process's pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from perfctl.errors import AuthError, ServiceError
from perfctl.metrics.collecting.order import POSTGRES
from perfctl.metrics.collecting.source import Gathered, Source, lasting
from perfctl.metrics.model import Reading
from perfctl.recording.series import OTHER, Series, series

_SQL = Path(__file__).parents[1] / "sql"
_TIME, _CONNECTIONS = "database_query_time_ms", "active_connections"

FIGURES = (_TIME, _CONNECTIONS)
MAX_SERIES = 1000

Fetch = Callable[[str], Awaitable[Sequence[Mapping[str, Any]]]]
"""One statement in, its rows out."""


@dataclass(frozen=True, slots=True)
class StatementsDone:
    """What was executed between two looks at pg_stat_statements."""

    seconds: float
    by_fingerprint: Mapping[str, tuple[int, float]]
    """Calls, and seconds of them, of each shape of query."""
    events: tuple[str, ...] = ()
    """What makes it too low: a reset, evictions, a restart."""

    @property
    def calls(self) -> int:
        """Of all shapes."""
        return sum(calls for calls, _ in self.by_fingerprint.values())

    @property
    def took_seconds(self) -> float:
        """Of all shapes."""
        return sum(seconds for _, seconds in self.by_fingerprint.values())


class CountsStatements(Protocol):
    """Remembers its last look at pg_stat_statements."""

    async def __call__(self) -> StatementsDone | None:
        """What was done since the look before; None at the first. ServiceError where nothing is counted."""
        ...


@dataclass(frozen=True, slots=True)
class Pool:
    """The connections of this process's pool."""

    in_use: int
    idle: int
    size: int


def postgres_source(
    fetch: Fetch,
    statements: CountsStatements | None,
    *,
    pool: Callable[[], Pool],
    times_ms: Callable[[], Sequence[float]],
) -> Source:
    """Mean time of a statement and connected clients.

    Unasked: the `times_ms` of the statements that this process sent, and the connections of its `pool`.
    """

    async def ask() -> Gathered:
        activity = (await fetch(_text("activity")))[0]
        counted = await _counted(statements, activity["statements_schema"])
        clients = float(activity["connections"])
        lifetime = () if counted.has_time else (await _lifetime(fetch, activity["statements_schema"]),)
        return Gathered(
            readings=(Reading(_CONNECTIONS, clients, "pg_stat_activity, this database"), *counted.readings, *lifetime),
            counters=counted.counters,
            gauges={Series("db.connections.active"): clients},
            seconds=counted.seconds,
            notes=counted.notes,
            is_first=counted.is_first,
        )

    def known() -> list[Reading]:
        held = pool()
        here = Reading(_CONNECTIONS, float(held.in_use + held.idle), "this process's pool")
        return [here, _mean_of(times_ms())]

    return Source(name="PostgreSQL", figures=FIGURES, ask=ask, known=known, key=POSTGRES)


@dataclass(frozen=True, slots=True)
class _Counted:
    readings: tuple[Reading, ...] = ()
    counters: Mapping[Series, float] = ()  # type: ignore[assignment]
    seconds: float | None = None
    notes: tuple[str, ...] = ()
    is_first: bool = False

    @property
    def has_time(self) -> bool:
        return any(reading.value is not None for reading in self.readings)


_NO_EXTENSION = "the extension pg_stat_statements is not in this database: create extension pg_stat_statements"


async def _counted(statements: CountsStatements | None, schema: str | None) -> _Counted:
    if schema is None:
        return _Counted((Reading(_TIME, None, _NO_EXTENSION),), {})
    if statements is None:
        return _Counted((), {})
    try:
        done = await statements()
    except (ServiceError, AuthError) as error:
        return _Counted((Reading(_TIME, None, error.message),), {})
    if done is None:
        return _Counted((), {}, is_first=True)
    return _Counted((_mean_between(done),), _series(done), done.seconds, done.events)


def _mean_between(done: StatementsDone) -> Reading:
    lately = f"pg_stat_statements, over {lasting(done.seconds)}"
    if not done.calls:
        return Reading(_TIME, None, f"{lately}: no statement ended")
    return Reading(_TIME, round(done.took_seconds * 1000 / done.calls, 4), f"{lately}, {done.calls} calls")


def _series(done: StatementsDone) -> dict[Series, float]:
    """By fingerprint; of more shapes than there may be series, those that took least are one, named other."""
    costliest = sorted(done.by_fingerprint.items(), key=lambda each: -each[1][1])
    found: dict[Series, float] = {}
    for number, (shape, (calls, seconds)) in enumerate(costliest):
        label = shape if number < MAX_SERIES - 1 else OTHER
        for name, amount in (("db.statement.calls", float(calls)), ("db.statement.time", seconds)):
            one = series(name, fingerprint=label)
            found[one] = found.get(one, 0.0) + amount
    if len(costliest) >= MAX_SERIES:
        found[series("perfctl.series.dropped", metric="db.statement.calls")] = float(len(costliest) - MAX_SERIES + 1)
    return found


async def _lifetime(fetch: Fetch, schema: str | None) -> Reading:
    if schema is None:
        return Reading(_TIME, None, _NO_EXTENSION)
    try:
        times = (await fetch(_text("statement_times").format(schema=schema)))[0]
    except (ServiceError, AuthError) as error:
        return Reading(_TIME, None, error.message)
    if not times["calls"]:
        return Reading(_TIME, None, "pg_stat_statements has counted no statement of this database but perfctl's")
    source = f"pg_stat_statements, {times['calls']} calls since its reset"
    return Reading(_TIME, round(times["total_ms"] / times["calls"], 4), source)


def _mean_of(times_ms: Sequence[float]) -> Reading:
    if not times_ms:
        return Reading(_TIME, None, "this process: no statement was sent yet")
    return Reading(_TIME, round(sum(times_ms) / len(times_ms), 4), f"this process, {len(times_ms)} statements")


def _text(question: str) -> str:
    return (_SQL / f"{question}.sql").read_text(encoding="utf-8")
