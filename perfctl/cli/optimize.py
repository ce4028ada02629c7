"""`perfctl optimize`: what would make it faster, the worst first; apply what is safe, and take it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.command import CommandGroup
from perfctl.cli.planner import DryRun, Plan, confirm
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.operations.optimizing.model import Optimization, RecordedRun

if TYPE_CHECKING:
    from perfctl.operations.optimizing.asked import Found

group = CommandGroup()

PARTLY = 6


@group.command("optimize", example="perfctl optimize --only foreign_keys --apply --yes")
async def optimize(
    run: Run,
    apply: Annotated[bool, typer.Option("--apply", help="Do what is safe and can be undone; measure it.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="SOURCE", help="Ask this source alone, such as foreign_keys; repeats."),
    ] = None,
    rollback: Annotated[
        str | None, typer.Option("--rollback", metavar="ID", help="Undo what a run with --apply did.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="List what was applied, and its IDs.")] = False,
    dry_run: DryRun = False,
) -> Optimization:
    """Ask every engine that is configured what would make it faster, the worst first: what was observed, what it would
    gain, what it risks, and exactly what to run.

    --apply does what holds nobody up and can be undone: indexes built concurrently, kept where a plan becomes cheaper;
    ANALYZE, which needs no undoing; dictionaries of the cache. It never drops what was there, and never restarts.

    A source that does not answer in time is named, and the others stand: exit 6. What was cut off is told by the next
    run, and undone by --rollback.
    """
    if sum((apply, rollback is not None, history)) > 1:
        raise UsageError("--apply, --rollback and --history do not go together", hint="choose one of them")
    if history:
        from perfctl.operations.optimizing import recorded_runs

        return recorded_runs(run.settings.context)
    if rollback is not None:
        _require_id(rollback)
        return await _rolled_back(run, rollback, dry_run=dry_run)
    return await _optimized(run, only or (), apply=apply, dry_run=dry_run)


def _require_id(rollback: str) -> None:
    """No ID begins with a dash: that is the next option, where the ID was left out."""
    if not rollback or rollback.startswith("-"):
        after = f" before {rollback}" if rollback else ""
        raise UsageError(
            f"--rollback: the ID of a run is missing{after}",
            hint="perfctl optimize --history lists them",
            where="--rollback",
        )


async def _optimized(run: Run, only: Sequence[str], *, apply: bool, dry_run: bool) -> Optimization:
    from perfctl.operations.optimizing import optimize as ask
    from perfctl.operations.optimizing.optimize import LIMIT_SECONDS

    def agree(found: Sequence[Found]) -> None:
        commands = tuple(each.finding.command for each in found)
        confirm(run, Plan("apply what is safe", len(commands), "changes", samples=commands))

    answer = await ask(
        run.optimizer,
        apply=apply and not dry_run,
        only=only,
        limit_seconds=run.options.timeout_seconds or LIMIT_SECONDS,
        agree=agree,
    )
    for source in answer.sources:
        if source.answer == "unanswered":
            run.warn(f"{source.source}: {source.reason}")
    if answer.failed or any(source.answer == "unanswered" for source in answer.sources):
        run.exit(PARTLY)
    _say_notes(run, answer)
    if run.contexts_to_choose and all(source.answer == "skipped" for source in answer.sources):
        run.warn(f"no context is chosen; there is {run.contexts_to_choose}")
    return answer


async def _rolled_back(run: Run, run_id: str, *, dry_run: bool) -> Optimization:
    from perfctl.operations.optimizing import roll_back, run_to_undo

    if dry_run:
        return run_to_undo(run.settings.context, run_id)

    def agree(recorded: RecordedRun) -> None:
        commands = tuple(step.reverse or step.command for step in recorded.steps if step.state in ("done", "started"))
        confirm(run, Plan(f"roll back {run_id}", len(commands), "changes", samples=commands))

    answer = await roll_back(run.optimizer, run_id, agree=agree)
    if answer.failed:
        run.exit(PARTLY)
    _say_notes(run, answer)
    return answer


def _say_notes(run: Run, answer: Optimization) -> None:
    for note in answer.notes:
        (run.warn if run.terminal.output in ("csv", "ndjson") else run.note)(note)
