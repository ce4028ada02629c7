"""`perfctl cdn queue` and `cdn invalidations`: what waits to be invalidated, and what it cost."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cdn.model.queue import QueueCancelled, QueueRun, QueueStatus
from perfctl.cdn.model.spending import InvalidationSpending
from perfctl.cli.cdn import engine_of, group
from perfctl.cli.moments import moment
from perfctl.cli.planner import DryRun, MaxAffected, Plan, confirm
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfctl.cdn.model.queue import QueueProgress
    from perfctl.cdn.queue.cancelling import Chosen

MIN_EVERY_SECONDS = 0.1

Distributions = Annotated[
    list[str] | None, typer.Option("--distribution", metavar="ID", help="Only this one, by ID or alias; repeatable.")
]
Widen = Annotated[
    bool,
    typer.Option("--widen", help="Where more waits than may be in progress at once, forget whole folders instead."),
]


@group.command("queue status", example="perfctl cdn queue status")
async def status(run: Run) -> QueueStatus:
    """What waits, since when, what is in progress, what failed, who sends. Asks no server."""
    return await asyncio.to_thread(engine_of(run).queue.status)


@group.command("queue run", example="perfctl cdn queue run --cron")
async def run_queue(
    run: Run,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="Go on so long, instead of one pass.")
    ] = None,
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="DURATION", help="Look for more that often; without --for, until Ctrl-C."),
    ] = None,
    widen: Widen = False,
    distribution: Distributions = None,
) -> QueueRun:
    """Send what is due, as far as there is room, and note what has completed.

    For cron, each minute; or as a service with --every 1s. One process sends for a distribution at a time, and some
    room is left to other senders. An item waits cdn.queue_window_seconds for more, so that what changes again in that
    time is paid once.
    """
    run.refuse_when_read_only("send the queue")
    lasting = None if for_ is None else parse_duration(for_, where="--for")
    often = 1.0 if every is None else parse_duration(every, where="--every")
    if often < MIN_EVERY_SECONDS:
        raise UsageError(f"--every {every}: the file is not looked at that often", hint="100ms at least")
    engine = engine_of(run, distribution)
    with _told(run, "sent") as tell:
        done = await engine.queue.run(
            distributions=await engine.distribution_ids(distribution) if distribution else (),
            for_seconds=lasting if lasting is not None else math.inf if every is not None else None,
            every_seconds=often,
            widens=widen,
            tell=tell,
        )
    return _judged(run, done)


@group.command("queue drain", example="perfctl cdn queue drain --wait-timeout 5m")
async def drain(
    run: Run,
    wait_timeout: Annotated[
        str, typer.Option("--wait-timeout", metavar="DURATION", help="How long it may take.")
    ] = "15m",
    widen: Widen = False,
    distribution: Distributions = None,
) -> QueueRun:
    """Send until nothing waits and all has completed; exit 5 where that takes longer."""
    run.refuse_when_read_only("send the queue")
    seconds = parse_duration(wait_timeout, where="--wait-timeout")
    engine = engine_of(run, distribution)
    targets = await engine.distribution_ids(distribution) if distribution else ()
    before = await asyncio.to_thread(engine.queue.status)
    total = before.pending + before.in_flight
    with _told(run, "completed", total) as tell:
        done = await engine.queue.drain(
            distributions=targets, timeout_seconds=seconds, widens=widen, tell=tell, warn=run.warn
        )
    return _judged(run, done)


@group.command("queue cancel", example="perfctl cdn queue cancel '/img/*' --dry-run")
async def cancel(
    run: Run,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID|PATTERN...", help="IDs of `queue status`, or patterns where * is anything."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Of those that failed, instead of those that wait.")] = False,
    distribution: Distributions = None,
    dry_run: DryRun = False,
    max_affected: MaxAffected = None,
) -> QueueCancelled:
    """Take items out of the queue before they are sent; what was sent cannot be taken back."""
    engine = engine_of(run, distribution)
    names = await engine.distribution_ids(distribution) if distribution else ()
    chosen = _chosen(targets or [], everything, failed, names)
    would = await asyncio.to_thread(engine.queue.cancellable, chosen)
    if would.items and not dry_run:
        noun = "item" if would.total == 1 else "items"
        samples = tuple(f"{item.item} at {item.distribution_id}" for item in would.items[:5])
        confirm(run, Plan("cancel what is queued", would.total, noun, samples=samples), max_affected=max_affected)
        would = await asyncio.to_thread(engine.queue.cancel, chosen)
    if would.not_cancelled:
        run.warn(f"{would.not_cancelled} of the IDs are not in the queue: sent, or never there")
        run.exit(6 if would.items else 1)
    return would


@group.command("invalidations", example="perfctl cdn invalidations --cost --since 30d")
async def invalidations(
    run: Run,
    cost: Annotated[
        bool, typer.Option("--cost", help="Ask what each one held: items, dollars, what is repeated.")
    ] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="7d (ago) or 2026-01-31; else this month.")
    ] = None,
    distribution: Distributions = None,
) -> InvalidationSpending:
    """The month's invalidations, whoever sent them; with --cost what they come to, and what is left free.

    The free items are the account's, so all of its distributions are looked at unless some are named. What a completed
    invalidation held is asked for once and kept.
    """
    engine = engine_of(run, distribution)
    with _counted(run) as tell:
        found = await engine.invalidation_spending(
            since=moment(since, "--since"), with_items=cost, distributions=distribution or (), tell=tell
        )
    if cost and not found.is_whole_account:
        run.note("the free items are the account's, and not all of its distributions were looked at")
    return found


def _chosen(targets: list[str], everything: bool, failed: bool, names: tuple[str, ...]) -> Chosen:
    """UsageError where nothing is named, or everything and something."""
    from perfctl.cdn.queue.cancelling import Chosen

    if everything == bool(targets):
        hint = "such as 17, '/img/*', '#product-*', or --all"
        raise UsageError("cancel: name what to cancel, or say --all" + (", not both" if targets else ""), hint=hint)
    patterns = tuple(target for target in targets if not target.isdigit())
    for pattern in patterns:
        if not pattern.startswith(("/", "#", "*")):
            raise UsageError(
                f"cancel: {pattern!r} is neither an ID nor a pattern of items",
                hint="an item begins with / or #: '/img/*', '#product-7'",
            )
    ids = tuple(int(target) for target in targets if target.isdigit() and len(target) < 19)
    return Chosen(ids, patterns, everything, failed, names)


def _judged(run: Run, done: QueueRun) -> QueueRun:
    """Exit 6 where something did not go as it was asked."""
    for row in done.rows:
        if row.error is not None:
            run.warn(f"{row.distribution_id}: {row.error}")
        if row.overdue:
            run.warn(f"{row.distribution_id}: {row.overdue} queued past their deadline")
        if row.error is not None or row.overdue or row.failed:
            run.exit(6)
    return done


@contextmanager
def _told(run: Run, what: str, total: int | None = None) -> Iterator[Callable[[QueueProgress], None] | None]:
    """A line that counts items; None where nobody looks, for counting asks the file."""
    with progress_of(run, f"queue: items {what}", total) as progress:
        if progress is None:
            yield None
            return
        tell = progress
        yield lambda done: tell(done.sent if what == "sent" else done.completed)


@contextmanager
def _counted(run: Run) -> Iterator[Callable[[int, int], None] | None]:
    with progress_of(run, "invalidations read") as progress:
        yield None if progress is None else lambda done, _total: progress(done)
