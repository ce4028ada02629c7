"""`perfctl health`: is everything well, and what is the one thing to mend?"""

from __future__ import annotations

from typing import Annotated

import typer

from perfctl.cli.command import CommandGroup
from perfctl.cli.run import Run
from perfctl.diagnosis import Diagnosis

group = CommandGroup()


@group.command("health", example="perfctl health --deep")
async def health(
    run: Run,
    deep: Annotated[bool, typer.Option("--deep", help="Also check rights, versions and settings.")] = False,
) -> Diagnosis:
    """Ask Redis, PostgreSQL, the CDN and the disk, all at once, whether they are well.

    Exit 0 when all is well or merely worth a warning, 1 when something failed. What is not configured is off.
    """
    from perfctl.operations.health import health as ask

    diagnosis = await ask(run.optimizer, deep=deep)
    if diagnosis.status == "fail":
        run.exit(1)
    if run.contexts_to_choose and any(check.status == "off" for check in diagnosis.rows):
        run.warn(f"no context is chosen; there is {run.contexts_to_choose}")
    return diagnosis
