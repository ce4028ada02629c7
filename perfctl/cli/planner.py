"""The one way to destroy something: show the plan, have it confirmed, or refuse at once."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.signals import INTERRUPTS
from perfctl.cli.streams import say
from perfctl.errors import RefusedError
from perfctl.render.inert import inert_line
from perfctl.units import format_bytes, format_count

if TYPE_CHECKING:
    from perfctl.cli.run import Run

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
MaxAffected = Annotated[
    int | None, typer.Option("--max-affected", metavar="N", min=0, help="Refuse when more than this would be affected.")
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
    if max_affected is not None and plan.count > max_affected:
        raise RefusedError(
            f"{plan.action}: {plan.count} {plan.noun} would be affected, over --max-affected {max_affected}",
            hint=f"narrow it, or raise --max-affected to {plan.count}",
        )
    if run.settings.protected:
        _confirm_protected(run, plan)
    elif not run.options.yes:
        _confirm(run, plan)


def _confirm(run: Run, plan: Plan) -> None:
    if not run.terminal.can_ask:
        raise RefusedError(
            f"{plan.action}: not confirmed, and there is nobody to ask", hint="add --yes, or look first with --dry-run"
        )
    _show(plan, run.settings.context)
    if _ask(f"{plan.action}? [y/N] ").lower() not in ("y", "yes"):
        raise RefusedError(f"{plan.action}: not confirmed", hint="nothing was done")


def _confirm_protected(run: Run, plan: Plan) -> None:
    """At a terminal the context's name is typed, whatever --yes says; elsewhere both -c and --yes are needed."""
    name = run.settings.context
    if run.terminal.can_ask:
        _show(plan, name)
        if _ask(f"context {name} is protected; type its name to {plan.action}: ") != name:
            raise RefusedError(f"{plan.action}: the name did not match", hint="nothing was done")
    elif not run.options.yes or run.options.context != name:
        raise RefusedError(f"{plan.action}: context {name!r} is protected", hint=f"say both: -c {name} --yes")


def _ask(question: str) -> str:
    """What was typed; nothing where the input ended. Ctrl-C ends the run at once."""
    with INTERRUPTS.at_once():
        try:
            sys.stderr.write(inert_line(question))
            sys.stderr.flush()
            answer = sys.stdin.readline()
        except (OSError, ValueError):
            return ""
    if not answer.endswith("\n"):
        say("\n")
    return answer.strip()


def _show(plan: Plan, context: str) -> None:
    size = f", {format_bytes(plan.size_bytes)}" if plan.size_bytes is not None else ""
    lines = [f"{plan.action}: {format_count(plan.count)} {plan.noun}{size} in context {context}"]
    lines += [f"  {sample}" for sample in plan.samples[:5]]
    say("".join(inert_line(line) + "\n" for line in lines))
