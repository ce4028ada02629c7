"""Drawing the least-cost plan of an invalidation."""

from __future__ import annotations

from perfctl.cdn.model.planning import Choice, LeastCost, PlannedItem
from perfctl.render.view import Cell, Column, Part, Table, Text, Tone, View, view
from perfctl.units import format_count

_MOST_PATHS = 10
_MOST_ROWS = 20


def plan_view(plan: LeastCost) -> View:
    """What it sends and costs, what else that purges, and what another price of a miss would choose."""
    return view(Text(_summary(plan)), details_table(plan.details), paths_text(plan), _front(plan.front))


def details_table(details: tuple[PlannedItem, ...]) -> Part | None:
    """The wildcards and tags with what each purges."""
    if not details:
        return None
    columns = (
        Column("item", wraps=True),
        Column("changed", "right"),
        Column("objects", "right"),
        Column("collateral", "right"),
    )
    rows = tuple(
        (one.item, format_count(one.changed), format_count(one.objects), _weight(one.collateral_weight))
        for one in details[:_MOST_ROWS]
    )
    more = len(details) - _MOST_ROWS
    return Table(columns, rows, title="wildcards and tags", caption=f"... and {more} more" if more > 0 else None)


def paths_text(plan: LeastCost) -> Part | None:
    """The first of the exact paths."""
    exact = plan.items[plan.wildcards : plan.wildcards + plan.exact]
    shown = [f"  {path}" for path in exact[:_MOST_PATHS]]
    if len(exact) > _MOST_PATHS:
        shown.append(f"  ... and {format_count(len(exact) - _MOST_PATHS)} more")
    return Text("\n".join(shown), "dim") if shown else None


def usd(amount: float) -> str:
    """Dollars with the digits that matter: `$0.005`, `$124.92`, `$0.0000061`.

    >>> usd(0.005), usd(124.9166), usd(0.0), usd(6.12e-06)
    ('$0.005', '$124.92', '$0', '$0.0000061')
    """
    if amount >= 10:
        return f"${amount:.2f}"
    if amount >= 0.001:
        return f"${amount:.3f}"
    return f"${amount:.7f}".rstrip("0").rstrip(".")


def _summary(plan: LeastCost) -> str:
    kinds = [_counted(plan.exact, "exact path"), _counted(plan.wildcards, "wildcard"), _counted(plan.tags, "tag")]
    sent = ", ".join(kind for kind in kinds if kind) or "nothing"
    changed = _counted(plan.changed, "changed path") or "no changed path"
    items = len(plan.items) * plan.item_price_usd
    lines = [
        f"{usd(plan.cost_usd)} for {changed}: {sent}",
        f"of it {usd(items)} for items, {usd(max(0.0, plan.cost_usd - items))} for misses of what did not change",
        f"purges {format_count(plan.objects)} of {format_count(plan.known)} known URLs, "
        f"{_weight(plan.collateral_weight)} requests ({plan.collateral_ratio:.2%}) of unchanged ones",
        f"inventory: {_inventory(plan)}",
        f"each path by itself costs {usd(plan.per_path_cost_usd)}, /* costs {usd(plan.everything_cost_usd)}",
    ]
    return "\n".join(lines)


def _inventory(plan: LeastCost) -> str:
    if not plan.known and plan.inventory is None:
        return "none, no URL is known"
    return f"{plan.inventory or 'given'}, {_counted(plan.known, 'known URL') or 'no known URL'}"


def _front(front: tuple[Choice, ...]) -> Part | None:
    if len(front) < 2:
        return None
    columns = (
        Column(""),
        Column("items", "right"),
        Column("wildcards", "right"),
        Column("tags", "right", from_width=100),
        Column("items $", "right"),
        Column("collateral", "right"),
        Column("share", "right"),
        Column("best from $ a miss", "right"),
    )
    return Table(
        columns,
        tuple(_choice(one) for one in front),
        title="what another price of a miss would choose",
        caption="* this plan",
    )


def _choice(one: Choice) -> tuple[Cell | str, ...]:
    tone: Tone | None = "strong" if one.is_chosen else None
    cells = (
        "*" if one.is_chosen else "",
        format_count(one.items),
        format_count(one.wildcards),
        format_count(one.tags),
        usd(one.item_cost_usd),
        _weight(one.collateral_weight),
        f"{one.collateral_ratio:.2%}",
        f"{one.miss_price_usd:.2g}",
    )
    return tuple(Cell(text, tone) for text in cells)


def _weight(weight: float) -> str:
    return format_count(weight) if weight >= 100 or weight == int(weight) else f"{weight:.3g}"


def _counted(number: int, noun: str) -> str:
    return "" if not number else f"{format_count(number)} {noun}{'' if number == 1 else 's'}"
