"""`perfctl db stats`: what the databases counted of themselves, and what perfctl's own pool did."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from perfctl.cli.db import group
from perfctl.cli.run import Run
from perfctl.db.model.stats import DatabaseStats
from perfctl.units import parse_duration

Each = Literal["database", "query"]


@group.command("stats", example="perfctl db stats --for 10s")
async def stats(
    run: Run,
    by: Annotated[Each, typer.Option("--by", help="query adds what each shape of query cost.")] = "database",
    for_: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="Count the next 10s, and show rates.")
    ] = None,
    all_databases: Annotated[bool, typer.Option("--all-databases", help="Every database of the server.")] = False,
) -> DatabaseStats:
    """Transactions, times, buffer hits, use of indexes, WAL; the pool and cache of this process."""
    from perfctl.db.statements.order import DEFAULT_LIMIT, Wanted

    limit = DEFAULT_LIMIT if run.options.limit is None else run.options.limit or None
    answer = await run.optimizer.database.stats(
        all_databases=all_databases,
        for_seconds=None if for_ is None else parse_duration(for_, where="--for"),
        queries=Wanted(limit=limit, all_databases=all_databases) if by == "query" else None,
        timeout=run.options.timeout_seconds,
    )
    for note in answer.notes:
        run.note(note)
    return answer
