"""The convex front of items against collateral: what a different price of a miss would choose (exact, by halving the
front between two plans at the price at which both cost the same)."""

from __future__ import annotations

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
