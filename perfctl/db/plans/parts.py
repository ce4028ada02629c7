"""The parts of a node that are more than one value: blocks, grouping sets, groups of a sort, workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from perfctl.db.model.plans import Buffers, PlanWorker, SortGroups
from perfctl.db.plans.checked import mapping, not_a_plan, number, sequence, text, texts, whole

_ACTS = ("Hit", "Read", "Dirtied", "Written")
_WORKER_TEXTS: Mapping[str, str] = {"sort_method": "Sort Method", "sort_space_type": "Sort Space Type"}
_WORKER_NUMBERS: Mapping[str, str] = {
    "actual_startup_ms": "Actual Startup Time",
    "actual_total_ms": "Actual Total Time",
    "actual_rows": "Actual Rows",
    "loops": "Actual Loops",
}
_WORKER_WHOLES: Mapping[str, str] = {
    "sort_space_kb": "Sort Space Used",
    "hashagg_batches": "HashAgg Batches",
    "peak_memory_kb": "Peak Memory Usage",
    "disk_usage_kb": "Disk Usage",
    "cache_hits": "Cache Hits",
    "cache_misses": "Cache Misses",
    "cache_evictions": "Cache Evictions",
    "cache_overflows": "Cache Overflows",
    "exact_heap_blocks": "Exact Heap Blocks",
    "lossy_heap_blocks": "Lossy Heap Blocks",
}
_GROUPS = (("full", "Full-sort Groups"), ("presorted", "Pre-sorted Groups"))
BLOCKS = (
    *(f"{kind} {act} Blocks" for kind in ("Shared", "Local") for act in _ACTS),
    "Temp Read Blocks",
    "Temp Written Blocks",
)


def known_names(*groups: Iterable[str]) -> frozenset[str]:
    """All names of a node's values that have a field, with those of this file."""
    return frozenset({*BLOCKS, *(name for group in groups for name in group)})


def buffers_of(node: Mapping[str, Any], where: str) -> Buffers | None:
    """Shared and local blocks together; None where EXPLAIN was not asked for them."""
    if "Shared Hit Blocks" not in node:
        return None
    both = [sum(whole(node, f"{kind} {act} Blocks", where) or 0 for kind in ("Shared", "Local")) for act in _ACTS]
    temporary = [whole(node, f"Temp {act} Blocks", where) or 0 for act in ("Read", "Written")]
    return Buffers(*both, *temporary)


def grouping_of(node: Mapping[str, Any], where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The one key that rows are grouped by; or the grouping sets, each as EXPLAIN's text has it.

    A single set is a key like any other: text cannot tell them apart.
    """
    sets = sequence(node.get("Grouping Sets", []), f"{where}.Grouping Sets")
    if not sets:
        return texts(node, "Group Key", where), ()
    said = [
        line for i, one in enumerate(sets) for line in _set_lines(mapping(one, f"{where}.Grouping Sets[{i}]"), where)
    ]
    if len(said) == 1 and said[0][0] == "Group Key" and said[0][1]:
        return said[0][1], ()
    return (), tuple(f"{name}: {', '.join(keys) or '()'}" for name, keys in said)


def _set_lines(one: Mapping[str, Any], where: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    if "Sort Key" in one:
        yield "Sort Key", texts(one, "Sort Key", where)
    for name, singular in (("Hash Keys", "Hash Key"), ("Group Keys", "Group Key")):
        for keys in sequence(one.get(name, []), f"{where}.Grouping Sets.{name}"):
            yield singular, texts({name: keys}, name, where)


def sort_groups_of(node: Mapping[str, Any], where: str) -> tuple[SortGroups, ...]:
    """What an incremental sort did with its groups; () of any other node."""
    return tuple(
        _groups(mapping(node[name], f"{where}.{name}"), kind, f"{where}.{name}")
        for kind, name in _GROUPS
        if node.get(name) is not None
    )


def _groups(raw: Mapping[str, Any], kind: str, where: str) -> SortGroups:
    memory = mapping(raw.get("Sort Space Memory", {}), f"{where}.Sort Space Memory")
    disk = mapping(raw.get("Sort Space Disk", {}), f"{where}.Sort Space Disk")
    return SortGroups(
        kind="full" if kind == "full" else "presorted",
        groups=whole(raw, "Group Count", where) or 0,
        methods=texts(raw, "Sort Methods Used", where),
        average_memory_kb=whole(memory, "Average Sort Space Used", where),
        peak_memory_kb=whole(memory, "Peak Sort Space Used", where),
        average_disk_kb=whole(disk, "Average Sort Space Used", where),
        peak_disk_kb=whole(disk, "Peak Sort Space Used", where),
    )


def worker_of(raw: object, where: str) -> PlanWorker:
    """What one worker did."""
    worker = mapping(raw, where)
    named = number(worker, "Worker Number", where)
    if named is None:
        raise not_a_plan(where, 'has no "Worker Number"')
    values: dict[str, Any] = {
        **{field: text(worker, name, where) for field, name in _WORKER_TEXTS.items()},
        **{field: number(worker, name, where) for field, name in _WORKER_NUMBERS.items()},
        **{field: whole(worker, name, where) for field, name in _WORKER_WHOLES.items()},
    }
    return PlanWorker(
        number=int(named),
        buffers=buffers_of(worker, where),
        sort_groups=sort_groups_of(worker, where),
        **values,
    )
