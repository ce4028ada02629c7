"""What is invalidated: items that cost, what is sent again and again, wildcards, a queue that fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Found, Skipped
from perfctl.operations.optimizing.commands import shell
from perfctl.operations.optimizing.model import Evidence, Finding, Gain
from perfctl.units import format_count, format_ratio

if TYPE_CHECKING:
    from perfctl.cdn.model.spending import InvalidationSpending, RepeatedItem
    from perfctl.operations.optimizing.asked import Asked

LEAST_ITEMS = 20
OFTEN = 10
"""So often in a month: a shorter life would do."""
MANY_WILDCARDS = 0.5


async def look(asked: Asked) -> Sequence[Found]:
    """Of this month. `Skipped` without a distribution."""
    config = asked.optimizer.settings.cdn
    if config.distribution_id is None and config.endpoint_url is None:
        raise Skipped("no distribution is configured: set cdn.distribution_id")
    spent = await asked.optimizer.cdn.invalidation_spending(with_items=True)
    found = [_cost(spent), _wildcards(spent), *(_repeated(item, spent) for item in spent.repeated[:3])]
    return [each for each in found if each is not None]


def _cost(spent: InvalidationSpending) -> Found | None:
    """What the month costs beyond the free items."""
    cost = spent.months[0].cost_usd if spent.months else 0.0
    if cost <= 0:
        return None
    month = spent.months[0]
    leader = spent.folders[0] if spent.folders else None
    repeated = sum(item.price_usd * (item.times - 1) / item.times for item in spent.repeated if item.times)
    avoidable = min(repeated, cost)
    gain = (
        Gain(f"{avoidable:.2f} USD a month", "items that were sent more than once, but for the first time", avoidable,
             "USD")
        if avoidable
        else Gain("unknown", "no item was sent twice: what one wildcard or tag would cover, the planner tells")
    )  # fmt: skip
    return Found(
        Finding(
            id=f"invalidations:cost:{month.month}",
            source="invalidations",
            severity="warning",
            title=f"invalidations cost {cost:.2f} USD in {month.month}",
            subject=leader.folder if leader else "the account",
            evidence=(
                Evidence("items", f"{format_count(month.items)} in {month.month}", float(month.items), "count"),
                Evidence("cost", f"{cost:.2f} USD beyond the free ones", cost, "USD"),
                Evidence("most", f"{format_ratio(leader.share)} under {leader.folder}", leader.share, "ratio")
                if leader
                else Evidence("most", "no folder stands out"),
            ),
            gain=gain,
            risk="none",
            risk_why="shows what is paid for; nothing is changed",
            command="perfctl cdn invalidations --cost",
            command_kind="perfctl",
            advice="queue them (perfctl cdn invalidate --queue), use --strategy cheapest, or tags",
            weight=1.0,
        )
    )


def _wildcards(spent: InvalidationSpending) -> Found | None:
    """More wildcards than paths: each empties what nobody changed, too."""
    items, wildcards = spent.items or 0, spent.wildcards or 0
    if items < LEAST_ITEMS or wildcards < MANY_WILDCARDS * items:
        return None
    share = wildcards / items
    return Found(
        Finding(
            id="invalidations:wildcards",
            source="invalidations",
            severity="info",
            title=f"{format_ratio(share)} of the invalidated items are wildcards: they purge what did not change",
            subject="wildcards",
            evidence=(
                Evidence("wildcards", f"{format_count(wildcards)} of {format_count(items)} items", share, "ratio"),
                Evidence("since", spent.since),
            ),
            gain=Gain("unknown", "how much was purged in vain is in the access logs, not in the invalidations"),
            risk="none",
            risk_why="shows what each one held; nothing is changed",
            command="perfctl cdn invalidations --cost",
            command_kind="perfctl",
            advice="send what changed: perfctl cdn invalidate --from-manifest OLD NEW --strategy cheapest, or tags",
            weight=share * 0.5,
        )
    )


def _repeated(item: RepeatedItem, spent: InvalidationSpending) -> Found | None:
    if item.times < OFTEN:
        return None
    times = float(item.times)
    return Found(
        Finding(
            id=f"invalidations:repeated:{item.item}",
            source="invalidations",
            severity="info",
            title=f"{item.item} was invalidated {item.times} times since {spent.since[:10]}",
            subject=item.item,
            evidence=(
                Evidence("times", f"{item.times} times", times, "count"),
                Evidence("price", f"{item.price_usd:.2f} USD where the free items are used up", item.price_usd, "USD"),
            ),
            gain=Gain(
                f"up to {item.price_usd:.2f} USD and {item.times} purges since {spent.since[:10]}",
                "as if its own short life (Cache-Control: s-maxage) had made all of them needless",
                item.price_usd,
                "USD",
            ),
            risk="none",
            risk_why="shows how long the edge may keep it; nothing is changed",
            command=f"perfctl cdn headers {shell(item.item.rstrip('*') or '/')}"
            if item.item.startswith("/")
            else "perfctl cdn invalidations --cost",
            command_kind="perfctl",
            advice="give it a life as short as it is invalidated often; stale-while-revalidate hides the refresh",
        )
    )
