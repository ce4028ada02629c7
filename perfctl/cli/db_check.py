"""`perfctl db check`: is the database in good shape?"""

from __future__ import annotations

from typing import Annotated

import typer

from perfctl.cli.db import group
from perfctl.cli.gate import FailOn, Severity, gated
from perfctl.cli.run import Run
from perfctl.diagnosis import Diagnosis

AllDatabases = Annotated[bool, typer.Option("--all-databases", help="Each database that this role may connect to.")]


@group.command("check", example="perfctl db check indexes vacuum --fail-on warn --ci github")
async def check(
    run: Run,
    areas: Annotated[
        list[str] | None, typer.Argument(metavar="[AREA]...", help="Areas or checks; without, all of them.")
    ] = None,
    all_databases: AllDatabases = False,
    fail_on: FailOn = Severity.fail,
) -> Diagnosis:
    """Is the database in good shape? Each finding with its value, its limit and what mends it; exit 1 when one fails.

    What this role may not see is not judged, and says which right would show it. The limits are settings:
    database.checks.
    """
    diagnosis = await run.optimizer.database.check(
        areas or (), all_databases=all_databases, timeout=run.options.timeout_seconds
    )
    return gated(run, diagnosis, fail_on)
