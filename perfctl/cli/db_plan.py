"""`perfctl db plan FILE` and `db plan diff A B`: a saved plan explained, two compared, without a server."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from perfctl.cli.db import group
from perfctl.cli.intake import taken
from perfctl.cli.plan_pictures import Html, Svg, pictures_wanted
from perfctl.cli.redacted import Redact
from perfctl.cli.run import Run
from perfctl.db.model.plans import PlanDifference, PlanReport
from perfctl.errors import PerfctlError, UsageError

MAX_PLAN_BYTES = 16 * 1024 * 1024
"""A plan over ten thousand partitions, ANALYZE and VERBOSE, has 11 MB."""

_WANTED = "give what EXPLAIN (ANALYZE, BUFFERS) printed, as text or with FORMAT JSON"
Saved = Annotated[str, typer.Argument(metavar="FILE", help="What EXPLAIN printed; - reads stdin.")]


@group.command("plan", example="perfctl db plan plan.json --html plan.html")
def plan(run: Run, file: Saved, svg: Svg = None, html: Html = None, redact: Redact = False) -> PlanReport:
    """Show where a saved plan's time goes and what is wrong with it, without a server.

    It may be the JSON, text, YAML or XML of EXPLAIN or auto_explain of PostgreSQL 12 to 18, with psql's border or
    quotes around it. `db plan diff` compares two.
    """
    from perfctl.db.findings import examine

    pictures = pictures_wanted(svg, html)
    report = _read(file)
    report = dataclasses.replace(report, findings=examine(report))
    if not report.analyzed:
        run.warn("it was made without ANALYZE: these are estimates alone")
    if redact:
        from perfctl.db.redaction.redactor import Redactor

        report = Redactor().redacted(report)
    pictures(report)
    return report


@group.command("plan diff", example="perfctl db plan diff before.json after.json")
def plan_diff(
    run: Run,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="The first plan; - reads stdin.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The second plan; - reads stdin.")],
) -> PlanDifference:
    """Compare two saved plans node by node: what changed in kind, index, rows, cost, time and blocks."""
    from perfctl.db.plans.difference import compare

    if before == after == "-":
        raise UsageError("stdin cannot be both plans", hint="name a file for one of them")
    first, second = _read(before), _read(after)
    if first.analyzed != second.analyzed:
        run.warn("one plan was run and the other was not: their costs are compared, and no times")
    return compare(first, second)


def _read(source: str) -> PlanReport:
    """The plan in a file or on stdin; errors name it."""
    from perfctl.db.plans import read_any

    content = taken(source, at_most=MAX_PLAN_BYTES, wanted=_WANTED)
    if not content.strip():
        raise UsageError(f"{_name(source)}: it is empty", hint=_WANTED)
    try:
        return read_any(content)
    except PerfctlError as error:
        error.message = f"{_name(source)}: {error.message}"
        raise


def _name(source: str) -> str:
    return "stdin" if source == "-" else Path(source).name
