"""`perfctl db baseline record`: the workload's plans as they are, for `perfctl db check --baseline`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.db import group
from perfctl.cli.drawn import destination
from perfctl.cli.intake import taken
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.db.model.baselines import Baseline, BaselineRecorded
from perfctl.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_STATEMENTS = 50
_MAX_SQL_BYTES = 16 * 1024 * 1024
_WANTED = "give a readable file of UTF-8 text with statements that end in ;"


@group.command("baseline record", example="perfctl db baseline record plans.json -f workload.sql")
async def record(
    run: Run,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    files: Annotated[
        list[str] | None,
        typer.Option("-f", "--file", metavar="SQL", help="Statements to plan, - for stdin; repeats."),
    ] = None,
    should_run: Annotated[
        bool | None, typer.Option("--run/--no-run", help="Run what has no $1, so that its blocks count, too.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> BaselineRecorded:
    """Record how the workload is planned now: from files of SQL, or the costliest reads of pg_stat_statements.

    Statements from a file are run, READ ONLY and rolled back; those of pg_stat_statements have $1 for their values and
    are planned for any value. --limit N takes so many of them (50). Exit 6 where one of a file has no plan.
    `perfctl db check --baseline FILE` compares.
    """
    from perfctl.db.baselines.storing import store

    if path.exists() and not force:
        raise UsageError(f"{str(path)!r} is there already", hint="--force replaces it")
    destination(str(path), "FILE")
    runs = _runs(run, should_run, from_files=bool(files))
    queries = _statements(files) if files else await _counted(run)
    with progress_of(run, "statements planned", len(queries)) as told:
        baseline = await run.optimizer.database.record_baseline(
            queries, run=runs, timeout=run.options.timeout_seconds, told=told
        )
    store(baseline, path)
    answer = _recorded(baseline, path)
    if answer.unplanned:
        run.warn(f"{answer.unplanned} of {len(queries)} statements have no plan, and will not be compared")
        if files:  # these were asked for by name, the others are what happens to be counted
            run.exit(6)
    return answer


def _runs(run: Run, should_run: bool | None, *, from_files: bool) -> bool:
    if should_run is None and run.settings.protected and from_files:
        raise RefusedError(
            f"recording runs the statements, and context {run.settings.context!r} is protected",
            hint="say --run to run them, or --no-run for the estimates alone",
        )
    return from_files if should_run is None else should_run


def _statements(files: Sequence[str]) -> list[str]:
    from perfctl.db.sqltext import fingerprint, statements

    found: dict[str, str] = {}
    for file in files:
        try:
            text = taken(file, at_most=_MAX_SQL_BYTES, wanted=_WANTED).decode()
        except UnicodeDecodeError as error:
            raise UsageError(f"{file}: {error}", hint=_WANTED) from error
        for statement in statements(text):
            found.setdefault(fingerprint(statement), statement)
    if not found:
        raise UsageError("there is no statement in what was named", hint=_WANTED)
    return list(found.values())


async def _counted(run: Run) -> list[str]:
    from perfctl.db.sqltext import is_read
    from perfctl.db.statements.order import Wanted

    limit = run.options.limit if run.options.limit is not None else DEFAULT_STATEMENTS
    answer = await run.optimizer.database.slow(Wanted(limit=None), timeout=run.options.timeout_seconds)
    found: dict[str, str] = {}
    for row in answer.rows:
        if is_read(row.query) and (not limit or len(found) < limit):
            found.setdefault(row.fingerprint, row.query)
    if not found:
        raise UsageError(
            "pg_stat_statements counted no read of this database",
            hint="name files of SQL with -f, or let it work first",
        )
    return list(found.values())


def _recorded(baseline: Baseline, path: Path) -> BaselineRecorded:
    return BaselineRecorded(
        path=str(path),
        database=baseline.database,
        measured=sum(query.buffers is not None for query in baseline.queries),
        unplanned=sum(query.error is not None for query in baseline.queries),
        tables=len(baseline.tables),
        queries=baseline.queries,
    )
