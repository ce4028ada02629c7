"""Two plans of a statement compared: which node of the one does the work of which node of the other.

Nodes are matched by what they read, not by where they stand: a scan by its relation and alias, whatever kind of scan
it is; a join, a sort or an aggregate by the set of relations under it. What is left is matched where the sets overlap
by a third (a join order that changed), and what is left then was added or removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from perfctl.db.model.plans import NodeChange, NodeDifference, PlanDifference, PlanNode, PlanReport, PlanTotals
from perfctl.db.plans.naming import called
from perfctl.db.plans.timing import every_node

_JOINS = ("Nested Loop", "Hash", "Merge")
_ALIKE = 1 / 3
"""The share of relations that two joins have in common where they are taken for one that was moved: of `a, b` and
`a, c`, one of three."""
_MOST_PAIRS = 200_000
"""Nodes that are left are compared each with each; more than so many pairs are not worth it."""

_Relations = frozenset[tuple[str, str]]
"""Names of relations, each with its alias."""
_Key = tuple[str, _Relations]


@dataclass(slots=True)
class _Placed:
    """A node with what is needed to find its like."""

    node: PlanNode
    depth: int
    covers: _Relations
    """The relations that it and the nodes under it read, each with its alias."""
    kind: str
    like: _Placed | None = None


def compare(before: PlanReport, after: PlanReport) -> PlanDifference:
    """What became of each node of the first plan, in the order of the second; removed ones where they stood.

    >>> from perfctl.db.plans import read_text_plan
    >>> slow = read_text_plan("Seq Scan on t  (cost=0.00..9.00 rows=1 width=4)")
    >>> fast = read_text_plan("Index Scan using t_pkey on t  (cost=0.00..1.00 rows=1 width=4)")
    >>> [(node.status, node.before, node.after) for node in compare(slow, fast).nodes]
    [('changed', 'Seq Scan on t', 'Index Scan using t_pkey on t')]
    """
    first, second = _placed(before.plan), _placed(after.plan)
    _match(first, second)
    is_run = before.analyzed and after.analyzed
    nodes = tuple(_difference(old, new, is_run=is_run) for old, new in _in_order(first, second))
    return PlanDifference(
        is_same=all(node.status == "same" for node in nodes),
        before=_totals(before),
        after=_totals(after),
        nodes=nodes,
        settings=_settings(before.settings, after.settings),
    )


def _placed(root: PlanNode) -> list[_Placed]:
    """All nodes, parents first."""
    found: list[_Placed] = []

    def place(node: PlanNode, depth: int) -> _Relations:
        placed = _Placed(node, depth, frozenset(), _kind(node))
        found.append(placed)
        below = [place(child, depth + 1) for child in node.children]
        placed.covers = frozenset().union(_own(node), *below)
        return placed.covers

    place(root, 0)
    return found


def _own(node: PlanNode) -> _Relations:
    name = node.relation or node.function
    if name is None and node.alias is None:
        return frozenset()
    return frozenset({(name or "", node.alias or "")})


def _kind(node: PlanNode) -> str:
    """What work it does, whichever way: `scan`, `join`, `sort`, `aggregate`; else what it is called."""
    name = node.node_type.removeprefix("Parallel ").removeprefix("Async ")
    if node.join_type is not None or name.startswith("Nested Loop"):
        return "join"
    if "Aggregate" in name:
        return f"{node.partial_mode or 'Simple'} aggregate"
    if name in ("Sort", "Incremental Sort"):
        return "sort"
    if name in ("Gather", "Gather Merge"):
        return "gather"
    return "scan" if _own(node) and node.operation in (None, "Select") else name


def _match(first: list[_Placed], second: list[_Placed]) -> None:
    waiting: dict[_Key, list[_Placed]] = defaultdict(list)
    for placed in reversed(first):
        waiting[placed.kind, placed.covers].append(placed)
    for placed in second:
        same = waiting.get((placed.kind, placed.covers))
        if same:
            _pair(same.pop(), placed)
    if first[0].kind == second[0].kind and first[0].like is second[0].like is None:
        _pair(first[0], second[0])
    _match_rest([placed for placed in first if placed.like is None], [new for new in second if new.like is None])


def _match_rest(first: list[_Placed], second: list[_Placed]) -> None:
    """Pair what is left of one kind and covers mostly the same, the most alike first."""
    if len(first) * len(second) > _MOST_PAIRS:
        return
    pairs = sorted(
        (
            (-_overlap(old.covers, new.covers), place, other)
            for place, old in enumerate(first)
            for other, new in enumerate(second)
            if old.kind == new.kind and _overlap(old.covers, new.covers) >= _ALIKE
        ),
    )
    for _, place, other in pairs:
        if first[place].like is None and second[other].like is None:
            _pair(first[place], second[other])


def _pair(old: _Placed, new: _Placed) -> None:
    old.like, new.like = new, old


def _overlap(one: _Relations, other: _Relations) -> float:
    """The share of relations that both have; under other aliases they count half, to be taken after the rest."""
    names, others = frozenset(name for name, _ in one if name), frozenset(name for name, _ in other if name)
    return max(_share(one, other), _share(names, others) / 2)


def _share(one: frozenset[Any], other: frozenset[Any]) -> float:
    both = len(one | other)
    return len(one & other) / both if both else 0.0


def _in_order(first: list[_Placed], second: list[_Placed]) -> Iterator[tuple[_Placed | None, _Placed | None]]:
    """The second's nodes, and each removed one behind the node that stood before it."""
    behind: dict[int | None, list[_Placed]] = defaultdict(list)
    last: int | None = None
    for placed in first:
        if placed.like is not None:
            last = id(placed.like)
        else:
            behind[last].append(placed)
    yield from ((removed, None) for removed in behind[None])
    for placed in second:
        yield placed.like, placed
        yield from ((removed, None) for removed in behind[id(placed)])


def _difference(old: _Placed | None, new: _Placed | None, *, is_run: bool) -> NodeDifference:
    before, after = old.node if old else None, new.node if new else None
    changes = tuple(_changes(before, after)) if before and after else ()
    shown = new or old
    return NodeDifference(
        status=_status(before, after, changes),
        depth=shown.depth if shown else 0,
        before=called(before) if before else None,
        after=called(after) if after else None,
        changes=changes,
        before_rows=_rows(before, is_run=is_run),
        after_rows=_rows(after, is_run=is_run),
        before_cost=before.total_cost if before else None,
        after_cost=after.total_cost if after else None,
        before_ms=before.self_ms if before else None,
        after_ms=after.self_ms if after else None,
        before_blocks=_own_blocks(before),
        after_blocks=_own_blocks(after),
    )


def _status(
    before: PlanNode | None, after: PlanNode | None, changes: tuple[NodeChange, ...]
) -> Literal["same", "changed", "added", "removed"]:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "changed" if changes else "same"


def _changes(before: PlanNode, after: PlanNode) -> Iterator[NodeChange]:
    """What is not the same and is no figure: kind, index, conditions, sorting, spilling."""
    for name, read in _COMPARED.items():
        old, new = read(before), read(after)
        if old != new:
            yield NodeChange(name, old, new)


_COMPARED: Mapping[str, Callable[[PlanNode], str | None]] = {
    "node_type": lambda node: node.node_type,
    "index": lambda node: node.index,
    "condition": lambda node: node.condition,
    "filter": lambda node: node.filter,
    "join_filter": lambda node: node.join_filter,
    "sort_key": lambda node: ", ".join(node.sort_key) or None,
    "sort_method": lambda node: node.sort_method,
    "group_key": lambda node: ", ".join((*node.group_key, *node.grouping_sets)) or None,
    "hash_batches": lambda node: None if node.hash_batches is None else str(node.hash_batches),
    "workers_launched": lambda node: None if node.workers_launched is None else str(node.workers_launched),
    "never_run": lambda node: "never run" if node.loops == 0 else None,
}


def _rows(node: PlanNode | None, *, is_run: bool) -> float | None:
    if node is None:
        return None
    if not is_run or node.actual_rows is None:
        return node.plan_rows
    return node.actual_rows * (node.loops or 0.0)


def _own_blocks(node: PlanNode | None) -> int | None:
    if node is None or node.buffers is None:
        return None
    return max(_blocks(node) - sum(_blocks(child) for child in node.children), 0)


def _blocks(node: PlanNode) -> int:
    touched = node.buffers
    return 0 if touched is None else touched.hit + touched.read + touched.temp_read + touched.temp_written


def _totals(report: PlanReport) -> PlanTotals:
    root = report.plan
    touched = root.buffers
    return PlanTotals(
        total_cost=root.total_cost,
        planning_ms=report.planning_ms,
        execution_ms=report.execution_ms,
        nodes=sum(1 for _ in every_node(root)),
        rows=root.plan_rows if root.actual_rows is None else root.actual_rows * (root.loops or 0.0),
        blocks_hit=touched.hit if touched else None,
        blocks_read=touched.read if touched else None,
        temp_blocks=touched.temp_read + touched.temp_written if touched else None,
    )


def _settings(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[NodeChange, ...]:
    names = dict.fromkeys((*before, *after))
    return tuple(
        NodeChange(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )
