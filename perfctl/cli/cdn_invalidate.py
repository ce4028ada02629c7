"""`perfctl cdn invalidate` and `status`: have the edge forget."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cdn.model.invalidations import InvalidationReport, Invalidations
from perfctl.cli.cdn import Distribution, engine_of, group
from perfctl.cli.cdn_asked import Files, FromGit, FromManifest, Index, Map, Paths, asked_for
from perfctl.cli.cdn_known import InventoryFile, MaxCollateral, MaxCost, inventory_of, weight_of
from perfctl.cli.cdn_waiting import Wait, WaitTimeout, in_context, watched
from perfctl.cli.planner import DryRun, MaxAffected, Plan, confirm
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.units import format_count, format_duration_ms, parse_duration

if TYPE_CHECKING:
    from perfctl.cdn.engine import CloudFrontOptimizer
    from perfctl.cdn.invalidating.choosing import Choosing, Chosen
    from perfctl.cdn.planning import Inventory


class StrategyName(StrEnum):
    """Which items are sent for what was asked."""

    exact = "exact"
    cheapest = "cheapest"


@group.command("invalidate", example="perfctl cdn invalidate '/img/*' /index.html --wait --yes")
async def invalidate(
    run: Run,
    paths: Paths = None,
    file: Files = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="All that carries this cache tag.")
    ] = None,
    from_git: FromGit = None,
    from_manifest: FromManifest = None,
    map: Map = None,
    index: Index = None,
    strategy: Annotated[
        StrategyName, typer.Option("--strategy", help="exact: what was asked; cheapest: the cheapest cover of it.")
    ] = StrategyName.exact,
    inventory: InventoryFile = None,
    only_cached: Annotated[
        bool, typer.Option("--only-cached", help="Leave out what no viewer fetched, as the inventory says.")
    ] = False,
    max_cost: MaxCost = None,
    max_collateral: MaxCollateral = None,
    wait: Wait = False,
    wait_timeout: WaitTimeout = "15m",
    verify: Annotated[
        list[str] | None, typer.Option("--verify", metavar="URL", help="Prove it at the edge; waits, too.")
    ] = None,
    preload: Annotated[bool, typer.Option("--preload", help="Warm again what was purged; waits, too.")] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Put it into the queue of this host; cdn queue run sends it.")
    ] = False,
    within: Annotated[
        str | None, typer.Option("--within", metavar="DURATION", help="How soon --queue wants it sent.")
    ] = None,
    distribution: Annotated[
        list[str] | None, typer.Option("--distribution", metavar="ID", help="ID or alias; repeatable.")
    ] = None,
    dry_run: DryRun = False,
    max_affected: MaxAffected = None,
) -> InvalidationReport:
    """Have the edge forget paths, wildcards and tags.

    Paths are encoded as CloudFront asks, and nothing is purged that was not asked for, unless --strategy cheapest may.
    What is over the service's limits goes out in rounds. Failures are retried under one reference: nothing is paid
    twice.
    """
    seconds = parse_duration(wait_timeout, where="--wait-timeout")
    soon = _within(within, queue, waits=wait or preload or bool(verify))
    engine = engine_of(run, distribution)
    if not (paths or file or tag or from_git is not None or from_manifest is not None):
        raise UsageError("there is no path to invalidate", hint="give a path such as '/img/*', or --tag TAG")
    asked = asked_for(paths or [], file or [], git=from_git, manifests=from_manifest, maps=map, index=index)
    _warn_of_maps(run, from_git, map)
    engine.plan_invalidation(asked, tags=tag or [])
    targets = await engine.distribution_ids(distribution or [])
    is_wanted = inventory is not None or only_cached or preload or strategy is StrategyName.cheapest
    known = await inventory_of(run, inventory) if is_wanted else None
    how = await _choosing(engine, targets, strategy, known, only_cached, max_cost, max_collateral)
    chosen = engine.choose_invalidation(asked, tags=tag or [], choosing=how, distributions=len(targets))
    free_left = None
    if chosen.items.all and (dry_run or run.terminal.can_ask):
        free_left = await engine.free_items_left()
    _tell(run, chosen)
    if chosen.items.all and not dry_run:
        confirm(run, _plan(engine, chosen, targets, free_left), max_affected=max_affected)
    if queue and chosen.items.all and not dry_run:
        return await engine.queue_invalidation(chosen, targets, within_seconds=soon, free_left=free_left)
    with watched(run) as tell:
        report = await engine.send_invalidation(
            chosen,
            targets,
            wait=wait,
            wait_timeout_seconds=seconds,
            verify=verify or [],
            preload=preload,
            dry_run=dry_run,
            free_left=free_left,
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
    with watched(run) as tell:
        return await engine.invalidation_status(
            invalidation_id, wait=wait, wait_timeout_seconds=seconds, distribution=distribution, tell=tell
        )


async def _choosing(
    engine: CloudFrontOptimizer,
    targets: tuple[str, ...],
    strategy: StrategyName,
    known: Inventory | None,
    only_cached: bool,
    max_cost: float | None,
    max_collateral: str | None,
) -> Choosing:
    """How items are chosen; whether distributions learn tags is asked only where there are some to send."""
    is_tagged = known is not None and bool(known.tags) and strategy is StrategyName.cheapest
    return engine.choosing(
        strategy=strategy.value,
        inventory=known if known is None or len(known) else None,
        only_cached=only_cached,
        max_cost=max_cost,
        max_collateral=None if known is None else weight_of(max_collateral, known),
        takes_tags=is_tagged and await engine.learns_tags(targets),
    )


def _warn_of_maps(run: Run, commits: str | None, maps: list[str] | None) -> None:
    """Doubt a --map whose folder has no file in either commit."""
    if commits is None or not maps:
        return
    from perfctl.cdn.planning.changes import Mapped, empty_folders

    for folder in empty_folders(commits, [Mapped.of(text) for text in maps]):
        run.warn(f"no file under {folder} in either commit of {commits}: is --map right?")


def _tell(run: Run, chosen: Chosen) -> None:
    """What was left out, and what would be cheaper."""
    if chosen.skipped:
        run.terminal.say(f"left out, for no viewer fetched them: {format_count(chosen.skipped)} paths")
    if chosen.hint:
        run.terminal.say(f"cheaper: {chosen.hint}")


def _plan(engine: CloudFrontOptimizer, chosen: Chosen, targets: tuple[str, ...], free_left: int | None) -> Plan:
    """What `confirm` shows: where, how many, at which price, what else it purges, for how long."""
    items = chosen.items
    count = len(items.all) * len(targets)
    cost = count * engine.config.invalidation_price_usd
    number = len(items.wildcards) * len(targets)
    told = [f"{number} wildcard{'s' if number > 1 else ''}"] if number else []
    told.append(f"${cost:.3f} beyond the free {_free(engine, free_left)}")
    if chosen.objects is not None:
        told.append(f"{format_count(chosen.objects)} known objects, {chosen.collateral_ratio or 0:.2%} not asked for")
    told.append(f"{items.rounds} round{'s' if items.rounds > 1 else ''}, about {_seconds(items.rounds)}")
    return Plan(
        action=f"invalidate at {', '.join(targets)}",
        count=count,
        noun=f"{'item' if count == 1 else 'items'} ({', '.join(told)})",
        samples=items.all[:5],
    )


def _free(engine: CloudFrontOptimizer, free_left: int | None) -> str:
    free = engine.config.free_invalidations
    return f"{free} a month" if free_left is None else f"{free} a month, of which {free_left} are left"


def _seconds(rounds: int) -> str:
    from perfctl.cdn.invalidating.report import BATCH_SECONDS

    return format_duration_ms(rounds * BATCH_SECONDS * 1000)


def _within(text: str | None, queue: bool, *, waits: bool) -> float | None:
    """How soon; UsageError where a flag does not go with --queue, or not without it."""
    if queue and waits:
        raise UsageError(
            "--queue returns before anything is sent",
            hint="leave --wait, --verify and --preload out; cdn queue drain waits",
        )
    if text is None:
        return None
    if not queue:
        raise UsageError("--within goes with --queue", hint="add --queue", where="--within")
    return parse_duration(text, where="--within")


def _judge(run: Run, report: InvalidationReport) -> None:
    """Say what is left to do; exit 6 where something was not sent, 1 where the edge still serves the old."""
    if not report.items:
        run.terminal.say("nothing to invalidate: nothing was named, or nothing that changed lies below --map")
    if running := [one for one in report.invalidations if one.status == "InProgress"]:
        line = f"perfctl cdn status {running[0].invalidation_id} --wait --distribution {running[0].distribution_id}"
        run.terminal.say(f"when it is done: {in_context(run, line)}")
    for one in report.invalidations:
        if one.error:
            run.warn(f"{one.distribution_id}: {one.items} items were not sent: {one.error}")
            run.exit(6)
    if report.preloaded is not None and report.preloaded.failed:
        run.warn(f"{report.preloaded.failed} of {report.preloaded.requested} requests did not warm")
        run.exit(6)
    for proof in report.verified:
        if not proof.is_fresh:
            run.warn(f"{proof.url}: not proved fresh, the edge answers {proof.after}")
            run.exit(1)
