"""`perfctl metrics check`: does what was measured keep to its budgets?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from perfctl.cli.gate import FailOn, Severity
from perfctl.cli.metrics import group
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.metrics.budgets.checking import BudgetsChecked

if TYPE_CHECKING:
    from perfctl.metrics.budgets.judging import Windows
    from perfctl.metrics.budgets.model import Budgets


@group.command("check", example="perfctl metrics check 'p95(db.query.duration) < 50ms' --since 15m --ci junit:m.xml")
async def check(
    run: Run,
    expr: Annotated[
        list[str] | None, typer.Argument(metavar="[EXPR]...", help="What should hold: cache.hit_ratio{ns=api} >= 0.95")
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option("-f", "--file", metavar="FILE", help="A file of budgets; repeatable.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="AGO|TIME", help="Judge what was measured from then on; by default 5m."),
    ] = None,
    fail_on: FailOn = Severity.warn,
) -> BudgetsChecked:
    """Does what was measured keep to its budgets? A gate: exit 0 when all hold, 1 when one is broken or has no data.

    EXPR is a metric, an operator and a limit: cache.hit_ratio{ns=api} >= 0.95; p95(db.query.duration) < 50ms for 5m;
    share(http.request.duration <= 200ms) >= 99%; rate(http.request.duration) > 5/s; cpu_usage_percent < 80. With a
    for, a breach is a stretch of that length without a value that holds. Without EXPR and -f the files of
    metrics.budgets are read.

    Judged is what was recorded; where there is no history, one look now. A name that is not known is an error (2),
    and what was not measured is no_data (1), never a pass. With --fail-on fail, budgets of severity ticket only warn.
    """
    from perfctl.metrics.budgets.checking import check as judged

    budgets = _budgets(run, expr or (), file or ())
    now = time.time()
    window = _window_seconds(since, now)
    recorded, source = await _recorded(run)
    if source == "snapshot" and since:
        run.warn("there is no history: --since is not heeded, judged is one look now")
    result = judged(
        budgets,
        recorded,
        time.time(),
        source=source,
        window_seconds=window,
        tickets_count=fail_on is Severity.warn,
    )
    if result.verdict != "pass":
        run.exit(1)
    return result


def _budgets(run: Run, texts: list[str] | tuple[str, ...], files: list[str] | tuple[str, ...]) -> Budgets:
    from perfctl.metrics.budgets import Budgets, parse, read_all

    said = Budgets(tuple(parse(text) for text in texts)) + read_all(files)
    if texts or files:
        return said
    named = run.settings.metrics.budgets
    if not named:
        raise UsageError(
            "no budget is named",
            hint="write one: perfctl metrics check 'cache.hit_ratio >= 0.95'; or name a file with -f",
        )
    return read_all(named)


def _window_seconds(since: str | None, now: float) -> float | None:
    from perfctl.cli.moments import moment

    start = moment(since, "--since")
    if start is None:
        return None
    seconds = now - start.timestamp()
    if seconds <= 0:
        raise UsageError(f"--since: {since!r} is not in the past", hint="write 15m (ago)", where="--since")
    return seconds


async def _recorded(run: Run) -> tuple[Windows, Literal["history", "snapshot"]]:
    """The history, where something was ever recorded in it; else one look at every source."""
    import asyncio

    from perfctl.metrics.budgets import Frames
    from perfctl.metrics.history import open_history

    history = open_history(run.settings)
    if await asyncio.to_thread(history.latest) is not None:
        return history, "history"
    collected = await run.optimizer.metrics.collect()
    return Frames((collected.frame,)), "snapshot"
