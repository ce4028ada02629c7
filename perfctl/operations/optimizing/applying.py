"""Applying what is safe, one step after the other, each in the journal before and after; and taking a run back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError, UsageError
from perfctl.operations.optimizing.doing import DOINGS, Done
from perfctl.operations.optimizing.model import Finding, RecordedRun, RecordedStep, State

if TYPE_CHECKING:
    from perfctl.operations.optimizing.asked import Found
    from perfctl.operations.optimizing.journal import Journal
    from perfctl.operations.optimizing.steps import Step
    from perfctl.optimizer import PerformanceOptimizer

_LOG = logging.getLogger("perfctl.optimize")
_ORDER = ("analyze", "index", "dictionary")
"""Statistics first: the plans that judge an index rest on them."""
_STATES: dict[str, State] = {"done": "applied", "failed": "failed", "started": "failed", "taken back": "taken back"}


async def apply_all(
    optimizer: PerformanceOptimizer, found: Sequence[Found], journal: Journal
) -> tuple[RecordedRun, dict[str, Finding]]:
    """The run, and the findings by id as they are afterwards. A step that fails leaves the others to be done."""
    run = journal.begin(optimizer.database.server if optimizer.has_database else "")
    after: dict[str, Finding] = {}
    steps = [(each.finding, each.step) for each in found if each.step is not None]
    for finding, step in sorted(steps, key=lambda each: _ORDER.index(each[1].kind)):
        run, done = await _applied(optimizer, run, finding, step, journal)
        after[finding.id] = replace(
            finding, state=_STATES[done.state], measured=done.measured, outcome=done.note or _told(done)
        )
    return journal.ended(run), after


async def roll_back(optimizer: PerformanceOptimizer, run: RecordedRun, journal: Journal) -> RecordedRun:
    """Undo what a run did, the last step first; the run as it is afterwards. Twice is nothing to do.

    UsageError where the run was another database's.
    """
    here = optimizer.database.server if optimizer.has_database else ""
    if run.database != here and any(step.kind != "dictionary" for step in undoable(run)):
        raise UsageError(
            f"optimize: run {run.id} was on {run.database}, and this context is {here or 'without a database'}",
            hint="choose the context that it ran in with -c",
        )
    for place in reversed(range(len(run.steps))):
        step = run.steps[place]
        if step.state not in ("done", "started"):
            continue
        try:
            done = await DOINGS[step.kind].undo(optimizer, step)
        except PerfctlError as error:
            done = Done(step.state, step.made, error.message)
        else:
            done = replace(done, state=step.state) if done.state == "failed" else done
        run = _with(run, place, done, keeps_measures=True)
        journal.save(run)
    return run if run.ended_at else journal.ended(run)


def undoable(run: RecordedRun) -> tuple[RecordedStep, ...]:
    """The steps that `roll_back` would undo."""
    return tuple(step for step in run.steps if step.state in ("done", "started"))


async def explained(optimizer: PerformanceOptimizer, journal: Journal, *, settles: bool) -> tuple[str, ...]:
    """What runs that were cut off left, in a sentence each; with `settles` it is put in order and noted as such."""
    notes = []
    for run in journal.runs():
        for place, step in enumerate(run.steps):
            if step.state == "started":
                run, note = await _explained(optimizer, run, place, journal, settles=settles)
                notes.append(note)
        if settles and run.ended_at is None:
            journal.ended(run)
    return tuple(notes)


async def _applied(
    optimizer: PerformanceOptimizer, run: RecordedRun, finding: Finding, step: Step, journal: Journal
) -> tuple[RecordedRun, Done]:
    doing, recorded = DOINGS[step.kind], _recorded(finding, step)
    place = len(run.steps)
    try:
        await doing.prepare(optimizer, step)
        run = replace(run, steps=(*run.steps, recorded))
        journal.save(run)
        done = await doing.apply(optimizer, step)
    except PerfctlError as error:
        _LOG.info("%s: %s", finding.command, error.message)
        done = await _after_failure(optimizer, recorded, error) if len(run.steps) > place else _failed(error)
    if len(run.steps) == place:
        run = replace(run, steps=(*run.steps, recorded))
    run = _with(run, place, done)
    journal.save(run)
    return run, done


async def _after_failure(optimizer: PerformanceOptimizer, recorded: RecordedStep, error: PerfctlError) -> Done:
    """A step that failed; `started` where it left something: half of it, or all, which a rollback undoes."""
    try:
        left = await DOINGS[recorded.kind].left(optimizer, recorded)
    except PerfctlError:
        return Done("started", note=f"{error.message}; what is left of it is not known")
    if left.state == "started":
        return Done("started", note=f"{error.message}; it left something unfinished")
    if left.state == "done":
        return Done("started", left.made, f"{error.message}; what it made is there, and was not judged")
    return _failed(error)


def _failed(error: PerfctlError) -> Done:
    return Done("failed", note=error.message)


def _recorded(finding: Finding, step: Step) -> RecordedStep:
    return RecordedStep(
        finding=finding.id,
        title=finding.title,
        kind=step.kind,
        subject=step.index or step.table or step.namespace,
        command=finding.command,
        reverse=finding.reverse,
        state="started",
    )


def _with(run: RecordedRun, place: int, done: Done, *, keeps_measures: bool = False) -> RecordedRun:
    steps = list(run.steps)
    measured = steps[place].measured if keeps_measures else done.measured
    steps[place] = replace(steps[place], state=done.state, made=done.made, note=done.note, measured=measured)
    return replace(run, steps=tuple(steps))


async def _explained(
    optimizer: PerformanceOptimizer, run: RecordedRun, place: int, journal: Journal, *, settles: bool
) -> tuple[RecordedRun, str]:
    step = run.steps[place]
    try:
        done = await DOINGS[step.kind].left(optimizer, step)
        if settles and done.state == "started":
            undone = await DOINGS[step.kind].undo(optimizer, step)
            if undone.state == "undone":
                done = Done("undone", note=f"{done.note}: it was dropped")
    except PerfctlError as error:
        return run, f"run {run.id} was cut off at {step.command} and what is left is not known: {error.message}"
    said = f"run {run.id}, {step.command} {done.note}"
    if done.state in ("started", "done"):
        said += f"; perfctl optimize --rollback {run.id} undoes it"
    if settles:
        run = _with(run, place, done)
        journal.save(run)
    return run, said


def _told(done: Done) -> str:
    """The first figure that changed."""
    for figure in done.measured:
        if figure.before is not None and figure.after is not None:
            return f"{figure.name} {figure.before:,.4g} -> {figure.after:,.4g} {figure.unit}"
    return "done"
