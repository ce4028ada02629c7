"""`perfctl metrics watch`: the ten figures as they move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.metrics import By, group
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.metrics.model import MetricsSnapshot
from perfctl.metrics.model.watched import MetricsWatched, SortedBy
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT_MOMENTS = 60
MIN_INTERVAL_SECONDS = 0.1
KEYS: dict[str, SortedBy] = {
    "c": "count",
    "n": "name",
    "m": "mean",
    "5": "p95",
    "9": "p99",
    "h": "hit",
    "e": "errors",
}


@group.command("watch", example="perfctl metrics watch --by route --interval 1s")
async def watch(
    run: Run,
    interval: Annotated[str, typer.Option("--interval", metavar="DURATION", help="How often to look.")] = "2s",
    count: Annotated[int | None, typer.Option("--count", min=1, help="So many moments; else until Ctrl-C.")] = None,
    by: Annotated[By | None, typer.Option("--by", help="Also what the history has by that.")] = None,
) -> MetricsWatched | None:
    """The ten figures as they move: a live picture on a terminal, a line a moment elsewhere (-o ndjson: a document).

    Keys order what --by shows: c count, n name, m mean, 5 p95, 9 p99, h hits, e errors; q ends it. What does not
    answer leaves a gap, and is asked again.
    """
    seconds = parse_duration(interval, where="--interval")
    if seconds < MIN_INTERVAL_SECONDS:
        raise UsageError(f"--interval {interval}: servers are not asked that often", hint="100ms at least")
    if run.terminal.output in ("json", "csv") and count is None:
        raise UsageError(
            f"-o {run.terminal.output} is one document, and this never ends", hint="say --count N, or -o ndjson"
        )
    async with aclosing(_moments(run, seconds, count, by)) as moments:
        if run.terminal.output in ("json", "csv"):
            return MetricsWatched(rows=tuple([moment async for moment in moments]), interval_seconds=seconds)
        if run.terminal.output == "table" and run.terminal.colour:
            await _live(run, moments, seconds)
        else:
            await _lines(run, moments)
    return None


async def _moments(run: Run, seconds: float, count: int | None, by: By | None) -> AsyncGenerator[MetricsSnapshot, None]:
    """One after the other; the pace does not drift. What did not answer is in each of them, once as a warning."""
    from perfctl.operations.snapshot import metrics_snapshot

    loop, number = asyncio.get_running_loop(), 0
    missed: tuple[str, ...] = ()
    started = loop.time()
    while count is None or number < count:
        moment = await metrics_snapshot(run.optimizer, by=by)
        if moment.unanswered and moment.unanswered != missed:
            run.warn(f"no answer from {' and '.join(moment.unanswered)}: its figures are missing")
            run.exit(6)
        missed = moment.unanswered
        yield moment
        number += 1
        if count is None or number < count:
            await asyncio.sleep(max(started + number * seconds - loop.time(), 0.0))


async def _lines(run: Run, moments: AsyncIterator[MetricsSnapshot]) -> None:
    from perfctl.document.envelope import data_of, dumps
    from perfctl.render.metrics_watch import moment_line

    is_first = True
    async for moment in moments:
        if run.terminal.output == "ndjson":
            run.terminal.write_piece(dumps(data_of(moment)) + "\n")
        else:
            run.terminal.write_piece(moment_line(moment, with_head=is_first) + "\n")
        is_first = False


async def _live(run: Run, moments: AsyncIterator[MetricsSnapshot], seconds: float) -> None:
    """A picture that is painted anew with each moment, and with each key that orders it otherwise."""
    from perfctl.cli.keys import pressed_keys
    from perfctl.render.live import screen

    picture = _Picture(run, seconds)
    with screen(run.terminal.write_piece, is_live=True) as paint, pressed_keys() as keys:
        if paint is None:
            return
        following = asyncio.ensure_future(_follow(moments, picture, paint))
        obeying = asyncio.ensure_future(_obey(keys, picture, paint))
        try:
            await asyncio.wait((following, obeying), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (following, obeying):
                task.cancel()
            await asyncio.wait((following, obeying))
        if not following.cancelled():
            following.result()


class _Picture:
    """What was seen, and how it is ordered."""

    def __init__(self, run: Run, seconds: float) -> None:
        self._run, self._seconds = run, seconds
        self._kept: tuple[MetricsSnapshot, ...] = ()
        self._order: SortedBy = "count"

    def saw(self, moment: MetricsSnapshot) -> None:
        self._kept = (*self._kept[1 - KEPT_MOMENTS :], moment)

    def ordered(self, by: SortedBy) -> None:
        self._order = by

    def text(self) -> str:
        from perfctl.render.show import show

        terminal = self._run.terminal
        watched = MetricsWatched(rows=self._kept, interval_seconds=self._seconds)
        return show(
            replace(watched, sorted_by=self._order),
            words=self._run.words,
            output="table",
            context=self._run.context_name,
            limit=None,
            took_ms=0.0,
            colour=terminal.colour,
            width=terminal.width,
            ascii_only=not terminal.has_lines,
        )


async def _follow(moments: AsyncIterator[MetricsSnapshot], picture: _Picture, paint: Callable[[str], object]) -> None:
    async for moment in moments:
        picture.saw(moment)
        paint(picture.text())


async def _obey(keys: asyncio.Queue[str] | None, picture: _Picture, paint: Callable[[str], object]) -> None:
    """Until `q`; for ever where there are no keys."""
    if keys is None:
        await asyncio.Event().wait()
        return
    while (key := await keys.get()) != "q":
        if key in KEYS:
            picture.ordered(KEYS[key])
            paint(picture.text())
