"""The one way to destroy something: show the plan, have it confirmed, or refuse at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.errors import RefusedError
from perfctl.units import format_bytes, format_count

if TYPE_CHECKING:
    from perfctl.cli.run import Run

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
MaxAffected = Annotated[
    int | None, typer.Option("--max-affected", help="Refuse when more than this would be affected.")
]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is about to happen, before it does."""

    action: str
    """The verb and its object: `clear namespace 'demo'`."""
    count: int
    noun: str
    """What is counted: `keys`, `paths`."""
    size_bytes: int | None = None
    samples: tuple[str, ...] = ()


def confirm(run: Run, plan: Plan, *, max_affected: int | None = None) -> None:
    """Return when the plan may run. RefusedError (exit 7) when it may not, naming the flag that would let it."""
    run.refuse_when_read_only(plan.action)
    settings = run.settings
    if max_affected is not None and plan.count > max_affected:
        raise RefusedError(
            f"{plan.action}: {plan.count} {plan.noun} would be affected, over --max-affected {max_affected}",
            hint=f"narrow it, or raise --max-affected to {plan.count}",
        )
    if settings.protected:
        return _confirm_protected(run, plan)
    if run.options.yes:
        return None
    if not run.terminal.can_ask:
        raise RefusedError(
            f"{plan.action}: not confirmed, and there is no terminal to ask at",
            hint="add --yes, or look first with --dry-run",
        )
    _show(run, plan)
    if not typer.confirm(f"{plan.action}?", err=True):
        raise RefusedError(f"{plan.action}: not confirmed", hint="nothing was done")
    return None


def _confirm_protected(run: Run, plan: Plan) -> None:
    name = run.settings.context
    if not run.terminal.can_ask:
        if run.options.yes and run.options.context == name:
            return
        raise RefusedError(f"{plan.action}: context {name!r} is protected", hint=f"say both: -c {name} --yes")
    _show(run, plan)
    if typer.prompt(f"type the context's name ({name}) to {plan.action}", err=True) != name:
        raise RefusedError(f"{plan.action}: the name did not match", hint="nothing was done")


def _show(run: Run, plan: Plan) -> None:
    size = f", {format_bytes(plan.size_bytes)}" if plan.size_bytes is not None else ""
    run.terminal.say(f"{plan.action}: {format_count(plan.count)} {plan.noun}{size} in context {run.settings.context}")
    for sample in plan.samples[:5]:
        run.terminal.say(f"  {sample}")
