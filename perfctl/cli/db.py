"""`perfctl db`: slow queries, plans, and whether perfctl can see them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfctl.cli.command import CommandGroup
from perfctl.cli.intake import taken
from perfctl.cli.run import Run
from perfctl.db.model.plans import PlanReport
from perfctl.diagnosis import Diagnosis
from perfctl.errors import RefusedError, UsageError

group = CommandGroup(
    "db",
    help="Find slow queries and explain them.",
    parts={
        "slow": "db_slow",
        "stats": "db_stats",
        "history record": "db_slow",
        "history list": "db_slow",
        "history prune": "db_slow",
        "activity": "db_activity",
        "locks": "db_activity",
        "watch": "db_activity",
        "check": "db_check",
        "baseline record": "db_baseline",
        "plan": "db_plan",
        "plan diff": "db_plan",
    },
    below={
        "baseline": "The workload's plans as they should stay.",
        "history": "What statements cost over days, recorded by cron.",
    },
)

LEFT_BEHIND = (
    "rolled back; a rollback leaves dead rows (until VACUUM), used sequence values and WAL, "
    "and the locks were held while it ran"
)
_MAX_SQL_BYTES = 1024 * 1024
_WANTED = "give a readable file of UTF-8 text with one statement"


@group.command("analyze", example="perfctl db analyze \"SELECT * FROM stocks WHERE symbol = 'AAPL'\"")
async def analyze(
    run: Run,
    sql: Annotated[str | None, typer.Argument(help="One statement; - reads it from stdin.")] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", help="Read the statement from a file.")] = None,
    allow_write: Annotated[
        bool, typer.Option("--allow-write", help="Let it write, in a transaction that is rolled back.")
    ] = False,
    should_run: Annotated[
        bool | None, typer.Option("--run/--no-run", help="Measure by running it, or show estimates alone.")
    ] = None,
) -> PlanReport:
    """Show where a statement's time goes: run, measured, rolled back."""
    text = _statement(sql, file)
    _permit(run, allow_write=allow_write, should_run=should_run)
    wanted = should_run is not False
    answer = await run.optimizer.database.analyze_query_performance(
        text, allow_write=allow_write, run=wanted, timeout=run.options.timeout_seconds
    )
    if wanted and answer.is_generic:
        run.warn("it has $1 without a value and was not run: these are estimates for any value")
    elif wanted and not answer.analyzed:
        run.warn("it ran longer than --timeout and was stopped: these are estimates alone")
    if answer.analyzed and allow_write:
        run.warn(LEFT_BEHIND)
    return answer


@group.command("doctor", example="perfctl db doctor")
async def doctor(run: Run) -> Diagnosis:
    """Can perfctl connect, what may its role see, what is missing."""
    answer = await run.optimizer.database.doctor()
    run.exit(1 if answer.status == "fail" else 0)
    return answer


def _permit(run: Run, *, allow_write: bool, should_run: bool | None) -> None:
    if allow_write:
        run.refuse_when_read_only("run a statement that writes")
    if run.settings.protected and should_run is None:
        raise RefusedError(
            f"analyze runs the statement, and context {run.settings.context!r} is protected",
            hint="say --run to run it, or --no-run for the estimates alone",
        )


def _statement(sql: str | None, file: Path | None) -> str:
    """The text from the one place that was named."""
    if (sql is None) == (file is None):
        raise UsageError(
            "one statement is wanted, as an argument, as - or with -f FILE", hint="perfctl db analyze --help"
        )
    try:
        if file is None and sql != "-":
            return str(sql)
        return taken("-" if file is None else str(file), at_most=_MAX_SQL_BYTES, wanted=_WANTED).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file or 'stdin'}: {error}", hint=_WANTED) from error
