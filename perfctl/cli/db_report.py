"""`perfctl db report`: everything that perfctl sees of a database, in one file to read and to hand on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.db import group
from perfctl.cli.drawn import destination, draw_into
from perfctl.cli.progress import progress_of
from perfctl.cli.redacted import Redact, redacted
from perfctl.cli.run import Run
from perfctl.db.model.reports import DatabaseReport, ReportFormat, ReportWritten
from perfctl.errors import UsageError
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from perfctl.db.statements.sources import Look

_PARTS = 7
_SHOWN = 20
_FORMATS: dict[str, ReportFormat] = {".html": "html", ".htm": "html", ".md": "markdown", ".markdown": "markdown"}


@group.command("report", example="perfctl db report --since 7d -f report.html --redact")
async def report(
    run: Run,
    file: Annotated[str, typer.Option("-f", "--file", metavar="FILE", help="Where to write it: .html or .md.")],
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DURATION", help="Slow queries of so long, from the recorded history: 7d."),
    ] = None,
    redact: Redact = False,
) -> ReportWritten:
    """Write one self-contained file: checks, slow queries with their plans, locks, activity, settings, doctor.

    Nothing is run: the plans are estimates. --limit N: so many slow queries (20). The exit code is 0 whatever it says.
    """
    path = destination(file, "--file")
    form = _FORMATS.get(Path(file).suffix.lower())
    if path is None or form is None:
        raise UsageError(f"--file {file!r}: of which kind?", hint="name it .html or .md", where="--file")
    gathered = await _gathered(run, since)
    text = _text(await redacted(run, gathered) if redact else gathered, form, redacted=redact)
    draw_into(path, text, "--file")
    if gathered.missing:
        run.exit(6)
    return _written(gathered, path, form, len(text.encode()), redacted=redact)


async def _gathered(run: Run, since: str | None) -> DatabaseReport:
    from perfctl.db.statements.order import Wanted

    limit = run.options.limit if run.options.limit is not None else _SHOWN
    with progress_of(run, "parts of the report", _PARTS) as told:
        return await run.optimizer.database.report(
            Wanted(limit=limit or None), _look(run, since), timeout=run.options.timeout_seconds, told=told
        )


def _look(run: Run, since: str | None) -> Look:
    from perfctl.db.statements.history.store import history_file
    from perfctl.db.statements.sources import Look

    if since is None:
        return Look()
    seconds = parse_duration(since, where="--since")
    return Look(since=datetime.now(UTC) - timedelta(seconds=seconds), history=history_file(run.settings.context))


def _text(report: DatabaseReport, form: ReportFormat, *, redacted: bool) -> str:
    from perfctl.render.db_report import report_html, report_markdown

    return (report_html if form == "html" else report_markdown)(report, redacted=redacted)


def _written(
    report: DatabaseReport, path: Path, form: ReportFormat, size_bytes: int, *, redacted: bool
) -> ReportWritten:
    from perfctl.render.db_report import section_titles

    return ReportWritten(
        path=str(path),
        format=form,
        size_bytes=size_bytes,
        redacted=redacted,
        status=report.status,
        sections=section_titles(report),
        missing=report.missing,
    )
