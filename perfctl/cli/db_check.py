"""`perfctl db check`: is the database in good shape?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfctl.cli.db import group
from perfctl.cli.gate import FailOn, Severity, gated
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.diagnosis import Diagnosis, diagnose

AllDatabases = Annotated[bool, typer.Option("--all-databases", help="Each database that this role may connect to.")]


@group.command("check", example="perfctl db check indexes vacuum --fail-on warn --ci github")
async def check(
    run: Run,
    areas: Annotated[
        list[str] | None, typer.Argument(metavar="[AREA]...", help="Areas or checks; without, all of them.")
    ] = None,
    all_databases: AllDatabases = False,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="FILE", help="Compare the workload's plans with those recorded there."),
    ] = None,
    should_run: Annotated[
        bool | None, typer.Option("--run/--no-run", help="Run again what was run when the baseline was recorded.")
    ] = None,
    fail_on: FailOn = Severity.fail,
) -> Diagnosis:
    """Is the database in good shape? Each finding with its value, its limit and what mends it; exit 1 when one fails.

    What this role may not see is not judged, and says which right would show it. The limits are settings:
    database.checks.

    --baseline makes one check of each statement that `perfctl db baseline record` recorded: it fails where the plan
    became worse. Alone it is all that is checked; areas that are named are checked as well.
    """
    if baseline is not None:
        plans = await _compared(run, baseline, should_run)
        if not areas:
            return gated(run, plans, fail_on)
    diagnosis = await run.optimizer.database.check(
        areas or (), all_databases=all_databases, timeout=run.options.timeout_seconds
    )
    if baseline is not None:
        diagnosis = diagnose([*plans.rows, *diagnosis.rows])
    return gated(run, diagnosis, fail_on)


async def _compared(run: Run, file: Path, should_run: bool | None) -> Diagnosis:
    from perfctl.db.baselines.storing import load

    then = load(file)
    runs = not run.settings.protected if should_run is None else should_run
    if should_run is None and not runs and any(query.buffers is not None for query in then.queries):
        run.warn(f"context {run.settings.context} is protected: nothing was run, costs alone are compared (--run)")
    with progress_of(run, "plans compared", len(then.queries)) as told:
        return await run.optimizer.database.check_baseline(
            then, run=runs, timeout=run.options.timeout_seconds, told=told
        )
