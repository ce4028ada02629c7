"""The convex front of items against collateral: what a different price of a miss would choose (exact, by halving the
front between two plans at the price at which both cost the same)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from perfctl.cdn.model.planning import Choice
from perfctl.cdn.planning.inventory import Inventory
from perfctl.cdn.planning.prices import Prices
from perfctl.cdn.planning.solver import Solution, Solver
from perfctl.errors import RefusedError


def constrained(
    solver: Solver, cheapest: Solution, prices: Prices, inventory: Inventory, max_collateral: float
) -> Solution:
    """The cheapest plan of the front that purges no more than a weight. RefusedError where none does."""

    most = max_collateral * inventory.parts
    if cheapest.collateral <= most:
        return cheapest
    wide, narrow = cheapest, least_collateral(solver)
    if narrow.collateral > most:
        raise _too_wide(narrow, inventory, max_collateral)
    while True:
        between = _between(solver, wide, narrow)
        if between is None:
            return narrow
        wide, narrow = (wide, between) if between.collateral <= most else (between, narrow)


def least_collateral(solver: Solver) -> Solution:
    """The plan that purges least besides, and has the fewest items of those."""
    return solver.solve(1, len(solver.demands) + 1)


def _between(solver: Solver, wide: Solution, narrow: Solution) -> Solution | None:
    """A plan that is cheaper than both where both cost the same; None where there is none."""
    item, miss = wide.collateral - narrow.collateral, narrow.items - wide.items
    if item <= 0 or miss <= 0:
        return None
    found = solver.solve(item, miss)
    return found if found.rank(item, miss)[0] < wide.rank(item, miss)[0] else None


def _too_wide(narrow: Solution, inventory: Inventory, max_collateral: float) -> RefusedError:
    least = narrow.collateral / inventory.parts
    return RefusedError(
        f"no plan purges at most {max_collateral:.6g} of what did not change: the least is {least:.6g}",
        hint=f"raise --max-collateral to {least:.6g}",
    )


def front_of(
    solver: Solver, chosen: Solution, prices: Prices, inventory: Inventory, at_most: int
) -> tuple[Choice, ...]:
    """At most so many plans of the front, the widest first: the two ends, the chosen one, and between them those that
    differ most in cost."""
    found = _ends(solver, chosen)
    closed: set[tuple[Solution, Solution]] = set()
    while len(found) < at_most:
        open_pairs = [pair for pair in pairwise(found) if pair not in closed]
        if not open_pairs:
            break
        pair = max(open_pairs, key=_gap)
        between = _between(solver, *pair)
        if between is None:
            closed.add(pair)
        else:
            found.insert(found.index(pair[1]), between)
    return tuple(_choices(found, chosen, prices, inventory))


def _ends(solver: Solver, chosen: Solution) -> list[Solution]:
    """The plan with the fewest items, the chosen one, the one with the least collateral; by falling collateral."""
    fewest = solver.solve(1, 0)
    plans: list[Solution] = []
    for plan in sorted((fewest, chosen, least_collateral(solver)), key=lambda one: (-one.collateral, one.items)):
        if not plans or (plan.collateral < plans[-1].collateral and plan.items > plans[-1].items):
            plans.append(plan)
        elif plan is chosen:
            plans[-1] = chosen
    return plans


def _gap(pair: tuple[Solution, Solution]) -> int:
    wide, narrow = pair
    return (wide.collateral - narrow.collateral) * (narrow.items - wide.items)


def _choices(plans: Sequence[Solution], chosen: Solution, prices: Prices, inventory: Inventory) -> Iterator[Choice]:
    total = inventory.sums[-1]
    for wider, plan in zip((None, *plans), plans, strict=False):
        yield Choice(
            items=plan.items,
            wildcards=len(plan.wildcards),
            tags=len(plan.tags),
            item_cost_usd=prices.cost(plan.items, 0, 1),
            collateral_weight=plan.collateral / inventory.parts,
            collateral_ratio=plan.collateral / total if total else 0.0,
            miss_price_usd=_from_price(wider, plan, prices, inventory) if wider else 0.0,
            cost_usd=prices.cost(plan.items, plan.collateral, inventory.parts),
            is_chosen=plan is chosen,
        )


def _from_price(wider: Solution, plan: Solution, prices: Prices, inventory: Inventory) -> float:
    """The price of a miss at which this plan costs as little as the wider one."""
    item, _ = prices.exact
    return float(item * (plan.items - wider.items) * inventory.parts / (wider.collateral - plan.collateral))
