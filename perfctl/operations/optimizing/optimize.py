"""Ask every source at once, rank what they found, and apply what is safe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from perfctl.errors import PerfctlError, RefusedError, UsageError
from perfctl.operations.optimizing.asked import Asked, Found, Skipped
from perfctl.operations.optimizing.journal import Journal
from perfctl.operations.optimizing.model import Answer, Optimization, RecordedRun, SourceAnswer
from perfctl.operations.optimizing.ranking import ranked
from perfctl.operations.optimizing.sources import SOURCES, look_of

if TYPE_CHECKING:
    from perfctl.optimizer import PerformanceOptimizer

LIMIT_SECONDS = 30.0
Agree = Callable[[Sequence[Found]], None]
"""Told what is about to be applied; raises where that is not to be."""
AgreeToUndo = Callable[[RecordedRun], None]


async def optimize(
    optimizer: PerformanceOptimizer,
    *,
    apply: bool = False,
    only: Sequence[str] = (),
    limit_seconds: float = LIMIT_SECONDS,
    agree: Agree | None = None,
) -> Optimization:
    """What would make it faster, the worst first, from every engine that is configured.

    A source that fails, or takes over `limit_seconds`, is `unanswered` and never an error of the whole. With `apply`
    the safe findings are applied, recorded and measured, once `agree` has returned. UsageError for a source in `only`
    that is not there, RefusedError where a context that is read_only is to be changed, LockedError where another run
    applies.
    """
    names = _chosen(only)
    settings = optimizer.settings
    if apply and settings.read_only:
        raise RefusedError(f"optimize: context {settings.context!r} is read_only", hint="leave --apply out")
    asked = Asked(optimizer, limit_seconds=limit_seconds)
    try:
        answers = await asyncio.gather(*(_answer(name, asked) for name in names))
    finally:
        await asked.close()
    found = ranked(each for _, several in answers for each in several)
    sources = tuple(answer for answer, _ in answers)
    journal = Journal.of(settings.context)
    if not apply:
        notes = await _notes(optimizer, journal)
        return Optimization(mode="find", rows=tuple(each.finding for each in found), sources=sources, notes=notes)
    return await _apply(optimizer, found, sources, journal, agree)


async def roll_back(optimizer: PerformanceOptimizer, run_id: str, *, agree: AgreeToUndo | None = None) -> Optimization:
    """Undo what a run applied; where nothing of it is left, there is nothing to do.

    UsageError for a run that is not there, or was another database's.
    """
    from perfctl.operations.optimizing.applying import roll_back as take_back
    from perfctl.operations.optimizing.applying import undoable

    if optimizer.settings.read_only:
        raise RefusedError(f"optimize: context {optimizer.settings.context!r} is read_only", hint="nothing was undone")
    journal = Journal.of(optimizer.settings.context)
    run = journal.run(run_id)
    if not undoable(run):
        notes = (f"nothing to do: nothing of run {run_id} is left to undo",)
        return Optimization(mode="rollback", run_id=run_id, runs=(run,), notes=notes)
    if agree is not None:
        agree(run)
    with journal.held():
        before = journal.run(run_id)
        after = await take_back(optimizer, before, journal)
    undone = sum(
        then.state in ("done", "started") and now.state == "undone"
        for then, now in zip(before.steps, after.steps, strict=True)
    )
    return Optimization(mode="rollback", run_id=run_id, runs=(after,), undone=undone, failed=len(undoable(after)))


def run_to_undo(context: str, run_id: str) -> Optimization:
    """The run as it is recorded, whose steps a rollback would undo. Asks no server. UsageError for one unknown."""
    run = Journal.of(context).run(run_id)
    would = sum(step.state in ("done", "started") for step in run.steps)
    return Optimization(mode="rollback", run_id=run_id, runs=(run,), notes=(f"{would} of its steps would be undone",))


def recorded_runs(context: str) -> Optimization:
    """Every run of a context, the latest first. Asks no server."""
    return Optimization(mode="history", runs=Journal.of(context).runs())


async def _apply(
    optimizer: PerformanceOptimizer,
    found: tuple[Found, ...],
    sources: tuple[SourceAnswer, ...],
    journal: Journal,
    agree: Agree | None,
) -> Optimization:
    from perfctl.operations.optimizing.applying import apply_all, explained

    safe = [each for each in found if each.step is not None]
    if safe and agree is not None:
        agree(safe)
    rows = tuple(each.finding for each in found)
    if not safe and not journal.runs():
        return Optimization(mode="apply", rows=rows, sources=sources)
    with journal.held():
        notes = await explained(optimizer, journal, settles=bool(safe))
        if not safe:
            return Optimization(mode="apply", rows=rows, sources=sources, notes=notes)
        run, after = await apply_all(optimizer, safe, journal)
    rows = tuple(after.get(row.id, row) for row in rows)
    return Optimization(
        mode="apply",
        rows=rows,
        sources=sources,
        applied=sum(row.state == "applied" for row in rows),
        failed=sum(row.state == "failed" for row in rows),
        run_id=run.id,
        notes=notes,
    )


async def _notes(optimizer: PerformanceOptimizer, journal: Journal) -> tuple[str, ...]:
    """What runs that were cut off left; nothing while one is under way."""
    from perfctl.operations.optimizing.applying import explained

    if journal.is_held():
        return ("another run of optimize changes this context now",)
    return await explained(optimizer, journal, settles=False)


def _chosen(only: Sequence[str]) -> tuple[str, ...]:
    for name in only:
        if name not in SOURCES:
            near = get_close_matches(name, SOURCES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"sources: {', '.join(SOURCES)}"
            raise UsageError(f"optimize: there is no source {name!r}", hint=hint)
    return tuple(name for name in SOURCES if not only or name in only)


async def _answer(name: str, asked: Asked) -> tuple[SourceAnswer, Sequence[Found]]:
    """One source, within its time; whatever it meets is told and never raised."""
    started = time.perf_counter()
    found: Sequence[Found] = ()
    answer: Answer = "unanswered"
    reason: str | None = None
    try:
        _require(name, asked.optimizer)
        async with asyncio.timeout(asked.limit_seconds):
            found = await look_of(name).look(asked)
        answer = "answered"
    except Skipped as skipped:
        answer, reason = "skipped", skipped.reason
    except TimeoutError:
        reason = f"no answer within {asked.limit_seconds:g} s"
    except PerfctlError as error:
        reason = f"{error.message}; {error.hint}" if error.hint else error.message
    except Exception as error:  # noqa: BLE001 - one source that breaks must not take the others' answers away
        reason = f"{type(error).__name__}: {error}"
    took_ms = round((time.perf_counter() - started) * 1000, 3)
    return SourceAnswer(name, answer, len(found), reason, took_ms), found


def _require(name: str, optimizer: PerformanceOptimizer) -> None:
    """Return where the source's engine is configured."""
    engine = SOURCES[name].engine
    if engine == "database" and not optimizer.has_database:
        raise Skipped("no database is configured: set database.dsn or DB_HOST")
    if engine == "cdn" and not optimizer.has_cdn:
        raise Skipped("no CDN is configured: set cdn.distribution_id")
