"""`perfctl cache clear`: forget what belongs together."""

from __future__ import annotations

from typing import Annotated

import typer

from perfctl.cache.model import Cleared
from perfctl.cli.cache import group, operator_of
from perfctl.cli.planner import DryRun, MaxAffected, Plan, confirm
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run


@group.command("clear", example="perfctl cache clear api --dry-run")
async def clear(
    run: Run,
    namespace: Annotated[str, typer.Argument(metavar="NAMESPACE", help="The namespace to empty.")],
    dry_run: DryRun = False,
    max_affected: MaxAffected = None,
) -> Cleared:
    """Delete all keys of a namespace.

    They go in small batches that other clients do not feel. Processes that hold a value of it in memory serve it
    for up to five more seconds.
    """
    from perfctl.cache.operator import cleared

    if not dry_run:
        run.refuse_when_read_only(f"clear namespace {namespace!r}")
    operator = operator_of(run)
    size = await operator.measure(namespace)
    if dry_run:
        return cleared(size, dry_run=True)
    if size.keys:
        plan = Plan(
            f"clear namespace {namespace!r}",
            size.keys,
            "key" if size.keys == 1 else "keys",
            size.size_bytes,
            size.samples,
        )
        confirm(run, plan, max_affected=max_affected)
    with progress_of(run, f"clearing {namespace}", size.keys) as progress:
        return await operator.clear(size, on_progress=progress)
