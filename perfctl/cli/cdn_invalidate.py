"""`perfctl cdn invalidate` and `status`: have the edge forget."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cdn.model.invalidations import InvalidationReport, Invalidations
from perfctl.cli.cdn import Distribution, engine_of, group
from perfctl.cli.intake import taken
from perfctl.cli.planner import DryRun, MaxAffected, Plan, confirm
from perfctl.cli.run import Run
from perfctl.errors import TimedOutError, UsageError
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from perfctl.cdn.engine import Tell
    from perfctl.cdn.model.invalidations import Waiting
    from perfctl.cdn.paths import Asked, Items

_MAX_PATHS_BYTES = 16 * 1024 * 1024
"""More paths than an account may invalidate at a time."""

Wait = Annotated[bool, typer.Option("--wait", help="Return when it has completed.")]
WaitTimeout = Annotated[str, typer.Option("--wait-timeout", metavar="DURATION", help="The limit of --wait.")]


@group.command("invalidate", example="perfctl cdn invalidate '/img/*' /index.html --wait --yes")
async def invalidate(
    run: Run,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH...", help="Paths; * only at the end; - reads stdin.")
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option("-f", "--file", metavar="FILE", help="Paths of a file, one a line; - is stdin.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="All that carries this cache tag.")
    ] = None,
    wait: Wait = False,
    wait_timeout: WaitTimeout = "15m",
    verify: Annotated[
        list[str] | None, typer.Option("--verify", metavar="URL", help="Prove it at the edge; waits, too.")
    ] = None,
    distribution: Annotated[
        list[str] | None, typer.Option("--distribution", metavar="ID", help="ID or alias; repeatable.")
    ] = None,
    dry_run: DryRun = False,
    max_affected: MaxAffected = None,
) -> InvalidationReport:
    """Have the edge forget paths, wildcards and tags.

    Paths are encoded as CloudFront asks, those that a wildcard covers are left out, and what is over the service's
    limits goes out in rounds. Throttling and failures are retried under one reference: nothing is paid twice.
    """
    seconds = parse_duration(wait_timeout, where="--wait-timeout")
    engine = engine_of(run, distribution)
    if not (paths or file or tag):
        raise UsageError("there is no path to invalidate", hint="give a path such as '/img/*', or --tag TAG")
    asked = _asked(paths or [], file or [])
    items = engine.plan_invalidation(asked, tags=tag or [])
    targets = await engine.distribution_ids(distribution or [])
    if items.all and not dry_run:
        confirm(run, _plan(items, targets), max_affected=max_affected)
    with _watched(run) as tell:
        report = await engine.invalidate_content(
            asked,
            tags=tag or [],
            wait=wait,
            wait_timeout_seconds=seconds,
            distributions=targets if distribution else (),
            verify=verify or [],
            dry_run=dry_run,
            tell=tell,
        )
    _judge(run, report)
    return report


@group.command("status", example="perfctl cdn status I2J0I21PCUYOIK --wait")
async def status(
    run: Run,
    invalidation_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="One invalidation; without it, those in progress.")
    ] = None,
    wait: Wait = False,
    wait_timeout: WaitTimeout = "15m",
    distribution: Distribution = None,
) -> Invalidations:
    """How far an invalidation is, or which are in progress."""
    seconds = parse_duration(wait_timeout, where="--wait-timeout")
    engine = engine_of(run, distribution)
    with _watched(run) as tell:
        return await engine.invalidation_status(
            invalidation_id, wait=wait, wait_timeout_seconds=seconds, distribution=distribution, tell=tell
        )


def _asked(paths: list[str], files: list[str]) -> list[Asked]:
    """Every path with the place where it was written; stdin is read at most once, for `-`."""
    from perfctl.cdn.paths import Asked, parse_lines

    asked = [Asked(path) for path in paths if path != "-"]
    sources = ([] if "-" not in paths else ["-"]) + files
    for source in dict.fromkeys(sources):
        asked += parse_lines(_lines(source), source="stdin" if source == "-" else source)
    return asked


def _lines(source: str) -> list[str]:
    data = taken(source, at_most=_MAX_PATHS_BYTES, wanted="name a file of paths, one a line", where="--file")
    return data.decode("utf-8", "surrogateescape").split("\n")


def _plan(items: Items, targets: tuple[str, ...]) -> Plan:
    """What `confirm` shows: where, how many, at which price."""
    count = len(items.all) * len(targets)
    cost = items.cost_usd * len(targets)
    number = len(items.wildcards) * len(targets)
    wildcards = f"{number} wildcard{'s' if number > 1 else ''}, " if number else ""
    return Plan(
        action=f"invalidate at {', '.join(targets)}",
        count=count,
        noun=f"{'item' if count == 1 else 'items'} ({wildcards}${cost:.3f} beyond the free 1000 a month)",
        samples=items.all[:5],
    )


def _in_context(run: Run, line: str | None) -> str | None:
    """A command line to try, for the context of this run."""
    context = run.options.context
    return line.replace("perfctl cdn", f"perfctl -c {context} cdn") if line and context else line


def _judge(run: Run, report: InvalidationReport) -> None:
    """Say what is left to do; exit 6 where something was not sent, 1 where the edge still serves the old."""
    if not report.items:
        run.terminal.say("nothing to invalidate: the input holds no path")
    if running := [one for one in report.invalidations if one.status == "InProgress"]:
        line = f"perfctl cdn status {running[0].invalidation_id} --wait --distribution {running[0].distribution_id}"
        run.terminal.say(f"when it is done: {_in_context(run, line)}")
    for one in report.invalidations:
        if one.error:
            run.warn(f"{one.distribution_id}: {one.items} items were not sent: {one.error}")
            run.exit(6)
    for proof in report.verified:
        if not proof.is_fresh:
            run.warn(f"{proof.url}: not proved fresh, the edge answers {proof.after}")
            run.exit(1)


@contextmanager
def _watched(run: Run) -> Iterator[Tell]:
    """Progress while it lasts; where it ends before its time, the line to ask again is one for this context."""
    import asyncio

    progress = _Progress(run)
    try:
        yield progress.tell
    except TimedOutError as error:
        error.hint = _in_context(run, error.hint)
        raise
    except asyncio.CancelledError:
        progress.clear()
        if progress.ask_again:
            run.terminal.say(f"it was sent, and goes on: {_in_context(run, progress.ask_again)}")
        raise
    finally:
        progress.clear()


class _Progress:
    """One line on a terminal's stderr that is written over, and cleared at the end without an escape byte."""

    def __init__(self, run: Run) -> None:
        self._shows = run.terminal.shows_progress
        self._width = 0
        self.ask_again: str | None = None
        """The command for whoever stops waiting."""

    def tell(self, waiting: Waiting) -> None:
        self.ask_again = waiting.ask_again
        what = "waiting for room" if waiting.for_room else f"{waiting.done} of {waiting.total} completed"
        self._write(f"invalidation: {what}, {waiting.waited_seconds:.0f} s")

    def clear(self) -> None:
        if self._width:
            self._write("")
            self._write("")

    def _write(self, line: str) -> None:
        if self._shows:
            sys.stderr.write("\r" + line.ljust(self._width))
            sys.stderr.flush()
            self._width = len(line)
