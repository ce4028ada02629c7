"""What a list of invalidations comes to: months, folders, what was repeated (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perfctl.cdn.model.invalidations import Invalidation
from perfctl.cdn.model.spending import CostLeader, MonthSpent, RepeatedItem

_LEADERS = 10
TAGS = "tags"


@dataclass(frozen=True, slots=True)
class Prices:
    """What an item costs, beyond how many a month."""

    item_usd: float
    free_items: int


def months_of(rows: Iterable[Invalidation], prices: Prices) -> tuple[MonthSpent, ...]:
    """Each month's items and bill, the newest first. The free items are each month's anew."""
    used: Counter[str] = Counter()
    for row in rows:
        used[(row.created_at or "")[:7]] += row.items or 0
    return tuple(
        MonthSpent(
            month=month,
            items=items,
            free_left=max(0, prices.free_items - items),
            cost_usd=round(max(0, items - prices.free_items) * prices.item_usd, 6),
        )
        for month, items in sorted(used.items(), reverse=True)
    )


def leaders_of(rows: Sequence[Invalidation], prices: Prices) -> tuple[CostLeader, ...]:
    """The folders that the most items were spent on; tags are counted together."""
    spent = Counter((row.distribution_id, _folder(item)) for row in rows for item in row.paths)
    total = sum(spent.values())
    return tuple(
        CostLeader(distribution, folder, items, round(items / total, 4), round(items * prices.item_usd, 6))
        for (distribution, folder), items in spent.most_common(_LEADERS)
    )


def repeated_of(rows: Sequence[Invalidation], prices: Prices) -> tuple[RepeatedItem, ...]:
    """The items that were paid for most often, and more than once."""
    times = Counter((row.distribution_id, item) for row in rows for item in row.paths)
    return tuple(
        RepeatedItem(distribution, item, number, round(number * prices.item_usd, 6))
        for (distribution, item), number in times.most_common(_LEADERS)
        if number > 1
    )


def _folder(item: str) -> str:
    """`/img/` of what lies in it, at whatever depth; `/` of what lies in none."""
    if item.startswith("#"):
        return TAGS
    second = item.find("/", 1)
    return item[: second + 1] if second > 0 else "/"
