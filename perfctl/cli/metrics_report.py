"""`perfctl metrics report`: a window of the history against the one before, in one file to read and to hand on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.drawn import destination, draw_into
from perfctl.cli.metrics import group
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.metrics.model.reports import MetricsReport, MetricsReportWritten, ReportFormat
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfctl.metrics.budgets import Objective

_FORMATS: dict[str, ReportFormat] = {".html": "html", ".htm": "html", ".md": "markdown", ".markdown": "markdown"}


@group.command("report", example="perfctl metrics report --since 7d -f report.html")
async def report(
    run: Run,
    file: Annotated[str, typer.Option("-f", "--file", metavar="FILE", help="Where to write it: .html or .md.")],
    since: Annotated[str, typer.Option("--since", metavar="DURATION", help="The window: 24h, 7d.")] = "7d",
) -> MetricsReportWritten:
    """Write one self-contained file: each figure against the window before, charts, worst queries, burn of objectives.

    Read from the history; nobody is asked. Objectives are those of metrics.budgets. The exit code is 0 whatever it
    says: metrics check is the gate.
    """
    path = destination(file, "--file")
    form = _FORMATS.get(Path(file).suffix.lower())
    if path is None or form is None:
        raise UsageError(f"--file {file!r}: of which kind?", hint="name it .html or .md", where="--file")
    seconds = parse_duration(since, where="--since")
    if seconds <= 0:
        raise UsageError(f"--since {since}: there is nothing in it", hint="24h or 7d", where="--since")
    made = await asyncio.to_thread(_report, run, seconds, _objectives(run))
    if not made.measured_seconds:
        run.warn("the history has nothing of that time: perfctl metrics record --every 10s writes it")
    text = _text(made, form)
    draw_into(path, text, "--file")
    return _written(made, path, form, len(text.encode()))


def _report(run: Run, seconds: float, objectives: Sequence[Objective]) -> MetricsReport:
    from perfctl.metrics.history import open_history
    from perfctl.metrics.reporting import report_of

    history = open_history(run.settings)
    return report_of(history, time.time(), seconds, context=run.context_name, objectives=objectives)


def _objectives(run: Run) -> Sequence[Objective]:
    if not run.settings.metrics.budgets:
        return ()
    from perfctl.metrics.budgets import read_all

    return read_all(run.settings.metrics.budgets).objectives


def _text(made: MetricsReport, form: ReportFormat) -> str:
    from perfctl.render.metrics_report import report_html, report_markdown

    return (report_html if form == "html" else report_markdown)(made)


def _written(made: MetricsReport, path: Path, form: ReportFormat, size_bytes: int) -> MetricsReportWritten:
    return MetricsReportWritten(
        path=str(path),
        format=form,
        size_bytes=size_bytes,
        since_seconds=made.since_seconds,
        measured_seconds=made.measured_seconds,
        worse=tuple(figure.name for figure in made.figures if figure.direction == "worse"),
        unmeasured=tuple(figure.name for figure in made.figures if figure.now is None),
        missed=tuple(each.name for each in made.objectives if each.spent is not None and each.spent > 1),
    )
