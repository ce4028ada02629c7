"""`perfctl db query|analyze`: one statement that only reads is run, or measured; nothing that it does stays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfctl.cli.db import group
from perfctl.cli.intake import taken
from perfctl.cli.plan_pictures import Html, Svg, pictures_wanted
from perfctl.cli.redacted import Redact, redacted
from perfctl.cli.run import Run
from perfctl.db.model.plans import PlanReport
from perfctl.db.model.rows import QueryRows
from perfctl.errors import RefusedError, UsageError
from perfctl.units import format_counted

LEFT_BEHIND = (
    "rolled back; a rollback leaves dead rows (until VACUUM), used sequence values and WAL, "
    "and the locks were held while it ran"
)
DEFAULT_ROWS = 1000
_MAX_SQL_BYTES = 1024 * 1024
_WANTED = "give a readable file of UTF-8 text with one statement"

Sql = Annotated[str | None, typer.Argument(help="One statement; - reads it from stdin.")]
File = Annotated[Path | None, typer.Option("-f", "--file", help="Read the statement from a file.")]
Param = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="VALUE", help="The next of $1, $2 ... or %s; NAME=VALUE for %(name)s. Repeatable."),
]


@group.command("query", example='perfctl db query "SELECT symbol, price FROM stocks WHERE sector = $1" --param energy')
async def query(run: Run, sql: Sql = None, file: File = None, param: Param = None) -> QueryRows:
    """Run one statement that only reads, and show its rows: at most 1,000, or --limit (0: all).

    What could write or do other harm is refused with the reason, also behind functions, operators and views; what
    passes runs READ ONLY, for at most --timeout (30s), and is rolled back.
    """
    from perfctl.db.values import shown

    text = _statement(sql, file, command="query")
    limit = DEFAULT_ROWS if run.options.limit is None else run.options.limit or None
    answer = await run.optimizer.database.query(
        text, _params(text, param), timeout=run.options.timeout_seconds, limit=limit, params_are_text=True
    )
    if answer.has_more:
        rows = format_counted(len(answer.rows), "row was", "rows were")
        run.warn(f"only the first {rows} read, there are more: --limit 0 reads all")
    return shown(answer)


@group.command("analyze", example="perfctl db analyze \"SELECT * FROM stocks WHERE symbol = 'AAPL'\"")
async def analyze(
    run: Run,
    sql: Sql = None,
    file: File = None,
    shape: Annotated[
        str | None,
        typer.Option("--query", metavar="FINGERPRINT", help="A statement of db slow, by its fingerprint or queryid."),
    ] = None,
    param: Param = None,
    allow_write: Annotated[
        bool, typer.Option("--allow-write", help="Let it write, in a transaction that is rolled back.")
    ] = False,
    should_run: Annotated[
        bool | None, typer.Option("--run/--no-run", help="Measure by running it, or show estimates alone.")
    ] = None,
    svg: Svg = None,
    html: Html = None,
    redact: Redact = False,
) -> PlanReport:
    """Show where a statement's time goes and what is wrong with its plan: run, measured, rolled back.

    One that takes longer than --timeout (30s), or has $1 without --param, is planned and not run. What could write or
    do other harm is refused with the reason.
    """
    pictures = pictures_wanted(svg, html)
    _permit(run, allow_write=allow_write, should_run=should_run)
    text = await _text_of(run, shape) if shape and sql is None and file is None else _statement(sql, file, shape)
    wanted = should_run is not False
    answer = await run.optimizer.database.analyze_query_performance(
        text,
        _params(text, param) if param else None,
        allow_write=allow_write,
        run=wanted,
        timeout=run.options.timeout_seconds,
        params_are_text=True,
    )
    _tell(run, answer, wanted=wanted, allow_write=allow_write)
    answer = await redacted(run, answer) if redact else answer
    pictures(answer)
    return answer


def _tell(run: Run, answer: PlanReport, *, wanted: bool, allow_write: bool) -> None:
    if wanted and (why := answer.why_estimates):
        run.warn(f"{why}; --param gives a value" if answer.is_generic else f"{why}; --timeout gives it longer")
    if answer.analyzed and allow_write:
        run.warn(LEFT_BEHIND)


def _permit(run: Run, *, allow_write: bool, should_run: bool | None) -> None:
    if allow_write:
        run.refuse_when_read_only("run a statement that writes")
    if run.settings.protected and should_run is None:
        raise RefusedError(
            f"analyze runs the statement, and context {run.settings.context!r} is protected",
            hint="say --run to run it, or --no-run for the estimates alone",
        )


async def _text_of(run: Run, shape: str) -> str:
    """The text of a shape that the server counted, by the beginning of its fingerprint or its queryid."""
    from perfctl.db.statements.order import Wanted

    answer = await run.optimizer.database.slow(Wanted(limit=None), timeout=run.options.timeout_seconds)
    found = {row.fingerprint: row.query for row in answer.rows if _is_meant(shape, row.fingerprint, row.queryid)}
    if len(found) != 1:
        what = "is counted" if not found else f"is one of {len(found)}: give more of it"
        raise UsageError(
            f"no statement with the fingerprint {shape!r} {what}" if not found else f"the fingerprint {shape!r} {what}",
            hint="perfctl db slow -o json has the fingerprints and queryids of this database",
            where="--query",
        )
    return next(iter(found.values()))


def _is_meant(shape: str, fingerprint: str, queryid: object) -> bool:
    return fingerprint.startswith(shape.lower()) or str(queryid) == shape


def _params(text: str, given: list[str] | None) -> list[str] | dict[str, str]:
    """Values in order, or by name where the statement has names."""
    from perfctl.db.parameters import parsed

    if not given or parsed(text).names is None:
        return given or []
    unnamed = next((value for value in given if "=" not in value), None)
    if unnamed is not None:
        raise UsageError(
            f"{unnamed!r}: the statement's parameters have names", hint="--param NAME=VALUE", where="--param"
        )
    return dict(value.split("=", 1) for value in given)


def _statement(sql: str | None, file: Path | None, shape: str | None = None, *, command: str = "analyze") -> str:
    """The text from the one place that was named."""
    if sum(place is not None for place in (sql, file, shape)) != 1:
        more = " or with --query" if command == "analyze" else ""
        raise UsageError(
            f"one statement is wanted, as an argument, as -, with -f FILE{more}", hint=f"perfctl db {command} --help"
        )
    try:
        if file is None and sql != "-":
            return str(sql)
        return taken("-" if file is None else str(file), at_most=_MAX_SQL_BYTES, wanted=_WANTED).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file or 'stdin'}: {error}", hint=_WANTED) from error
