"""The cheapest items that cover what changed: exact paths, at most so many wildcards, and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from perfctl.cdn.model.planning import LeastCost
from perfctl.cdn.paths import MOST_WILDCARDS, Asked, encode_key
from perfctl.cdn.planning.demands import Wanted, uncovered_text, wanted_of
from perfctl.cdn.planning.description import described
from perfctl.cdn.planning.front import constrained, front_of
from perfctl.cdn.planning.inventory import Inventory
from perfctl.cdn.planning.prices import Prices
from perfctl.cdn.planning.solver import Solver, UncoverableError
from perfctl.cdn.planning.tagging import Tagging
from perfctl.errors import RefusedError, UsageError


def plan_least_cost(
    changed: Iterable[Asked | str],
    inventory: Inventory,
    *,
    prices: Prices,
    max_wildcards: int = MOST_WILDCARDS,
    tags: Mapping[str, Sequence[str]] | None = None,
    wildcards: Iterable[Asked | str] = (),
    max_collateral: float | None = None,
    max_cost: float | None = None,
    front: int = 0,
) -> LeastCost:
    """The items with the least item price x items + miss price x weight of what is purged without having changed.

    `changed` are literal keys: a `*` in one is a `*`, and only a wildcard that ends in front of it covers it.
    `wildcards` are those that were asked for: what lies under them has changed. `tags` names the keys that carry each
    tag (None: the inventory's own; empty: none is sent). `max_collateral` is a weight: the plan is then the cheapest
    on the convex front of items against collateral that purges no more. `front` is how many plans of that front to
    tell. RefusedError where the collateral or `max_cost` (dollars) cannot be kept, UsageError for what nothing covers.
    """
    known = inventory.as_sent()
    wanted = wanted_of(changed, wildcards, known)
    carried = _carried(tags, known)
    tagging = Tagging(carried, frozenset(wanted.free.keys), known)
    budget = max(max_wildcards, len(wanted.asked))
    solver = Solver(wanted.demands, known, wanted.free, max_wildcards=budget, tagging=tagging)
    try:
        solution = solver.solve(*prices.whole(known.parts)[:2])
    except UncoverableError:
        raise _uncoverable(wanted, max_wildcards) from None
    if max_collateral is not None:
        solution = constrained(solver, solution, prices, known, max_collateral)
    choices = front_of(solver, solution, prices, known, front) if front and wanted.demands else ()
    plan = described(solution, wanted, known, prices, tagging, max_wildcards, choices)
    if max_cost is not None and not plan.cost_usd <= max_cost:
        raise _too_dear(plan, max_cost)
    return plan


def _carried(tags: Mapping[str, Sequence[str]] | None, known: Inventory) -> Mapping[str, Sequence[str]]:
    if tags is None:
        return known.tags
    return {tag: [encode_key(key) for key in keys] for tag, keys in tags.items()}


def _uncoverable(wanted: Wanted, max_wildcards: int) -> UsageError:
    text = uncovered_text(wanted)
    return UsageError(
        f"{text!r}: only a wildcard covers it, for a * in an item is a wildcard's; there may be {max_wildcards}",
        hint="allow more with --wildcards",
    )


def _too_dear(plan: LeastCost, max_cost: float) -> RefusedError:
    return RefusedError(
        f"the cheapest plan costs ${plan.cost_usd:.6g}, over the limit of ${max_cost:.6g}: "
        f"{len(plan.items)} items, collateral {plan.collateral_weight:.6g}",
        hint=f"raise --max-cost to {plan.cost_usd:.6g}, or invalidate less",
    )
