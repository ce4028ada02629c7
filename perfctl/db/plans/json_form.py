"""Reading what EXPLAIN (FORMAT JSON) printed, of PostgreSQL 12 to 18, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from perfctl.db.model.plans import Buffers, PlanNode, PlanReport, PlanTrigger
from perfctl.errors import UsageError

MAX_DEPTH = 200
"""Nodes under nodes; PostgreSQL's own plans stay far below, and a reader's stack is safe."""

_READS_ALL = frozenset({"Sort", "Aggregate", "Hash", "SetOp", "ModifyTable"})
_CONDITIONS = ("Index Cond", "Hash Cond", "Merge Cond", "Recheck Cond", "TID Cond", "Join Filter")
_REMOVED = (
    "Rows Removed by Filter",
    "Rows Removed by Join Filter",
    "Rows Removed by Index Recheck",
    "Rows Removed by Conflict Filter",
)


def read_plan(document: object, *, sql: str = "", is_generic: bool = False) -> PlanReport:
    """The plan of a JSON document, as text or parsed. UsageError says where it is not a plan.

    >>> read_plan('[{"Plan": {"Node Type": "Result", "Plan Rows": 1}}]').plan.node_type
    'Result'
    """
    top = _top(_parsed(document))
    execution_ms = _number(top, "Execution Time", "$")
    root = _node(top["Plan"], "$.Plan", _Above())
    total_ms = max(execution_ms or 0.0, root.total_ms or 0.0)
    return PlanReport(
        sql=sql or str(top.get("Query Text", "")),
        analyzed=root.loops is not None,
        is_generic=is_generic,
        planning_ms=_number(top, "Planning Time", "$"),
        execution_ms=execution_ms,
        settings={str(name): str(value) for name, value in _mapping(top.get("Settings", {}), "$.Settings").items()},
        triggers=tuple(
            _trigger(_mapping(item, "$.Triggers"), f"$.Triggers[{i}]")
            for i, item in enumerate(_list(top.get("Triggers", []), "$.Triggers"))
        ),
        plan=_timed(root, _producers(root), total_ms),
    )


def every_node(node: PlanNode) -> Iterator[PlanNode]:
    """The node and all those under it, parents first."""
    yield node
    for child in node.children:
        yield from every_node(child)


def _parsed(document: object) -> object:
    if not isinstance(document, (str, bytes)):
        return document
    try:
        return json.loads(document)
    except ValueError as error:
        raise UsageError(f"the plan is not JSON: {error}", hint="make it with EXPLAIN (FORMAT JSON)") from error
    except RecursionError as error:
        raise _not_a_plan("$", "is nested too deeply") from error


def _top(document: object) -> Mapping[str, Any]:
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    top = _mapping(document, "$")
    if "Plan" not in top:
        raise _not_a_plan("$", 'has no "Plan"')
    return top


@dataclass(frozen=True, slots=True)
class _Above:
    """What the nodes above mean for a node."""

    depth: int = 0
    processes: float = 1.0
    """Under a Gather each loop is one process's: their times run side by side, so elapsed time is their mean."""
    is_cut_short: bool = False
    """A LIMIT above stops the node when it has enough: fewer rows than expected are no wrong estimate."""

    def below(self, node_type: str, launched: int | None) -> _Above:
        """What the node and all above it mean for its children."""
        gathers = launched is not None and node_type in ("Gather", "Gather Merge")
        return _Above(
            depth=self.depth + 1,
            processes=(launched or 0) + 1.0 if gathers else self.processes,
            is_cut_short=(self.is_cut_short or node_type == "Limit") and node_type not in _READS_ALL,
        )


def _node(raw: object, where: str, above: _Above) -> PlanNode:
    """A node, with the whole of its time; its own share is known when all nodes are."""
    if above.depth > MAX_DEPTH:
        raise _not_a_plan(where[:80], f"has more than {MAX_DEPTH} nodes under each other")
    node = _mapping(raw, where)
    node_type = _text(node, "Node Type", where)
    if node_type is None:
        raise _not_a_plan(where, 'has no "Node Type"')
    launched = _whole(node, "Workers Launched", where)
    below = above.below(node_type, launched)
    loops = _number(node, "Actual Loops", where)
    spent = _number(node, "Actual Total Time", where)
    actual, planned = _number(node, "Actual Rows", where), _number(node, "Plan Rows", where) or 0.0
    children = _list(node.get("Plans", []), f"{where}.Plans")
    return PlanNode(
        node_type=_full_type(node, node_type),
        relation=_text(node, "Relation Name", where) or _text(node, "CTE Name", where),
        alias=_text(node, "Alias", where),
        index=_text(node, "Index Name", where),
        join_type=_text(node, "Join Type", where),
        strategy=_text(node, "Strategy", where),
        parent_relationship=_text(node, "Parent Relationship", where),
        subplan_name=_text(node, "Subplan Name", where),
        plan_rows=planned,
        actual_rows=actual,
        loops=loops,
        row_error=_row_error(planned, actual, loops, is_cut_short=above.is_cut_short),
        startup_cost=_number(node, "Startup Cost", where) or 0.0,
        total_cost=_number(node, "Total Cost", where) or 0.0,
        width_bytes=_whole(node, "Plan Width", where) or 0,
        total_ms=None if spent is None else spent * (loops or 0.0) / min(above.processes, max(loops or 1.0, 1.0)),
        self_ms=None,
        time_share=None,
        buffers=_buffers(node, where),
        filter=_condition(node, ("Filter", "One-Time Filter")),
        condition=_condition(node, _CONDITIONS),
        rows_removed=_sum(node, _REMOVED, where),
        sort_key=tuple(str(key) for key in _list(node.get("Sort Key", []), f"{where}.Sort Key")),
        sort_method=_text(node, "Sort Method", where),
        sort_space_kb=_whole(node, "Sort Space Used", where),
        hash_batches=_whole(node, "Hash Batches", where),
        workers_planned=_whole(node, "Workers Planned", where),
        workers_launched=launched,
        children=tuple(_node(child, f"{where}.Plans[{i}]", below) for i, child in enumerate(children)),
    )


def _timed(node: PlanNode, producers: Mapping[str, tuple[float, float]], total_ms: float) -> PlanNode:
    """The node and those under it with the time that each spent alone.

    A CTE hangs under the node that declares it and runs inside the scans that read it: its time is taken from
    those, each in proportion, and not from where it hangs.
    """
    children = tuple(_timed(child, producers, total_ms) for child in node.children)
    if node.total_ms is None:
        return replace(node, children=children)
    own = node.total_ms - sum(child.total_ms or 0.0 for child in children if not _is_cte(child))
    if node.node_type == "CTE Scan" and node.relation is not None and node.relation in producers:
        produced, read = producers[node.relation]
        own -= produced * (node.total_ms / read) if read else 0.0
    own = max(own, 0.0)
    share = min(own / total_ms, 1.0) if total_ms else 0.0
    return replace(node, children=children, self_ms=round(own, 4), time_share=round(share, 6))


def _producers(root: PlanNode) -> dict[str, tuple[float, float]]:
    """By a CTE's name: the time to produce it, and the time of all scans that read it."""
    nodes = list(every_node(root))
    scans = [node for node in nodes if node.node_type == "CTE Scan"]
    return {
        name: (node.total_ms or 0.0, sum(scan.total_ms or 0.0 for scan in scans if scan.relation == name))
        for node in nodes
        if _is_cte(node) and (name := (node.subplan_name or "").removeprefix("CTE "))
    }


def _is_cte(node: PlanNode) -> bool:
    return (node.subplan_name or "").startswith("CTE ")


def _full_type(node: Mapping[str, Any], node_type: str) -> str:
    """The name as EXPLAIN's text has it: `Parallel Seq Scan`, `Hash Left Join`, `HashAggregate`, `Update`."""
    named = node_type
    if node_type == "Aggregate":
        strategies = {"Hashed": "HashAggregate", "Sorted": "GroupAggregate", "Mixed": "MixedAggregate"}
        named = strategies.get(str(node.get("Strategy")), node_type)
        partial = str(node.get("Partial Mode", "Simple"))
        named = named if partial == "Simple" else f"{partial} {named}"
    elif node_type == "ModifyTable":
        named = str(node.get("Operation", node_type))
    elif node.get("Join Type", "Inner") != "Inner":
        join = str(node["Join Type"])
        named = f"Nested Loop {join} Join" if node_type == "Nested Loop" else node_type.replace("Join", f"{join} Join")
    if node.get("Scan Direction") == "Backward":
        named += " Backward"
    return f"Parallel {named}" if node.get("Parallel Aware") is True else named


def _row_error(planned: float, actual: float | None, loops: float | None, *, is_cut_short: bool) -> float | None:
    """At least 1; fewer than one row counts as one, so that nothing is divided by nothing."""
    if actual is None or not loops or (is_cut_short and actual < planned):
        return None
    low, high = sorted((max(planned, 1.0), max(actual, 1.0)))
    return round(high / low, 3)


def _buffers(node: Mapping[str, Any], where: str) -> Buffers | None:
    """Shared and local blocks together; None where EXPLAIN was not asked for them."""
    if "Shared Hit Blocks" not in node:
        return None
    both = [
        sum(_whole(node, f"{kind} {act} Blocks", where) or 0 for kind in ("Shared", "Local"))
        for act in ("Hit", "Read", "Dirtied", "Written")
    ]
    temporary = [_whole(node, f"Temp {act} Blocks", where) or 0 for act in ("Read", "Written")]
    return Buffers(*both, *temporary)


def _condition(node: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((str(node[name]) for name in names if node.get(name) is not None), None)


def _sum(node: Mapping[str, Any], names: tuple[str, ...], where: str) -> float | None:
    found = [number for name in names if (number := _number(node, name, where)) is not None]
    return sum(found) if found else None


def _trigger(raw: Mapping[str, Any], where: str) -> PlanTrigger:
    return PlanTrigger(
        name=_text(raw, "Constraint Name", where) or _text(raw, "Trigger Name", where) or "",
        relation=_text(raw, "Relation", where),
        calls=_number(raw, "Calls", where) or 0.0,
        time_ms=_number(raw, "Time", where) or 0.0,
    )


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _not_a_plan(where, f"is {_shown(value)}, not an object")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _not_a_plan(where, f"is {_shown(value)}, not a list")
    return value


def _text(node: Mapping[str, Any], name: str, where: str) -> str | None:
    value = node.get(name)
    if value is not None and not isinstance(value, str):
        raise _not_a_plan(f"{where}.{name}", f"is {_shown(value)}, not a text")
    return value


def _number(node: Mapping[str, Any], name: str, where: str) -> float | None:
    value = node.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e300:
        raise _not_a_plan(f"{where}.{name}", f"is {_shown(value)}, not a number of at least 0")
    return float(value)


def _whole(node: Mapping[str, Any], name: str, where: str) -> int | None:
    value = _number(node, name, where)
    return None if value is None else int(value)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _not_a_plan(where: str, what: str) -> UsageError:
    return UsageError(f"the plan's {where} {what}", hint="make it with EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)")
