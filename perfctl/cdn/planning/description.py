"""A solution as people and scripts read it: its items, what each purges, what the alternatives would cost."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from perfctl.cdn.model.planning import LeastCost, PlannedItem
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
) -> LeastCost:
    """The plan with everything that is told about it."""
    details = tuple(_details(solution, wanted, inventory, tagging))
    total = inventory.sums[-1]
    changed = _weight(wanted.free, inventory)
    return LeastCost(
        items=tuple(detail.item for detail in details),
        cost_usd=prices.cost(solution.items, solution.collateral, inventory.parts),
        collateral_weight=solution.collateral / inventory.parts,
        collateral_ratio=solution.collateral / total if total else 0.0,
        exact=len(solution.exact),
        wildcards=len(solution.wildcards),
        tags=len(solution.tags),
        changed=wanted.changed,
        objects=_objects(solution, inventory, tagging),
        known=len(inventory),
        item_price_usd=prices.item_usd,
        miss_price_usd=prices.miss_usd,
        max_wildcards=max_wildcards,
        per_path_cost_usd=prices.cost(wanted.changed, 0, 1),
        everything_cost_usd=prices.cost(min(1, wanted.changed), total - changed, inventory.parts),
        details=details,
    )


def _details(solution: Solution, wanted: Wanted, inventory: Inventory, tagging: Tagging) -> Iterator[PlannedItem]:
    free = sorted(wanted.free)
    texts = [demand.text for demand in wanted.demands]
    for prefix in solution.wildcards:
        first, last = inventory.under(prefix)
        spared = _weight(free[bisect_left(free, prefix) : bisect_left(free, next_text(prefix))], inventory)
        collateral = (inventory.whole(first, last) - spared) / inventory.parts
        covered = bisect_left(texts, next_text(prefix)) - bisect_left(texts, prefix)
        yield PlannedItem(f"{prefix}*", "wildcard", covered, last - first, collateral)
    for path in solution.exact:
        yield PlannedItem(path, "exact", 1, 0 if inventory.place(path) is None else 1, 0.0)
    for tag in solution.tags:
        keys = tagging.carried[tag]
        covered = sum(1 for key in set(keys) if key in tagging.changed)
        yield PlannedItem(f"#{tag}", "tag", covered, len(set(keys)), tagging.collateral((tag,)) / inventory.parts)


def _objects(solution: Solution, inventory: Inventory, tagging: Tagging) -> int:
    """How many known URLs are purged, each counted once."""
    purged = sum(last - first for first, last in map(inventory.under, solution.wildcards))
    single = {*solution.exact, *tagging.purged(solution.tags)}
    apart = (path for path in single if not (solution.wildcards and path.startswith(solution.wildcards)))
    return purged + sum(1 for path in apart if inventory.place(path) is not None)


def _weight(keys: list[str] | tuple[str, ...], inventory: Inventory) -> int:
    places = (inventory.place(key) for key in keys)
    return sum(inventory.whole(place, place + 1) for place in places if place is not None)
