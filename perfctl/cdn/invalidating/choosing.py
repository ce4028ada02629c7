"""Which items an invalidation sends: those that were asked for and no more, or the cheapest that cover them (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from perfctl.cdn.model.planning import LeastCost
from perfctl.cdn.paths import MOST_WILDCARDS, Asked, Items, encode_path, encode_tag, encoded_each, is_wildcard, plan
from perfctl.cdn.planning.inventory import Inventory
from perfctl.cdn.planning.least_cost import plan_least_cost
from perfctl.cdn.planning.prices import Prices
from perfctl.errors import RefusedError, UsageError
from perfctl.units import format_counted

Strategy = Literal["exact", "cheapest"]

MOST_WARMED = 10_000
"""URLs of wildcards that are warmed again, the heaviest first."""


@dataclass(frozen=True, slots=True)
class Choosing:
    """How to choose."""

    strategy: Strategy = "exact"
    inventory: Inventory | None = None
    prices: Prices = field(default_factory=Prices)
    max_wildcards: int = MOST_WILDCARDS
    max_cost: float | None = None
    """In dollars, over all distributions; free items count like any other."""
    max_collateral: float | None = None
    """A weight; what was not asked for is never purged by `exact`."""
    only_cached: bool = False
    """Leave out what no line of the inventory names: no viewer fetched it, so no edge holds it."""
    takes_tags: bool = True
    """Whether the inventory's tags may be sent."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What will be sent, and what is known about it."""

    items: Items
    strategy: Strategy = "exact"
    objects: int | None = None
    """Known URLs that are purged; None without an inventory."""
    collateral_weight: float | None = None
    """Of what is purged without having been asked for; None without an inventory."""
    collateral_ratio: float | None = None
    skipped: int = 0
    """Paths that were left out since no viewer fetched them."""
    hint: str | None = None
    """A cheaper plan, and the flag that takes it."""
    warms: tuple[str, ...] = ()
    """The URLs that are purged by name, or are known to lie under a wildcard or a tag."""


def choose(paths: Iterable[Asked | str], tags: Iterable[str], how: Choosing, *, distributions: int = 1) -> Chosen:
    """The items for so many distributions. UsageError names what cannot be sent, RefusedError what costs too much."""
    asked = [path if isinstance(path, Asked) else Asked(path) for path in paths]
    named = list(tags)
    kept = _fetched(asked, how)
    exact = plan(kept, named)
    known = how.inventory
    least = _least(kept, how) if known is not None and kept else None
    if how.strategy == "cheapest" and known is None:
        raise UsageError("--strategy cheapest needs to know the URLs that there are", hint="give --inventory FILE")
    chosen = _exact(exact, kept, how, least)
    if how.strategy == "cheapest" and least is not None:
        chosen = _cheapest(exact, least, how)
    _check_cost(chosen, how, least, distributions)
    return replace(chosen, skipped=len(asked) - len(kept), warms=_warms(chosen.items, known))


def _fetched(asked: Sequence[Asked], how: Choosing) -> list[Asked]:
    """With `only_cached` those that the inventory names, or names something under."""
    if not how.only_cached:
        return list(asked)
    if how.inventory is None:
        raise UsageError("--only-cached needs to know what viewers fetched", hint="give --inventory FILE, of logs")
    known = how.inventory.as_sent()
    encoded = zip(asked, encoded_each(asked, encode_path), strict=True)
    return [one for one, path in encoded if _is_known(path, known)]


def _is_known(path: str, known: Inventory) -> bool:
    """Whether viewers fetched it, or what it is a variant of: an inventory of logs knows no query strings."""
    stem, question_mark, _ = path.partition("?")
    if question_mark and known.place(stem) is not None:
        return True
    if not is_wildcard(path):
        return known.place(path) is not None
    first, last = known.under(path[:-1])
    return first < last


def _least(asked: Sequence[Asked], how: Choosing) -> LeastCost:
    """The cheapest cover, where what is under the wildcards that were asked for counts as changed."""
    encoded = encoded_each(asked, encode_path)
    is_constrained = how.strategy == "cheapest"
    return plan_least_cost(
        [path for path in encoded if not is_wildcard(path)],
        how.inventory or Inventory(),
        prices=how.prices,
        max_wildcards=how.max_wildcards,
        wildcards=[path for path in encoded if is_wildcard(path)],
        tags=None if how.takes_tags else {},
        max_collateral=how.max_collateral if is_constrained else None,
    )


def _exact(items: Items, asked: Sequence[Asked], how: Choosing, least: LeastCost | None) -> Chosen:
    if how.inventory is None:
        return Chosen(items)
    known = how.inventory.as_sent()
    under = sum(last - first for first, last in (known.under(item[:-1]) for item in items.wildcards))
    objects = under + sum(1 for path in items.exact if known.place(path) is not None)
    objects += len({key for tag in items.tags for key in known.tags.get(tag[1:], ())})
    return Chosen(items, "exact", objects, 0.0, 0.0, hint=_hint(items, how, least))


def _cheapest(exact: Items, least: LeastCost, how: Choosing) -> Chosen:
    wildcards = least.items[: least.wildcards]
    paths = least.items[least.wildcards : least.wildcards + least.exact]
    tags = dict.fromkeys((*exact.tags, *(encode_tag(tag) for tag in least.items[least.wildcards + least.exact :])))
    items = Items(paths, wildcards, tuple(tags), exact.dropped)
    return Chosen(items, "cheapest", least.objects, least.collateral_weight, least.collateral_ratio)


def _hint(items: Items, how: Choosing, least: LeastCost | None) -> str | None:
    """What the cheapest plan would save, where it saves anything."""
    cost = how.prices.cost(len(items.exact) + len(items.wildcards), 0, 1)
    if least is None or least.cost_usd >= cost:
        return None
    sent = format_counted(len(least.items), "item")
    besides = f"{least.collateral_ratio:.2%} of the weight besides"
    return f"{sent} for ${least.cost_usd:.3f} instead of ${cost:.3f}, which purge {besides}: --strategy cheapest"


def _check_cost(chosen: Chosen, how: Choosing, least: LeastCost | None, distributions: int) -> None:
    if how.max_cost is None:
        return
    cost = how.prices.cost(len(chosen.items.all) * distributions, 0, 1)
    if cost <= how.max_cost:
        return
    cheaper = chosen.hint or f"raise --max-cost to {cost:.6g}, or invalidate less"
    raise RefusedError(
        f"{len(chosen.items.all) * distributions} items cost ${cost:.6g}, over --max-cost {how.max_cost:.6g}",
        hint=cheaper,
    )


def _warms(items: Items, inventory: Inventory | None) -> tuple[str, ...]:
    known = (inventory or Inventory()).as_sent()
    weights: dict[str, float] = {}
    for item in items.wildcards:
        for place in range(*known.under(item[:-1])):
            weights[known.keys[place]] = known.weight(place, place + 1)
    tagged = (key for tag in items.tags for key in known.tags.get(tag[1:], ()))
    heaviest = sorted(weights, key=lambda key: -weights[key])[:MOST_WARMED]
    return tuple(dict.fromkeys((*items.exact, *tagged, *heaviest)))
