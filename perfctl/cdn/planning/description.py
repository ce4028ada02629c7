"""A solution as people and scripts read it: its items, what each purges, what the alternatives would cost."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from perfctl.cdn.model.planning import Choice, LeastCost, PlannedItem
from perfctl.cdn.planning.demands import Wanted
from perfctl.cdn.planning.inventory import Inventory, next_text
from perfctl.cdn.planning.prices import Prices
from perfctl.cdn.planning.solver import Solution
from perfctl.cdn.planning.tagging import Tagging


def described(
    solution: Solution,
    wanted: Wanted,
    inventory: Inventory,
    prices: Prices,
    tagging: Tagging,
    max_wildcards: int,
    front: tuple[Choice, ...],
) -> LeastCost:
    """The plan with everything that is told about it."""
    details = (*_wildcards(solution, wanted, inventory), *_tags(solution, inventory, tagging))
    wildcards, tags = details[: len(solution.wildcards)], details[len(solution.wildcards) :]
    total = inventory.sums[-1]
    return LeastCost(
        items=(*(one.item for one in wildcards), *solution.exact, *(one.item for one in tags)),
        cost_usd=prices.cost(solution.items, solution.collateral, inventory.parts),
        collateral_weight=solution.collateral / inventory.parts,
        collateral_ratio=solution.collateral / total if total else 0.0,
        exact=len(solution.exact),
        wildcards=len(solution.wildcards),
        tags=len(solution.tags),
        changed=wanted.changed,
        objects=_objects(solution, wanted, inventory, tagging),
        known=len(inventory),
        item_price_usd=prices.item_usd,
        miss_price_usd=prices.miss_usd,
        max_wildcards=max_wildcards,
        per_path_cost_usd=prices.cost(wanted.changed, 0, 1),
        everything_cost_usd=prices.cost(min(1, wanted.changed), total - wanted.free.sums[-1], inventory.parts),
        details=details,
        front=front,
        changed_known=_changed_known(wanted, inventory),
    )


def _wildcards(solution: Solution, wanted: Wanted, inventory: Inventory) -> Iterator[PlannedItem]:
    texts = [demand.text for demand in wanted.demands]
    for prefix in solution.wildcards:
        first, last = inventory.under(prefix)
        covered = bisect_left(texts, next_text(prefix)) - bisect_left(texts, prefix)
        collateral = (inventory.whole(first, last) - wanted.free.under(prefix)) / inventory.parts
        yield PlannedItem(f"{prefix}*", "wildcard", covered, last - first, collateral)


def _tags(solution: Solution, inventory: Inventory, tagging: Tagging) -> Iterator[PlannedItem]:
    for tag in solution.tags:
        keys = set(tagging.carried[tag])
        covered = len(keys & tagging.changed)
        yield PlannedItem(f"#{tag}", "tag", covered, len(keys), tagging.collateral((tag,)) / inventory.parts)


def _changed_known(wanted: Wanted, inventory: Inventory) -> int:
    places = zip(wanted.free.keys, wanted.free.places, strict=True)
    return sum(inventory.keys[place : place + 1] == [key] for key, place in places)


def _objects(solution: Solution, wanted: Wanted, inventory: Inventory, tagging: Tagging) -> int:
    """How many known URLs are purged, each counted once."""
    under = sum(last - first for first, last in map(inventory.under, solution.wildcards))
    tagged = {key for key in tagging.purged(solution.tags) if inventory.place(key) is not None}
    exact = set(solution.exact) - tagged
    places = zip(wanted.free.keys, wanted.free.places, strict=True)
    known = sum(1 for key, place in places if key in exact and inventory.keys[place : place + 1] == [key])
    return under + known + sum(1 for key in tagged if not key.startswith(solution.wildcards or ("\0",)))
