"""Is a plan worse than it was? Pure: two baselines in, one judgement a statement out.

A cost is an estimate, and a fresh ANALYZE moves it a little: so a plan that does the same as before may cost up to
twice as much before it counts, and one that does something else half as much again. Tables that grew make
everything dearer in proportion: that is no regression. Where the data differ by more than ten times nothing is judged:
a plan over a hundred rows says nothing of one over a million.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from perfctl.db.model.baselines import Baseline, PlannedQuery, TableSize
from perfctl.db.sqltext import one_line
from perfctl.diagnosis import Check, Status
from perfctl.errors import RefusedError
from perfctl.units import format_count

COMPONENT = "plans"
SAME_PLAN = 2.0
OTHER_PLAN = 1.5
TURNED_SEQUENTIAL = 1.2
BUFFERS = 1.5
LEAST_COST = 25.0
"""A statement that costs this little is not slow, whatever its plan."""
LEAST_BUFFERS = 50
MOST_DIFFERENT = 10.0
LEAST_ROWS = 1000.0
"""Smaller tables may differ as they like: they fit on a few pages."""
_QUERY = 60
_FIX = "perfctl db analyze shows the plan; record the baseline anew where this is meant"


@dataclass(frozen=True, slots=True)
class Regression:
    """One way in which a plan is worse."""

    text: str
    ratio: float
    limit: float


def compare(then: Baseline, now: Baseline, *, live_indexes: Collection[str]) -> list[Check]:
    """One check a statement of the baseline `then`, and one of the settings. `live_indexes`: those that are valid now.

    RefusedError where the data are too different to tell.
    """
    refuse_other_data(then.tables, now.tables)
    found = {query.fingerprint: query for query in now.queries}
    growth = _growth(then.tables, now.tables)
    checks = [_judged(query, found.get(query.fingerprint), growth, live_indexes) for query in then.queries]
    return [*_settings(then, now), *checks]


def refuse_other_data(then: Iterable[TableSize], now: Iterable[TableSize]) -> None:
    """RefusedError where a table of size holds ten times as much as it did, or a tenth."""
    sizes = {table.name: table for table in now}
    for table in then:
        other = sizes.get(table.name)
        if other is not None and other.rows < 0 and other.pages:
            raise RefusedError(
                f"{table.name} was never analyzed: its size, and so its plans, cannot be compared",
                hint=f"ANALYZE {table.name};",
            )
        if other is None or max(table.rows, other.rows) < LEAST_ROWS:
            continue
        if min(table.rows, other.rows) * MOST_DIFFERENT < max(table.rows, other.rows):
            raise RefusedError(
                f"the baseline is of other data: {table.name} held {_count(table.rows)} rows and holds "
                f"{_count(other.rows)} now, more than {MOST_DIFFERENT:g} times {_direction(table, other)}",
                hint="compare with data of the same size (ANALYZE after loading), or record a baseline of these",
            )


def _judged(
    then: PlannedQuery, now: PlannedQuery | None, growth: Mapping[str, float], live_indexes: Collection[str]
) -> Check:
    if then.error is not None:
        return _check(then, "off", f"there was no plan when the baseline was recorded: {then.error}")
    if now is None or now.error is not None:
        return _check(then, "fail", f"it cannot be planned any more: {now.error if now else 'not asked'}")
    factor = max((growth.get(access.relation, 1.0) for access in then.accesses), default=1.0)
    worse = regressions(then, now, growth=factor, live_indexes=live_indexes)
    if not worse:
        return _check(then, "pass", _same(then, now), value=_ratio(now.cost, then.cost * factor), limit=SAME_PLAN)
    worst = max(worse, key=lambda each: each.ratio)
    return _check(then, "fail", "; ".join(each.text for each in worse), value=worst.ratio, limit=worst.limit)


def regressions(
    then: PlannedQuery, now: PlannedQuery, *, growth: float, live_indexes: Collection[str]
) -> list[Regression]:
    """Every way in which the plan is worse; `growth`: how much the tables that it reads have grown (1: not at all)."""
    allowed, ratio = then.cost * growth, _ratio(now.cost, then.cost * growth)
    counts = now.cost - allowed >= LEAST_COST
    found = [
        Regression(_turned(relation, lost, then, now), ratio, TURNED_SEQUENTIAL)
        for relation, lost in _turned_sequential(then, now, live_indexes).items()
        if lost or (counts and ratio >= TURNED_SEQUENTIAL)
    ]
    limit = SAME_PLAN if then.shape == now.shape else OTHER_PLAN
    if not found and counts and ratio >= limit:
        what = "the same plan costs more" if then.shape == now.shape else "another plan costs more"
        found.append(Regression(f"{what}: {_change(then.cost, now.cost)}", ratio, limit))
    return found + _measured(then, now, growth)


def _measured(then: PlannedQuery, now: PlannedQuery, growth: float) -> list[Regression]:
    """What running it showed, where both were run."""
    found = []
    if then.buffers is not None and now.buffers is not None:
        ratio = _ratio(now.buffers, then.buffers * growth)
        if ratio >= BUFFERS and now.buffers - then.buffers * growth >= LEAST_BUFFERS:
            found.append(Regression(f"touches more blocks: {_change(then.buffers, now.buffers)}", ratio, BUFFERS))
    if then.temp_blocks == 0 and (now.temp_blocks or 0) >= LEAST_BUFFERS:
        found.append(Regression(f"spills {now.temp_blocks} blocks to disk, and did not", BUFFERS, BUFFERS))
    return found


def _turned_sequential(
    then: PlannedQuery, now: PlannedQuery, live_indexes: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """The relations that were read by an index and are read whole now, each with the indexes that are gone."""
    before, after = _sequential(then), _sequential(now)
    by_index = {access.relation: access.indexes for access in then.accesses if access.indexes}
    return {
        relation: tuple(index for index in indexes if index not in live_indexes)
        for relation, indexes in by_index.items()
        if after[relation] > before[relation]
    }


def _sequential(query: PlannedQuery) -> Counter[str]:
    return Counter(access.relation for access in query.accesses if access.is_sequential)


def _turned(relation: str, lost: tuple[str, ...], then: PlannedQuery, now: PlannedQuery) -> str:
    gone = f" (index {', '.join(lost)} is gone)" if lost else ""
    return f"{relation} is read whole, and was read by an index{gone}; cost {_change(then.cost, now.cost)}"


def _growth(then: Iterable[TableSize], now: Iterable[TableSize]) -> dict[str, float]:
    """How many times as many rows each table holds; what shrank counts as 1: a plan need not become cheaper."""
    sizes = {table.name: table.rows for table in now}
    return {table.name: max(sizes.get(table.name, 0.0) / table.rows, 1.0) if table.rows > 0 else 1.0 for table in then}


def _settings(then: Baseline, now: Baseline) -> list[Check]:
    """A setting that sways the planner and was changed: told, since it explains the rest."""
    names = sorted(then.settings.keys() | now.settings.keys())
    changed = [
        f"{name} {then.settings.get(name, 'default')} → {now.settings.get(name, 'default')}"
        for name in names
        if then.settings.get(name) != now.settings.get(name)
    ]
    if not changed:
        return [Check(COMPONENT, "settings", "pass", "what sways the planner is as it was")]
    return [Check(COMPONENT, "settings", "warn", f"the planner's settings changed: {', '.join(changed)}")]


def _check(
    query: PlannedQuery, status: Status, observed: str, *, value: float | None = None, limit: float | None = None
) -> Check:
    return Check(
        component=COMPONENT,
        check=query.fingerprint,
        status=status,
        observed=observed,
        fix=_FIX if status == "fail" else None,
        value=None if value is None else round(value, 3),
        unit=None if value is None else "ratio",
        threshold=limit,
        objects=(one_line(query.query, _QUERY),),
    )


def _same(then: PlannedQuery, now: PlannedQuery) -> str:
    what = "the same plan" if then.shape == now.shape else "another plan"
    return f"{what}, cost {_change(then.cost, now.cost)}"


def _change(before: float, after: float) -> str:
    return f"{_count(before)} → {_count(after)}"


def _count(number: float) -> str:
    return format_count(number) if number >= 100 else f"{number:.1f}"


def _direction(then: TableSize, now: TableSize) -> str:
    return "as many" if now.rows > then.rows else "fewer"


def _ratio(now: float, then: float) -> float:
    return now / then if then > 0 else (1.0 if now <= 0 else now)
