"""The least-cost plan of an invalidation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ItemKind = Literal["exact", "wildcard", "tag"]


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """A wildcard or a tag of a plan, and what it purges."""

    item: str
    kind: ItemKind
    changed: int
    """How many of the changed paths it covers."""
    objects: int
    """How many URLs of the inventory it purges."""
    collateral_weight: float
    """The weight of those among them that did not change."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One plan of the Pareto front: no other has both fewer items and less collateral."""

    items: int
    wildcards: int
    tags: int
    item_cost_usd: float
    collateral_weight: float
    collateral_ratio: float
    """Of the inventory's whole weight."""
    miss_price_usd: float
    """The price of a miss from which on this plan is the cheapest."""
    cost_usd: float
    """At the prices of the plan that was asked for."""
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class LeastCost:
    """The cheapest items that cover every changed path."""

    items: tuple[str, ...]
    """As they would be sent: wildcards, exact paths, tags; each kind in order."""
    cost_usd: float
    """Item price x items + miss price x weight of what is purged without having changed; no free items."""
    collateral_weight: float
    collateral_ratio: float
    """Of the inventory's whole weight; 0 where nothing is known."""
    exact: int
    wildcards: int
    tags: int
    changed: int
    """Changed paths, each counted once."""
    objects: int
    """URLs of the inventory that are purged."""
    known: int
    """URLs of the inventory."""
    item_price_usd: float
    miss_price_usd: float
    max_wildcards: int
    per_path_cost_usd: float
    """What every changed path as an item of its own costs."""
    everything_cost_usd: float
    """What the one item `/*` costs."""
    details: tuple[PlannedItem, ...] = ()
    """Of wildcards and tags; an exact path purges itself alone."""
    front: tuple[Choice, ...] = ()
    """By falling collateral."""
    changed_known: int = 0
    """How many of the changed paths the inventory knows."""
    inventory: str | None = None
    """Where the inventory was read: a file, logs; None where there is none, or it was made in memory."""
