"""`perfctl metrics record`: measure at intervals, into the context's history."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.metrics import group
from perfctl.cli.run import Run
from perfctl.cli.signals import Stopped
from perfctl.errors import UsageError
from perfctl.metrics.model import FIGURES
from perfctl.metrics.model.recorded import RecordedInterval, Recording
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from perfctl.metrics.history import History
    from perfctl.metrics.observing import Evaluate, Look, Observer

MIN_INTERVAL_SECONDS = 0.1
_LAST_LOOK_SECONDS = 4.0
"""How long the last look may take when a signal ends the run; cancelling has ten seconds in all."""
_LINES_A_HEAD = 20


@group.command("record", example="perfctl metrics record --every 10s --for 1h")
async def record(
    run: Run,
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="DURATION", help="How often to measure (metrics.interval_seconds)."),
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="So long; else until Ctrl-C or SIGTERM. 0: one interval."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="One interval, for cron: the same as --for 0.")] = False,
) -> Recording | None:
    """Measure servers and host at intervals, into the context's history, and have its alerts evaluated.

    One records a history at a time (exit 8). What was measured is in the file at once; a signal ends it after a last
    look. A line an interval on a terminal, or with -o ndjson. Exit 6 when something could not be written, or did not
    answer at the last look.
    """
    seconds, length = _interval(run, every), _length(for_, once=once)
    from perfctl.metrics.history import open_history

    history = open_history(run.settings)
    started, looks = datetime.now(UTC), Counted()
    async with _observing(run, history, seconds, looks) as observer:
        async for _ in _paced(seconds, length):
            looks.last, looks.count = _told(run, await observer.look(), looks.count), looks.count + 1
    if looks.unwritten_seconds or (looks.last is not None and looks.last.unanswered):
        run.exit(6)
    if run.terminal.output == "ndjson":
        return None
    return await asyncio.to_thread(_recording, history, seconds, started, looks)


@dataclass(slots=True)
class Counted:
    """What was looked at so far."""

    count: int = 0
    last: RecordedInterval | None = None
    unwritten_seconds: float = 0.0


def _interval(run: Run, every: str | None) -> float:
    seconds = parse_duration(every, where="--every") if every else run.settings.metrics.interval_seconds
    if seconds < MIN_INTERVAL_SECONDS:
        raise UsageError(f"--every {every}: servers are not asked that often", hint="100ms at least", where="--every")
    return seconds


def _length(for_: str | None, *, once: bool) -> float | None:
    """None for ever, 0 for one interval."""
    if once and for_ is not None:
        raise UsageError("--once and --for", hint="choose one: --once is --for 0")
    if once or for_ in ("0", "0s"):
        return 0.0
    return parse_duration(for_, where="--for") if for_ else None


@asynccontextmanager
async def _observing(run: Run, history: History, seconds: float, looks: Counted) -> AsyncIterator[Observer]:
    """The one observer of the history, from here to there; one that is ended from outside looks a last time."""
    from perfctl.metrics.observing import Observer

    evaluate = await asyncio.to_thread(_alerts, run, history)
    observer = Observer(run.optimizer.metrics.collect, history, interval_seconds=seconds, evaluate=evaluate)
    await observer.begin()
    try:
        yield observer
    except (asyncio.CancelledError, Stopped):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(observer.look(), _LAST_LOOK_SECONDS)
        raise
    finally:
        await observer.end()
        looks.unwritten_seconds = observer.kept_seconds


def _alerts(run: Run, history: History) -> Evaluate | None:
    """None where there are no budgets: nothing is watched."""
    if not run.settings.metrics.budgets:
        return None
    from perfctl.metrics.alerts.opening import open_alerts

    return open_alerts(run.settings, history=history).evaluate


async def _paced(seconds: float, length: float | None) -> AsyncIterator[int]:
    """Wait until each interval's end; the pace does not drift, and what was missed is left out."""
    loop = asyncio.get_running_loop()
    started, number = loop.time(), 0
    while True:
        number = max(number + 1, int((loop.time() - started) // seconds))
        await asyncio.sleep(max(0.0, started + number * seconds - loop.time()))
        yield number
        if length is not None and (number + 0.5) * seconds >= length:
            return


def _told(run: Run, look: Look, before: int) -> RecordedInterval:
    """A line on a terminal, or of NDJSON; trouble is warned of everywhere."""
    interval = RecordedInterval(
        at=look.at,
        seconds=look.seconds,
        series=look.series,
        figures={figure.name: getattr(look.snapshot, figure.name) for figure in FIGURES},
        unanswered=look.snapshot.unanswered,
        firing=tuple(alert.name for alert in look.alerts if alert.state == "firing"),
        trouble=look.trouble,
    )
    if look.trouble:
        run.warn(f"not written for now: {look.trouble}")
    if run.terminal.output == "ndjson":
        from perfctl.document.envelope import data_of, dumps

        run.terminal.write_piece(dumps(data_of(interval)) + "\n")
    elif run.terminal.shows_progress:
        from perfctl.render.metrics_recorded import interval_line

        run.terminal.say(interval_line(interval, with_head=before % _LINES_A_HEAD == 0))
    return interval


def _recording(history: History, seconds: float, started: datetime, looks: Counted) -> Recording:
    status, last = history.status(), looks.last
    history.close()
    return Recording(
        file=status.file,
        started=started,
        ended=datetime.now(UTC),
        every_seconds=seconds,
        intervals=looks.count,
        series=last.series if last else 0,
        unwritten_seconds=round(looks.unwritten_seconds, 3),
        unanswered=last.unanswered if last else (),
        firing=last.firing if last else (),
        size_bytes=status.size_bytes,
        oldest=None if status.oldest is None else datetime.fromtimestamp(status.oldest, UTC),
    )
