"""`perfctl metrics export`: what was measured, as other programs read it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.drawn import destination, draw_into
from perfctl.cli.metrics import group
from perfctl.cli.moments import moment
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.metrics.model.recorded import Exported, ExportFormat

if TYPE_CHECKING:
    from pathlib import Path

    from perfctl.metrics.exposition.taking import Taken

_DOCUMENTS = ("json", "ndjson", "csv")


@group.command("export", example="perfctl metrics export --format openmetrics -f /var/lib/node_exporter/perfctl.prom")
async def export(
    run: Run,
    format_: Annotated[
        ExportFormat, typer.Option("--format", help="prometheus, openmetrics, json or csv.")
    ] = "prometheus",
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Only what was measured since: 1h, 2026-01-31T08:00."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("-f", "--file", metavar="FILE", help="Write it there, whole or not at all.")
    ] = None,
) -> Exported | None:
    """What was measured, for another program: text for Prometheus, or a row a series as JSON or CSV.

    Counters and histograms count from the history's beginning, so that a scraper sees them only grow; with --since from
    then. Gauges that nobody measured for five minutes are left out; where nothing records, they are measured now
    (exit 6 when something that is configured does not answer).
    """
    path, start = destination(file, "--file"), moment(since, "--since")
    if start is not None and start > datetime.now(UTC):
        raise UsageError(f"--since {since}: that is yet to come", hint="write 1h (ago)", where="--since")
    taken = await _taken(run, None if start is None else start.timestamp())
    text = _text(taken, format_)
    if path is None and run.terminal.output not in _DOCUMENTS:
        run.terminal.write_piece(text)
        return None
    if path is not None:
        draw_into(path, text, "--file")
    return _exported(taken, format_, path, len(text.encode()))


async def _taken(run: Run, start: float | None) -> Taken:
    from perfctl.metrics.exposition.taking import everything, with_gauges_of, within
    from perfctl.metrics.history import open_history

    history, now = open_history(run.settings), time.time()
    if start is not None:
        return await asyncio.to_thread(within, history, start, now)
    taken = await asyncio.to_thread(everything, history, now)
    if taken.is_fresh:
        return taken
    measured = await run.optimizer.metrics.collect()
    if measured.snapshot.unanswered:
        run.warn(f"no answer from {' and '.join(measured.snapshot.unanswered)}: its figures are missing")
        run.exit(6)
    return with_gauges_of(taken, measured.frame)


def _text(taken: Taken, form: ExportFormat) -> str:
    from perfctl.metrics import exposition

    if form == "prometheus":
        return exposition.prometheus(taken.frame)
    if form == "openmetrics":
        return exposition.openmetrics(taken.frame, created=taken.since)
    return exposition.as_json(taken.frame) if form == "json" else exposition.as_csv(taken.frame)


def _exported(taken: Taken, form: ExportFormat, path: Path | None, size_bytes: int) -> Exported:
    from perfctl.metrics.exposition.rows import rows_of

    rows = rows_of(taken.frame)
    return Exported(
        format=form,
        file=None if path is None else str(path),
        size_bytes=size_bytes,
        at=datetime.fromtimestamp(taken.frame.at, UTC),
        seconds=round(taken.frame.seconds, 3),
        since=datetime.fromtimestamp(taken.since, UTC),
        series=len(rows),
        rows=rows if path is None else (),
    )
