"""`perfctl cdn plan`: the cheapest invalidation of what changed, without a distribution."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cdn.model.planning import LeastCost
from perfctl.cli.cdn import group
from perfctl.cli.cdn_known import InventoryFile, MaxCollateral, MaxCost, inventory_of, source_of, weight_of
from perfctl.cli.intake import taken
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.units import format_counted

if TYPE_CHECKING:
    from perfctl.cdn.paths import Asked
    from perfctl.cdn.planning import Inventory, Prices

MOST_PATHS_BYTES = 64 * 1024 * 1024
"""More paths than an account may invalidate at a time."""
FRONT_ROWS = 9
_FEW = 2
"""An inventory with fewer URLs than so many a changed path is likely not the whole."""

ItemPrice = Annotated[
    float | None,
    typer.Option("--item-price", metavar="USD", help="What an item costs; else cdn.invalidation_price_usd."),
]
MissPrice = Annotated[
    float | None, typer.Option("--miss-price", metavar="USD", help="What one more miss costs; else cdn.miss_price_usd.")
]
Wildcards = Annotated[int | None, typer.Option("--wildcards", metavar="N", min=0, help="The most wildcards.")]


@group.command("plan", example="perfctl cdn plan -f changed.txt --inventory urls.jsonl")
async def plan(
    run: Run,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH...", help="Paths that changed; - reads stdin.")
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option("-f", "--file", metavar="FILE", help="Paths of a file, one a line; - is stdin.")
    ] = None,
    inventory: InventoryFile = None,
    item_price: ItemPrice = None,
    miss_price: MissPrice = None,
    wildcards: Wildcards = None,
    max_cost: MaxCost = None,
    max_collateral: MaxCollateral = None,
) -> LeastCost:
    """Find the cheapest exact paths, wildcards and tags that cover what changed. Nothing is sent.

    It minimises item price x items + miss price x weight of what is purged without having changed, exactly, with at
    most N wildcards. Paths are literal: a * in one is a *. The table shows what another price of a miss would choose.
    """
    from perfctl.cdn.planning import plan_least_cost

    changed = changed_of(paths or [], file or [])
    known = await inventory_of(run, inventory)
    found = plan_least_cost(
        changed,
        known,
        prices=prices_of(run, item_price, miss_price),
        max_wildcards=wildcards_of(run, wildcards, known),
        max_cost=max_cost,
        max_collateral=weight_of(max_collateral, known),
        front=FRONT_ROWS,
    )
    if doubt := doubt_of(found):
        run.warn(doubt)
    return replace(found, inventory=source_of(run, inventory))


def doubt_of(found: LeastCost) -> str | None:
    """Why a plan that purges everything may cost more than it says: its inventory knows too little."""
    is_small = found.known < _FEW * found.changed or found.changed_known < found.changed
    if "/*" not in found.items or not is_small:
        return None
    return (
        f"/* purges everything, and the inventory knows {format_counted(found.known, 'URL')} ({found.changed_known} of"
        f" {format_counted(found.changed, 'changed path')}): it may not know all that is purged;"
        " give a whole one with --inventory, or --wildcards 0"
    )


def changed_of(paths: list[str], files: list[str]) -> list[Asked]:
    """Every path with the place where it was written; stdin is read at most once, for `-`."""
    from perfctl.cdn.paths import Asked, parse_keys

    if not (paths or files):
        raise UsageError("there is no path to plan for", hint="give the paths that changed, or -f FILE")
    asked = [Asked(path) for path in paths if path != "-"]
    sources = ([] if "-" not in paths else ["-"]) + files
    for source in dict.fromkeys(sources):
        data = taken(source, at_most=MOST_PATHS_BYTES, wanted="name a file of paths, one a line", where="--file")
        text = data.decode("utf-8", "surrogateescape")
        asked += parse_keys(text, source="stdin" if source == "-" else source)
    return asked


def prices_of(run: Run, item_price: float | None, miss_price: float | None) -> Prices:
    """The prices on the line, else those of the configuration."""
    from perfctl.cdn.planning import Prices

    return Prices(
        run.settings.cdn.invalidation_price_usd if item_price is None else item_price,
        run.settings.cdn.miss_price_usd if miss_price is None else miss_price,
    )


def wildcards_of(run: Run, wildcards: int | None, known: Inventory) -> int:
    """How many there may be: without an inventory none, unless the line says so, for what they purge is unknown."""
    if wildcards is not None:
        return wildcards
    if not len(known):
        run.warn("no inventory: what a wildcard would purge is unknown, so there is none; give --inventory FILE")
        return 0
    return run.settings.cdn.max_wildcards
