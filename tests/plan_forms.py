"""One statement explained in both forms on a real server, and what has to be the same of the two."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from perfctl.db.model.plans import PlanReport
from tests.plan_queries import REFILLS, Query

RUN_DEPENDENT = frozenset(
    (
        *("actual_rows", "loops", "row_error", "buffers", "planning_buffers", "planning_ms", "execution_ms"),
        *("rows_removed", "rows_removed_by_filter", "rows_removed_by_join_filter", "rows_removed_by_recheck"),
        *("sort_space_kb", "peak_memory_kb", "disk_usage_kb", "heap_fetches", "index_searches", "exact_heap_blocks"),
        *("lossy_heap_blocks", "cache_hits", "cache_misses", "cache_evictions", "cache_overflows", "time_ms"),
        *("maximum_storage_kb", "hash_batches", "hashagg_batches", "calls"),
        *("original_hash_batches", "hash_buckets", "original_hash_buckets", "planning_memory_kb", "sort_groups"),
        *("sort_method", "sort_space_type", "workers", "workers_launched"),
    )
)
"""What two runs of a statement may say differently; where there are no parallel workers, the rows are alike all the
same and are compared by `figures`."""
_COSTS = frozenset(("plan_rows", "startup_cost", "total_cost"))
_FIGURES = (
    *("actual_rows", "loops", "rows_removed_by_filter", "rows_removed_by_join_filter", "rows_removed_by_recheck"),
    *("index_searches", "exact_heap_blocks", "lossy_heap_blocks", "sort_method"),
)


async def forms_of(connection: Any, query: Query, forms: tuple[str, ...] = ("JSON", "TEXT")) -> tuple[str, ...]:
    """The statement's plan in these forms, each of a run of its own in a transaction that is rolled back."""
    found = []
    for form in forms:
        transaction = connection.transaction()
        await transaction.start()
        try:
            for name, value in query.settings.items():
                await connection.execute(f"SET LOCAL {name} = '{value}'")
            if query.prepared is not None:
                await connection.execute(f"PREPARE q AS {query.prepared}")
            for table, refill in REFILLS.items() if query.writes else ():
                if table in query.sql or (table == "target" and "detail" in query.sql):
                    await connection.execute(refill)
            options = ", ".join((*query.options, f"FORMAT {form}"))
            rows = await connection.fetch(f"EXPLAIN ({options}) {query.sql}")
        finally:
            await transaction.rollback()
            if query.prepared is not None:
                await connection.execute("DEALLOCATE q")
        found.append("\n".join(row[0] for row in rows))
    return tuple(found)


def structure(report: PlanReport, query: Query, *, is_text: bool) -> str:
    """The whole tree without what another run changes; numbers that it changes are there, or are not."""
    masked = _masked(asdict(report), query)
    del masked["sql"]
    if not is_text and "VERBOSE" not in query.options:
        _drop(masked, "inner_unique")  # text says it with VERBOSE alone
    for trigger in masked["triggers"]:
        trigger.pop("relation")  # text says it where there are several
    return json.dumps(masked, indent=1, sort_keys=True)


def figures(report: PlanReport) -> list[tuple[Any, ...]]:
    """The rows and loops of every node: alike in two runs of a statement that no worker helps with."""
    from perfctl.db.plans import every_node

    return [(node.node_type, *(getattr(node, name) for name in _FIGURES)) for node in every_node(report.plan)]


def _masked(value: Any, query: Query) -> Any:
    if isinstance(value, dict):
        return {name: _mask(name, inner, query) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(item, query) for item in value]
    return value


def _mask(name: str, value: Any, query: Query) -> Any:
    if name == "workers":
        return None if query.is_parallel else _masked(value, query)
    is_masked = name in RUN_DEPENDENT or (query.writes and name in _COSTS)
    if name.startswith(("io_", "temp_io_", "wal_")):
        return None
    if name in ("buffers", "planning_buffers", "sort_method", "sort_space_kb", "sort_space_type", "peak_memory_kb"):
        return None if query.is_parallel or "buffers" in name else value is not None
    if is_masked and query.is_parallel:
        return None
    return value is not None if is_masked else _masked(value, query)


def _drop(value: Any, name: str) -> None:
    if isinstance(value, dict):
        if name in value:
            value[name] = None
        for inner in value.values():
            _drop(inner, name)
    elif isinstance(value, list):
        for inner in value:
            _drop(inner, name)
