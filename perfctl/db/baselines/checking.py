"""Checking a server against a stored baseline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from perfctl.db.asking import ask
from perfctl.db.baselines.comparing import compare, refuse_other_data
from perfctl.db.baselines.recording import EXPLAIN_SECONDS, record, sizes
from perfctl.db.model.baselines import Baseline
from perfctl.diagnosis import Check

if TYPE_CHECKING:
    from perfctl.db.postgres import Session


async def check_baseline(
    session: Session,
    then: Baseline,
    *,
    run: bool = True,
    trusted: tuple[str, ...] = (),
    timeout_seconds: float = EXPLAIN_SECONDS,
    told: Callable[[int], None] | None = None,
) -> list[Check]:
    """Plan every statement of the baseline again, with `run` run those that were run, and judge each.

    RefusedError, before anything is planned, where the data are too different to tell.
    """
    refuse_other_data(then.tables, await sizes(session, {table.name for table in then.tables}))
    ran = [query.query for query in then.queries if query.error is None and query.buffers is not None]
    planned = [query.query for query in then.queries if query.error is None and query.buffers is None]
    first = await record(session, ran, run=run, trusted=trusted, timeout_seconds=timeout_seconds, told=told)
    second = await record(session, planned, run=False, trusted=trusted, timeout_seconds=timeout_seconds)
    now = Baseline(
        version=first.version,
        recorded_at=first.recorded_at,
        server_version=first.server_version,
        database=first.database,
        settings={**first.settings, **second.settings},
        tables=await sizes(session, {table.name for table in then.tables}),
        queries=first.queries + second.queries,
    )
    used = sorted({index for query in then.queries for access in query.accesses for index in access.indexes})
    live = {row["name"] for row in await ask(session, "live_indexes", used)} if used else set()
    return compare(then, now, live_indexes=live)
