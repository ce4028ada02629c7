"""What invalidations cost: the items of a month, the free ones, who takes the most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from perfctl.cdn.model.invalidations import Invalidation, InvalidationState


@dataclass(frozen=True, slots=True)
class InvalidationPage:
    """Some invalidations of a distribution, the newest first, without their paths."""

    rows: tuple[Invalidation, ...]
    next_marker: str | None = None
    """What to ask for the next page with; None at the end."""


@dataclass(frozen=True, slots=True)
class Billed:
    """One invalidation and what it held."""

    created_at: str | None
    """ISO 8601, UTC."""
    status: InvalidationState
    distribution_id: str
    invalidation_id: str
    items: int | None
    """Paths, wildcards and tags, which cost the same; None where they were not asked for."""
    wildcards: int | None
    first_item: str | None


@dataclass(frozen=True, slots=True)
class MonthSpent:
    """A month of the account's bill, or of the distributions that were looked at."""

    month: str
    """2026-11, UTC."""
    items: int
    free_left: int
    cost_usd: float
    """Beyond the free ones."""


@dataclass(frozen=True, slots=True)
class CostLeader:
    """A folder, or all tags, that items were spent on."""

    distribution_id: str
    folder: str
    items: int
    share: float
    """0..1, of all items."""
    price_usd: float
    """At the price of items that are not free."""


@dataclass(frozen=True, slots=True)
class RepeatedItem:
    """An item that was invalidated again and again."""

    distribution_id: str
    item: str
    times: int
    price_usd: float
    """At the price of items that are not free."""


@dataclass(frozen=True, slots=True)
class InvalidationSpending:
    """The invalidations since a moment, the newest first, and what they cost."""

    listing: ClassVar[str] = "rows"

    since: str
    distributions: tuple[str, ...]
    is_whole_account: bool
    """Whether all distributions were looked at: the free items are the account's."""
    invalidations: int
    items: int | None
    """None where it was not asked what they held."""
    wildcards: int | None
    tags: int | None
    free_items: int
    """Of a month."""
    item_price_usd: float
    months: tuple[MonthSpent, ...]
    """From the month in which `since` lies, each as a whole."""
    folders: tuple[CostLeader, ...]
    repeated: tuple[RepeatedItem, ...]
    rows: tuple[Billed, ...]
