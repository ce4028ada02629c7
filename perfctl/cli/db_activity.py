"""`perfctl db activity|locks|watch`: what happens on the server now, and ending what is in the way."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cli.db import group
from perfctl.cli.planner import DryRun, MaxAffected, Plan, confirm
from perfctl.cli.redacted import Redact, redacted
from perfctl.cli.run import Run
from perfctl.db.model.activity import Activity, Ending, LockNode, LockTree, ServerSession, Vitals, Watched
from perfctl.errors import AuthError, UsageError
from perfctl.units import format_counted, format_duration_ms, parse_duration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEPT_MOMENTS = 60
MIN_INTERVAL_SECONDS = 0.1
_SHOWN_QUERY = 60

LongerThan = Annotated[
    str | None,
    typer.Option("--longer-than", metavar="DURATION", help="Only what goes on for longer: 30s, 5m."),
]
Cancel = Annotated[bool, typer.Option("--cancel", help="Stop their statements (pg_cancel_backend).")]
Terminate = Annotated[bool, typer.Option("--terminate", help="End their sessions (pg_terminate_backend).")]


@group.command("activity", example="perfctl db activity --longer-than 5m --idle-in-transaction")
async def activity(
    run: Run,
    longer_than: LongerThan = None,
    idle_in_transaction: Annotated[
        bool, typer.Option("--idle-in-transaction", help="Only open transactions that do nothing.")
    ] = False,
    blocked: Annotated[bool, typer.Option("--blocked", help="Only those that wait for another.")] = False,
    pids: Annotated[list[int] | None, typer.Option("--pid", metavar="PID", help="Only this one; repeats.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="Only this role's.")] = None,
    database: Annotated[str | None, typer.Option("--database", help="Only those in this database.")] = None,
    application: Annotated[str | None, typer.Option("--application", help="Only this application's.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also idle ones, and the server's own.")] = False,
    cancel: Cancel = False,
    terminate: Terminate = False,
    dry_run: DryRun = False,
    max_affected: MaxAffected = None,
    redact: Redact = False,
) -> Activity:
    """Who is at work, for how long, waiting for what; the longest open transaction first.

    --cancel and --terminate end what is listed, each only while it is still the session that was shown.
    """
    from perfctl.db.activity.sessions import Wanted

    action = _action(cancel, terminate)
    wanted = Wanted(
        longer_than_seconds=parse_duration(longer_than, where="--longer-than") if longer_than else 0.0,
        idle_in_transaction=idle_in_transaction,
        blocked=blocked,
        pids=frozenset(pids or ()),
        username=user,
        database=database,
        application=application,
        everything=everything,
    )
    if action and not wanted.is_narrowed:
        raise UsageError(
            f"--{action} without anything that says whose",
            hint="say --pid, --longer-than, --idle-in-transaction, --blocked, --user, --database or --application",
        )
    engine = run.optimizer.database
    found = await engine.activity(wanted, timeout=run.options.timeout_seconds)
    _tell_unreadable(run, found.unreadable)
    if action is None:
        return await redacted(run, found) if redact else found
    rows = await _ended(run, found.rows, action, dry_run=dry_run, max_affected=max_affected)
    answer = replace(found, rows=rows, action=action, dry_run=dry_run)
    return await redacted(run, answer) if redact else answer


@group.command("locks", example="perfctl db locks --terminate --dry-run")
async def locks(
    run: Run,
    longer_than: LongerThan = None,
    cancel: Cancel = False,
    terminate: Terminate = False,
    dry_run: DryRun = False,
    max_affected: MaxAffected = None,
    redact: Redact = False,
) -> LockTree:
    """Who waits for whom, how long, for what, with the statement: those that hold the others up on top.

    --cancel and --terminate end the sessions on top, which wait for nobody, and so let the others go on.
    """
    action = _action(cancel, terminate)
    least = parse_duration(longer_than, where="--longer-than") if longer_than else 0.0
    tree = await run.optimizer.database.locks(timeout=run.options.timeout_seconds)
    _tell_unreadable(run, tree.unreadable)
    tops = tuple(node for node in tree.rows if _longest(node) >= least)
    tree = replace(tree, rows=tops, total=len(tops))
    if action is None:
        return await redacted(run, tree) if redact else tree
    sessions = [node.session for node in tops]
    ended = await _ended(run, sessions, action, dry_run=dry_run, max_affected=max_affected)
    rows = tuple(replace(node, session=session) for node, session in zip(tops, ended, strict=True))
    answer = replace(tree, rows=rows, action=action, dry_run=dry_run)
    return await redacted(run, answer) if redact else answer


@group.command("watch", example="perfctl db watch --interval 5s")
async def watch(
    run: Run,
    interval: Annotated[str, typer.Option("--interval", metavar="DURATION", help="How often to look.")] = "2s",
    count: Annotated[int | None, typer.Option("--count", min=1, help="So many moments; else until Ctrl-C.")] = None,
) -> Watched | None:
    """The load as it moves: a live picture on a terminal, a line a moment elsewhere (-o ndjson: a document a line)."""
    seconds = parse_duration(interval, where="--interval")
    if seconds < MIN_INTERVAL_SECONDS:
        raise UsageError(f"--interval {interval}: a server is not asked that often", hint="100ms at least")
    if run.terminal.output in ("json", "csv") and count is None:
        raise UsageError(
            f"-o {run.terminal.output} is one document, and this never ends", hint="say --count N, or -o ndjson"
        )
    async with aclosing(run.optimizer.database.watch(interval_seconds=seconds, count=count)) as moments:
        if run.terminal.output in ("json", "csv"):
            rows = [moment async for moment in moments]
            return Watched(rows=tuple(rows), server=run.optimizer.database.server, interval_seconds=seconds)
        await _follow(run, moments, seconds)
    return None


def _action(cancel: bool, terminate: bool) -> Ending | None:
    if cancel and terminate:
        raise UsageError(
            "--cancel and --terminate", hint="choose one: --terminate ends the session, and so its statement"
        )
    return "cancel" if cancel else "terminate" if terminate else None


async def _ended(
    run: Run, sessions: Sequence[ServerSession], action: Ending, *, dry_run: bool, max_affected: int | None
) -> tuple[ServerSession, ...]:
    """The sessions with what came of it; exit 6 where some stayed, AuthError where none may be ended."""
    from perfctl.db.activity.ending import can_be

    idle = sum(not can_be(each, action) for each in sessions)
    if idle:
        none = f"{format_counted(idle, 'session runs', 'sessions run')} no statement that could be cancelled"
        run.warn(f"{none}: --terminate ends what holds its locks in an open transaction")
    if dry_run or not sessions:
        return tuple(
            replace(each, outcome="would be ended" if can_be(each, action) else "nothing to cancel")
            for each in sessions
        )
    noun = "statements" if action == "cancel" else "sessions"
    plan = Plan(f"{action} {noun}", count=len(sessions), noun=noun, samples=tuple(_line(each) for each in sessions))
    confirm(run, plan, max_affected=max_affected)
    ended = await run.optimizer.database.end_sessions(sessions, action)
    outcomes = {each.outcome for each in ended}
    if outcomes == {"not permitted"}:
        raise AuthError(
            f"none of {len(ended)} {noun} may be ended by this role",
            hint="GRANT pg_signal_backend TO it; a superuser's session only a superuser ends",
        )
    if outcomes & {"asked", "not permitted", "changed before", "nothing to cancel"}:
        run.exit(6)
    return ended


def _line(session: ServerSession) -> str:
    query = " ".join((session.query or "").split())[:_SHOWN_QUERY]
    lasts = format_duration_ms((session.duration_seconds or 0.0) * 1000)
    return f"{session.pid} {session.username or '?'}@{session.database or '?'} {session.state} {lasts}: {query}"


def _longest(node: LockNode) -> float:
    """The longest wait below it."""
    waited = (node.waits_for.waited_seconds if node.waits_for else None) or 0.0
    return max([waited, *(_longest(child) for child in node.children)])


def _tell_unreadable(run: Run, unreadable: int) -> None:
    if unreadable:
        hidden = format_counted(unreadable, "session")
        run.warn(f"{hidden} of other roles cannot be looked into: perfctl db doctor names the right")


async def _follow(run: Run, moments: AsyncIterator[Vitals], seconds: float) -> None:
    """Each moment as it comes: a picture that is painted anew on a terminal, else a line."""
    from perfctl.render.live import screen

    kept: list[Vitals] = []
    with screen(run.terminal.write_piece, is_live=run.terminal.output == "table" and run.terminal.colour) as paint:
        async for moment in moments:
            kept = [*kept[1 - KEPT_MOMENTS :], moment]
            if paint is None:
                run.terminal.write_piece(_as_line(run, kept))
            else:
                server = run.optimizer.database.server
                paint(_picture(run, Watched(rows=tuple(kept), server=server, interval_seconds=seconds)))


def _as_line(run: Run, kept: Sequence[Vitals]) -> str:
    from perfctl.document.envelope import data_of, dumps
    from perfctl.render.db_activity import vitals_line

    if run.terminal.output == "ndjson":
        return dumps(data_of(kept[-1])) + "\n"
    return vitals_line(kept[-1], with_head=len(kept) == 1) + "\n"


def _picture(run: Run, watched: Watched) -> str:
    from perfctl.render.show import show

    terminal = run.terminal
    return show(
        watched,
        words=run.words,
        output="table",
        context=run.context_name,
        limit=None,
        took_ms=0.0,
        colour=terminal.colour,
        width=terminal.width,
        ascii_only=not terminal.has_lines,
    )
