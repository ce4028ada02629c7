"""`perfctl db slow` and `perfctl db history`: what statements cost, now and over days."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.db import group
from perfctl.cli.db_slow_logs import looked_in_logs
from perfctl.cli.moments import moment
from perfctl.cli.planner import DryRun, Plan, confirm
from perfctl.cli.run import Run
from perfctl.db.model.history import HistoryListing, Pruned, Recording
from perfctl.db.model.statements import SlowOrder, SlowQueries
from perfctl.db.statements.order import DEFAULT_LIMIT, Wanted
from perfctl.db.statements.sources import Look, SourceName, offline
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from pathlib import Path

_NEVER_SHOWN = ("csv", "ndjson")
"""Outputs of rows alone: what must be known of them is said on stderr."""


@group.command("slow", example="perfctl db slow --by mean --min-calls 100 --limit 5")
async def slow(
    run: Run,
    by: Annotated[SlowOrder, typer.Option("--by", help="What the order is by; io counts blocks.")] = "total",
    source: Annotated[
        SourceName, typer.Option("--source", help="Who counted; auto: statements, history with --since.")
    ] = "auto",
    for_: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="Only the next 30s: two readings, their difference.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="24h (ago) or 2026-01-31T08:00: of what was recorded.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="The end of that time.")] = None,
    min_mean_ms: Annotated[
        float, typer.Option("--min-mean-ms", metavar="MS", min=0, help="Leave out what is quicker on average.")
    ] = 0.0,
    min_calls: Annotated[
        int, typer.Option("--min-calls", metavar="N", min=0, help="Leave out what was called less.")
    ] = 0,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="REGEX", help="Leave out texts that match; repeats.")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", help="Only this role's.")] = None,
    database: Annotated[str | None, typer.Option("--database", help="Of this database of the server.")] = None,
    application: Annotated[
        str | None, typer.Option("--application", help="Only this application's: of logs and live samples.")
    ] = None,
    all_databases: Annotated[bool, typer.Option("--all-databases", help="Of every database of the server.")] = False,
    log: Annotated[
        list[str] | None,
        typer.Option(
            "--log", metavar="FILE", help="Read log files: names, patterns, .gz and .zst, - is stdin; repeats."
        ),
    ] = None,
    log_line_prefix: Annotated[
        str | None, typer.Option("--log-line-prefix", metavar="PREFIX", help="That of plain logs; else it is guessed.")
    ] = None,
) -> SlowQueries:
    """List the costliest queries, and say since when they are counted.

    From pg_stat_statements, log files, a live sample, the history (perfctl db history record) or this process.
    """
    wanted = Wanted(
        by=by,
        limit=_limit(run),
        min_mean_ms=min_mean_ms,
        min_calls=min_calls,
        exclude=tuple(exclude or ()),
        user=user,
        database=database,
        application=application,
        all_databases=all_databases,
    )
    look = Look(
        source=source,
        for_seconds=_duration(for_, "--for"),
        since=moment(since, "--since"),
        until=moment(until, "--until"),
        history=_history(run),
        log_files=tuple(log or ()),
        log_line_prefix=log_line_prefix,
    )
    answer = await _looked(run, wanted, look)
    for note in answer.notes:
        (run.warn if run.terminal.output in _NEVER_SHOWN else run.note)(note)
    return answer


@group.command("history record", example="perfctl db history record --cron")
async def record(
    run: Run,
    keep: Annotated[str, typer.Option("--keep", metavar="DURATION", help="Remove what is older.")] = "30d",
) -> Recording:
    """Add to the context's history what was counted since the last time; for cron, every ten minutes, say."""
    keep_seconds = parse_duration(keep, where="--keep")
    answer = await run.optimizer.database.record_history(
        _history(run), keep_seconds=keep_seconds, timeout=run.options.timeout_seconds
    )
    for event in answer.events:
        run.warn(event)
    return answer


@group.command("history list", example="perfctl db history list --limit 48")
async def list_all(run: Run) -> HistoryListing:
    """The recordings that there are, the latest first, and what was lost between them."""
    from perfctl.db.statements.history.window import listed

    return await asyncio.to_thread(listed, _history(run), limit=_limit(run))


@group.command("history prune", example="perfctl db history prune --keep 7d --dry-run")
async def prune(
    run: Run,
    keep: Annotated[str, typer.Option("--keep", metavar="DURATION", help="Remove what is older.")],
    dry_run: DryRun = False,
) -> Pruned:
    """Remove old recordings and give the room back; the last one stays, the next is compared with it."""
    from perfctl.db.statements.history.window import pruned

    file, before = _history(run), time.time() - parse_duration(keep, where="--keep")
    would = await asyncio.to_thread(pruned, file, before=before, dry_run=True)
    if dry_run or not would.removed:
        return would
    confirm(run, Plan(f"prune the history to {keep}", would.removed, "recordings"))
    return await asyncio.to_thread(pruned, file, before=before)


async def _looked(run: Run, wanted: Wanted, look: Look) -> SlowQueries:
    if look.chosen == "logs":
        return await looked_in_logs(run, wanted, look)
    if look.needs_server:
        return await run.optimizer.database.slow(wanted, look, timeout=run.options.timeout_seconds)
    return await asyncio.to_thread(offline, wanted, look)


def _limit(run: Run) -> int | None:
    return DEFAULT_LIMIT if run.options.limit is None else run.options.limit or None


def _duration(text: str | None, where: str) -> float | None:
    return None if text is None else parse_duration(text, where=where)


def _history(run: Run) -> Path:
    from perfctl.db.statements.history.store import history_file

    return history_file(run.settings.context)
