"""Recording a baseline: the plans of a workload, and the sizes of the tables that they read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from perfctl.db.asking import ask
from perfctl.db.baselines.shape import planned, unplanned
from perfctl.db.explaining import explain
from perfctl.db.model.baselines import Baseline, PlannedQuery, TableSize
from perfctl.errors import RefusedError, ServiceError, TimedOutError

if TYPE_CHECKING:
    from perfctl.db.postgres import Session

FORM = 1
EXPLAIN_SECONDS = 30.0


async def record(
    session: Session,
    queries: Sequence[str],
    *,
    run: bool,
    trusted: tuple[str, ...] = (),
    timeout_seconds: float = EXPLAIN_SECONDS,
    told: Callable[[int], None] | None = None,
) -> Baseline:
    """The baseline of these statements. With `run` those without `$1` are run, so that their buffers are known.

    A statement that cannot be planned (refused by the gate, a table that is gone) stays in it with its reason.
    `told` hears how many are done.
    """
    made: list[PlannedQuery] = []
    settings: dict[str, str] = {}
    async for query, found in _each(session, queries, run, trusted, timeout_seconds):
        made.append(query)
        settings |= found
        if told is not None:
            told(len(made))
    return Baseline(
        version=FORM,
        recorded_at=datetime.now(UTC),
        server_version=".".join(map(str, session.server_version)),
        database=await _database(session),
        settings=settings,
        tables=await sizes(session, {access.relation for query in made for access in query.accesses}),
        queries=tuple(made),
    )


async def sizes(session: Session, relations: set[str]) -> tuple[TableSize, ...]:
    """How much the tables hold now; what is no table (any more) is left out."""
    rows = await ask(session, "table_sizes", sorted(relations)) if relations else []
    return tuple(TableSize(name=row["name"], rows=_rows(row["row_estimate"]), pages=row["pages"]) for row in rows)


async def _each(
    session: Session, queries: Sequence[str], run: bool, trusted: tuple[str, ...], limit: float
) -> AsyncIterator[tuple[PlannedQuery, dict[str, str]]]:
    for query in queries:
        try:
            report = await explain(session, query, run=run, timeout_seconds=limit, trusted=trusted, verbose=True)
        except (ServiceError, RefusedError, TimedOutError) as error:
            yield unplanned(query, error.message), {}
        else:
            yield planned(report), report.settings


def _rows(estimate: float | None) -> float:
    """-1 where nobody has counted: PostgreSQL 14 and later tell that from an empty table."""
    return -1.0 if estimate is None else float(round(estimate))


async def _database(session: Session) -> str:
    rows = await ask(session, "SELECT /* perfctl */ current_database()::text AS name")
    return str(rows[0]["name"])
