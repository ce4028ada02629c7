"""One node of a plan's JSON form, and all those under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from perfctl.db.model.plans import PlanDetail, PlanNode
from perfctl.db.plans.checked import mapping, not_a_plan, number, sequence, text, texts, total, truth, whole
from perfctl.db.plans.naming import full_type
from perfctl.db.plans.parts import buffers_of, grouping_of, known_names, sort_groups_of, worker_of

MAX_DEPTH = 150
"""Nodes under nodes; plans of PostgreSQL stay below, and the stack of whoever reads, draws or prints them is safe."""
MAX_NODES = 50_000
"""A plan over ten thousand partitions has fewer."""

_READS_ALL = frozenset({"Sort", "Aggregate", "Hash", "SetOp", "ModifyTable"})
_CONDITIONS = ("Index Cond", "Hash Cond", "Merge Cond", "Recheck Cond", "TID Cond", "Join Filter")
_REMOVED = (
    "Rows Removed by Filter",
    "Rows Removed by Join Filter",
    "Rows Removed by Index Recheck",
    "Rows Removed by Conflict Filter",
)
_TEXTS: Mapping[str, str] = {
    "alias": "Alias",
    "index": "Index Name",
    "join_type": "Join Type",
    "strategy": "Strategy",
    "parent_relationship": "Parent Relationship",
    "subplan_name": "Subplan Name",
    "schema": "Schema",
    "operation": "Operation",
    "command": "Command",
    "partial_mode": "Partial Mode",
    "scan_direction": "Scan Direction",
    "index_condition": "Index Cond",
    "recheck_condition": "Recheck Cond",
    "hash_condition": "Hash Cond",
    "merge_condition": "Merge Cond",
    "tid_condition": "TID Cond",
    "join_filter": "Join Filter",
    "one_time_filter": "One-Time Filter",
    "run_condition": "Run Condition",
    "order_by": "Order By",
    "sort_method": "Sort Method",
    "sort_space_type": "Sort Space Type",
    "cache_key": "Cache Key",
    "cache_mode": "Cache Mode",
    "storage": "Storage",
    "window": "Window",
    "conflict_resolution": "Conflict Resolution",
    "conflict_filter": "Conflict Filter",
    "remote_sql": "Remote SQL",
    "function_call": "Function Call",
}
_NUMBERS: Mapping[str, str] = {
    "actual_rows": "Actual Rows",
    "loops": "Actual Loops",
    "actual_startup_ms": "Actual Startup Time",
    "actual_total_ms": "Actual Total Time",
    "rows_removed_by_filter": "Rows Removed by Filter",
    "rows_removed_by_join_filter": "Rows Removed by Join Filter",
    "rows_removed_by_recheck": "Rows Removed by Index Recheck",
    "rows_removed_by_conflict": "Rows Removed by Conflict Filter",
    "heap_fetches": "Heap Fetches",
    "index_searches": "Index Searches",
    "conflicting_tuples": "Conflicting Tuples",
    "tuples_inserted": "Tuples Inserted",
    "tuples_updated": "Tuples Updated",
    "tuples_deleted": "Tuples Deleted",
    "tuples_skipped": "Tuples Skipped",
}
_WHOLES: Mapping[str, str] = {
    "sort_space_kb": "Sort Space Used",
    "hash_batches": "Hash Batches",
    "hash_buckets": "Hash Buckets",
    "original_hash_buckets": "Original Hash Buckets",
    "original_hash_batches": "Original Hash Batches",
    "workers_planned": "Workers Planned",
    "workers_launched": "Workers Launched",
    "exact_heap_blocks": "Exact Heap Blocks",
    "lossy_heap_blocks": "Lossy Heap Blocks",
    "peak_memory_kb": "Peak Memory Usage",
    "disk_usage_kb": "Disk Usage",
    "planned_partitions": "Planned Partitions",
    "hashagg_batches": "HashAgg Batches",
    "cache_hits": "Cache Hits",
    "cache_misses": "Cache Misses",
    "cache_evictions": "Cache Evictions",
    "cache_overflows": "Cache Overflows",
    "maximum_storage_kb": "Maximum Storage",
}
_LISTS: Mapping[str, str] = {
    "sort_key": "Sort Key",
    "presorted_key": "Presorted Key",
    "output": "Output",
    "params_evaluated": "Params Evaluated",
    "conflict_arbiter_indexes": "Conflict Arbiter Indexes",
}
_SPENT: Mapping[str, tuple[str, ...]] = {
    "io_read_ms": ("I/O Read Time", "Shared I/O Read Time", "Local I/O Read Time"),
    "io_write_ms": ("I/O Write Time", "Shared I/O Write Time", "Local I/O Write Time"),
    "temp_io_read_ms": ("Temp I/O Read Time",),
    "temp_io_write_ms": ("Temp I/O Write Time",),
}
_OWN = (
    *("Node Type", "Parallel Aware", "Async Capable", "Disabled", "Single Copy", "Inner Unique", "Plans", "Workers"),
    *("Relation Name", "CTE Name", "Tuplestore Name", "Function Name", "Table Function Name", "Table Function Call"),
    *("Startup Cost", "Total Cost", "Plan Rows", "Plan Width", "Filter", "Subplans Removed", "Target Tables"),
    *("Sampling Method", "Sampling Parameters", "Repeatable Seed", "Custom Plan Provider", "WAL Buffers Full"),
    *("WAL Records", "WAL FPI", "WAL Bytes", "Group Key", "Grouping Sets", "Full-sort Groups", "Pre-sorted Groups"),
)
TEXTS = frozenset(
    (
        *(*_TEXTS.values(), *_LISTS.values(), "Item", "Filter", "Relation Name", "CTE Name", "Tuplestore Name"),
        *("Node Type", "Function Name", "Table Function Name", "Query Text", "Query Parameters", "Trigger Name"),
        *("Constraint Name", "Relation", "Custom Plan Provider", "Sampling Method", "Repeatable Seed", "Format"),
    )
)
"""Values that are texts, whatever they look like: an alias may be `5`, or `true`."""
_KNOWN = known_names(_OWN, _TEXTS.values(), _NUMBERS.values(), _WHOLES.values(), _LISTS.values(), *_SPENT.values())


@dataclass(frozen=True, slots=True)
class _Above:
    """What the nodes above mean for a node."""

    nodes: count[int]
    """How many nodes were read."""
    depth: int = 0
    processes: float = 1.0
    """Under a Gather each loop is one process's: their times run side by side, so elapsed time is their mean."""
    is_cut_short: bool = False
    """A LIMIT above stops the node when it has enough: fewer rows than expected are no wrong estimate."""

    def below(self, node_type: str, launched: int | None) -> _Above:
        """What the node and all above it mean for its children."""
        gathers = launched is not None and node_type in ("Gather", "Gather Merge")
        return _Above(
            nodes=self.nodes,
            depth=self.depth + 1,
            processes=(launched or 0) + 1.0 if gathers else self.processes,
            is_cut_short=(self.is_cut_short or node_type == "Limit") and node_type not in _READS_ALL,
        )


def read_node(raw: object, where: str) -> PlanNode:
    """The node and those under it, with the whole of their time; what each spent alone is not known yet."""
    return _node(raw, where, _Above(count()))


def _node(raw: object, where: str, above: _Above) -> PlanNode:
    if above.depth > MAX_DEPTH:
        raise not_a_plan(where, f"has more than {MAX_DEPTH} nodes under each other")
    if next(above.nodes) >= MAX_NODES:
        raise not_a_plan(where, f"is one node more than {MAX_NODES}")
    node = mapping(raw, where)
    node_type = text(node, "Node Type", where)
    if node_type is None:
        raise not_a_plan(where, 'has no "Node Type"')
    values = _plain(node, where)
    below = above.below(node_type, whole(node, "Workers Launched", where))
    _first(node, ("Custom Plan Provider",), where)
    children = sequence(node.get("Plans", []), f"{where}.Plans")
    group_key, grouping_sets = grouping_of(node, where)
    planned = number(node, "Plan Rows", where) or 0.0
    return PlanNode(
        node_type=full_type(node, node_type),
        relation=_first(node, ("Relation Name", "CTE Name", "Tuplestore Name"), where),
        function=_first(node, ("Function Name", "Table Function Name"), where),
        plan_rows=planned,
        row_error=_row_error(planned, node, where, is_cut_short=above.is_cut_short),
        startup_cost=number(node, "Startup Cost", where) or 0.0,
        total_cost=number(node, "Total Cost", where) or 0.0,
        width_bytes=whole(node, "Plan Width", where) or 0,
        total_ms=_elapsed(node, where, above.processes),
        self_ms=None,
        time_share=None,
        filter=_first(node, ("Filter", "One-Time Filter"), where),
        condition=_first(node, _CONDITIONS, where),
        rows_removed=total(node, _REMOVED, where),
        parallel_aware=node.get("Parallel Aware") is True,
        async_capable=node.get("Async Capable") is True,
        disabled=node.get("Disabled") is True,
        single_copy=node.get("Single Copy") is True,
        inner_unique=truth(node, "Inner Unique"),
        buffers=buffers_of(node, where),
        group_key=group_key,
        grouping_sets=grouping_sets,
        sort_groups=sort_groups_of(node, where),
        subplans_removed=whole(node, "Subplans Removed", where) or 0,
        target_tables=_targets(node, where),
        sampling=_sampling(node, where),
        wal_records=whole(node, "WAL Records", where) or None,
        wal_fpi=whole(node, "WAL FPI", where) or None,
        wal_bytes=whole(node, "WAL Bytes", where) or None,
        workers=tuple(
            worker_of(item, f"{where}.Workers[{i}]")
            for i, item in enumerate(sequence(node.get("Workers", []), f"{where}.Workers"))
        ),
        other=_other(node),
        children=tuple(_node(child, f"{where}.Plans[{i}]", below) for i, child in enumerate(children)),
        **values,
    )


def _plain(node: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fields that are one value of the form each."""
    return {
        **{field: text(node, name, where) for field, name in _TEXTS.items()},
        **{field: number(node, name, where) for field, name in _NUMBERS.items()},
        **{field: whole(node, name, where) for field, name in _WHOLES.items()},
        **{field: texts(node, name, where) for field, name in _LISTS.items()},
        **{field: total(node, names, where) or None for field, names in _SPENT.items()},
    }


def _first(node: Mapping[str, Any], names: tuple[str, ...], where: str) -> str | None:
    return next((found for name in names if (found := text(node, name, where)) is not None), None)


def _elapsed(node: Mapping[str, Any], where: str, processes: float) -> float | None:
    spent, loops = number(node, "Actual Total Time", where), number(node, "Actual Loops", where)
    return None if spent is None else spent * (loops or 0.0) / min(processes, max(loops or 1.0, 1.0))


def _row_error(planned: float, node: Mapping[str, Any], where: str, *, is_cut_short: bool) -> float | None:
    """At least 1; fewer than one row counts as one, so that nothing is divided by nothing."""
    actual, loops = number(node, "Actual Rows", where), number(node, "Actual Loops", where)
    if actual is None or not loops or (is_cut_short and actual < planned):
        return None
    low, high = sorted((max(planned, 1.0), max(actual, 1.0)))
    return round(high / low, 3)


def _targets(node: Mapping[str, Any], where: str) -> tuple[str, ...]:
    items = sequence(node.get("Target Tables", []), f"{where}.Target Tables")
    named = (text(mapping(item, f"{where}.Target Tables[{i}]"), "Relation Name", where) for i, item in enumerate(items))
    return tuple(name for name in named if name)


def _sampling(node: Mapping[str, Any], where: str) -> str | None:
    """As EXPLAIN's text has it: `system ('10'::real) REPEATABLE ('1'::double precision)`."""
    method = text(node, "Sampling Method", where)
    if method is None:
        return None
    seed = text(node, "Repeatable Seed", where)
    parameters = ", ".join(texts(node, "Sampling Parameters", where))
    return f"{method} ({parameters}){f' REPEATABLE ({seed})' if seed else ''}"


def _other(node: Mapping[str, Any]) -> tuple[PlanDetail, ...]:
    """What has no field here, where it is one value or a list of them."""
    found = ((str(name), _written(value)) for name, value in node.items() if name not in _KNOWN)
    return tuple(PlanDetail(name, value) for name, value in found if value is not None)


def _written(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, float)) or (isinstance(value, int) and abs(value) < 10**40) else None
