"""Drawing a simulated cache: the miss-ratio curve, the hit ratios under it, the sizes that reach a target."""

from __future__ import annotations

from perfctl.cache.simulate.model import Simulated, SimulatedRow, TargetSize
from perfctl.render.view import Cell, Chart, Column, Curve, Table, Text, View, view
from perfctl.units import format_count, format_ratio

_MAX_COLUMNS = 6
"""So many hit ratios fit beside each other in 80 columns."""


def simulated_view(result: Simulated) -> View:
    """The curve on a terminal, then a table with a column a policy, then the targets."""
    chart = miss_ratio_chart(result)
    return view(
        Text(_headline(result)),
        chart if _is_a_curve(chart) else None,
        _table(result),
        _targets(result.targets) if result.targets else None,
        Text("\n".join(["not read:", *(f"  {sample}" for sample in result.bad_samples)]), "bad")
        if result.bad_lines
        else None,
        Text(f"curve drawn to {result.svg}") if result.svg else None,
    )


def miss_ratio_chart(result: Simulated) -> Chart:
    """A curve a policy, through its rows."""
    names = list(dict.fromkeys(row.policy for row in result.rows))
    curves = tuple(
        Curve(_said(name, result), _points([row for row in result.rows if row.policy == name])) for name in names
    )
    in_bytes = any(_is_in_bytes(row) for row in result.rows)
    return Chart(curves, f"{'bytes' if in_bytes else 'entries'}, logarithmic", "miss ratio")


def _said(policy: str, result: Simulated) -> str:
    return f"default ({result.default_policy})" if policy == "default" else policy


def _points(rows: list[SimulatedRow]) -> tuple[tuple[float, float], ...]:
    """By size; where bytes were named, only these: entries are another axis."""
    in_bytes = any(_is_in_bytes(row) for row in rows)
    found = {row.capacity: 1 - row.hit_ratio for row in rows if _is_in_bytes(row) is in_bytes}
    return tuple(sorted(found.items()))


def _is_in_bytes(row: SimulatedRow) -> bool:
    return row.size.rstrip().lower().endswith("b")


def _is_a_curve(chart: Chart) -> bool:
    return any(len(curve.points) > 1 for curve in chart.curves)


def _headline(result: Simulated) -> str:
    about = "" if result.sample_ratio == 1 else "about "
    lines = [f"{result.trace}: {_counted(result.requests, 'request')} for {about}{_counted(result.unique_keys, 'key')}"]
    if any(row.policy == "default" for row in result.rows):
        lines.append(f"default is {result.default_policy}")
    if result.sample_ratio != 1:
        lines.append(f"estimated from a sample of {format_ratio(result.sample_ratio)} of the keys (SHARDS)")
    return "\n".join(lines)


def _counted(count: int, noun: str) -> str:
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"


def _table(result: Simulated) -> Table:
    """Hit ratios: a row a size and a column a policy, or the other way round where that is narrower."""
    policies = list(dict.fromkeys(row.policy for row in result.rows))
    sizes = {row.size: row for row in result.rows}
    found = {(row.policy, row.size): row for row in result.rows}
    best = {size: _best(result, size) for size in sizes}
    if len(policies) <= _MAX_COLUMNS or len(sizes) > _MAX_COLUMNS:
        columns = (Column("size", "right"), Column("capacity", "right"), *(Column(name, "right") for name in policies))
        rows: tuple[tuple[Cell | str, ...], ...] = tuple(
            (size, format_count(row.capacity), *(_ratio(found.get((name, size)), best[size]) for name in policies))
            for size, row in sizes.items()
        )
        return Table(columns, rows, title="hit ratio")
    columns = (Column("policy"), *(Column(_size_header(row), "right") for row in sizes.values()))
    rows = tuple((name, *(_ratio(found.get((name, size)), best[size]) for size in sizes)) for name in policies)
    return Table(columns, rows, title="hit ratio")


def _best(result: Simulated, size: str) -> float:
    """The best hit ratio that a policy has which does not know the future."""
    return max((row.hit_ratio for row in result.rows if row.size == size and row.policy != "opt"), default=1.0)


def _size_header(row: SimulatedRow) -> str:
    return f"{row.size} = {format_count(row.capacity)}" if row.size.endswith("%") else row.size


def _ratio(row: SimulatedRow | None, best: float) -> Cell:
    """Nothing for a row that --limit left out."""
    if row is None:
        return Cell("-", "dim")
    return Cell(format_ratio(row.hit_ratio), "good" if row.hit_ratio == best else None)


def _targets(targets: tuple[TargetSize, ...]) -> Table:
    columns = (
        Column("policy"),
        Column("entries", "right"),
        Column("of the keys", "right"),
        Column("hit ratio", "right"),
    )
    rows = tuple(
        (
            target.policy,
            Cell(format_count(target.capacity), "strong" if target.capacity else "bad"),
            format_ratio(target.keys_share),
            format_ratio(target.hit_ratio),
        )
        for target in targets
    )
    reason = next((target.reason for target in targets if target.reason), None)
    return Table(columns, rows, title=f"smallest size for {targets[0].target * 100:g} % hits", caption=reason)
