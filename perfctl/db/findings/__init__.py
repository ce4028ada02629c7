"""What is wrong with a plan, worst first: one file a code, one row in the table.

A rule sees a `Study` of the plan and says what it found, with the share of the statement's work that it explains. It
judges by shares of time, rows, blocks and counts: a query that runs a thousand times a second is worth mending at a
millisecond, and one that reads everything because everything was asked for is not.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, cast

from perfctl.db.findings.study import Found, Study
from perfctl.db.model.plans import Finding, PlanReport

if TYPE_CHECKING:
    from perfctl.db.findings.catalog import Catalog

FINDINGS = {
    # What a rewrite or a type mends, before what an index mends: of two equal ones the first is told first.
    "implicit_cast": ")::",
    "function_on_column": "filter:",
    "leading_wildcard": "~~",
    "not_in_subplan": "SubPlan",
    "correlated_subplan": "SubPlan",
    "cte_materialized": "CTE Scan",
    "deep_offset": "Limit",
    "distinct_fanout": "Join",
    "no_partition_pruning": "Append",
    "order_limit_wrong_index": "Limit",
    "nestloop_inner_seqscan": "Nested Loop",
    "materialize_loops": "Materialize",
    "memoize_evictions": "Nested Loop",
    "nestloop_many_loops": "Nested Loop",
    "join_filter_discard": "join filter:",
    "dead_tuples": "Scan",
    "missing_index": "Seq Scan",
    "index_filter_waste": "filter:",
    "bitmap_and": "BitmapAnd",
    "lossy_bitmap": "lossy:",
    "heap_fetches": "Index Only Scan",
    "top_n_full_read": "Limit",
    "sort_spill": "Sort",
    "hash_spill": "Hash",
    "hashagg_spill": "Aggregate",
    "trigger_fk_no_index": "trigger:",
    "jit_overhead": "jit:",
    "planning_time": "planned:",
    "workers_not_launched": "Gather",
    "misestimate_correlated": "Scan",
    "stale_stats": "Scan",
    "select_for_update_many": "LockRows",
    "wide_huge_result": "",
    "temp_io": "temporary:",
    "cold_reads": "read:",
}
"""The codes, which are the files' names, and the word in a plan's outline without which there is nothing to look at.

A file is loaded when that word is there: to load all takes longer than to read the plan.
"""

_SEVERITIES = ("critical", "warning", "info")


class Rule(Protocol):
    """What a file has: `look`, and `YIELDS_TO` where another code says more of the same node."""

    YIELDS_TO: tuple[str, ...]

    def look(self, study: Study) -> Iterator[Found]:
        """What is wrong, with the share of the statement's work that it explains."""
        ...


def examine(report: PlanReport, catalog: Catalog | None = None) -> tuple[Finding, ...]:
    """What is wrong with the plan, worst first; at most one finding of a code and relation.

    Without a catalog it is inferred from the plan alone. Nothing is asked of a server.
    """
    study = Study(report, catalog)
    outline = _outline(study)
    found = [(code, one) for code, word in FINDINGS.items() if word in outline for one in _rule(code).look(study)]
    told = [(code, one) for code, one in found if not _yields(code, one, found)]
    told.sort(key=_rank)
    return tuple(_distinct(code, one) for code, one in _first_of_each(told))


def _outline(study: Study) -> str:
    """The words of a plan by which rules are chosen: its nodes, and marks for what else they look at."""
    report = study.report
    words = {f"{node.node_type} {node.parent_relationship}" for node in study.nodes}
    words |= {f"filter: {node.filter}" for node in study.nodes if node.filter}
    words |= {f"join filter: {node.join_filter}" for node in study.nodes if node.join_filter}
    words |= {"lossy:" for node in study.nodes if any(one.lossy_heap_blocks for one in study.each_process(node))}
    words |= {"Join" for node in study.nodes if node.join_type}
    words |= {"trigger:" for _ in report.triggers}
    buffers = report.plan.buffers
    marks = {
        "temporary:": buffers is not None and bool(buffers.temp_read or buffers.temp_written),
        "read:": buffers is not None and buffers.read > 0,
        "jit:": report.jit is not None or "jit_above_cost" in report.settings,
        "planned:": (report.planning_ms or 0.0) > study.total_ms,
    }
    return " ".join(sorted(words | {mark for mark, is_there in marks.items() if is_there}))


def _rule(code: str) -> Rule:
    return cast(Rule, importlib.import_module(f"{__name__}.{code}"))


def _yields(code: str, one: Found, found: list[tuple[str, Found]]) -> bool:
    """Whether a finding that says more was made about the same node."""
    others = getattr(_rule(code), "YIELDS_TO", ())
    return any(name in others and set(other.about) & set(one.about) for name, other in found)


def _rank(item: tuple[str, Found]) -> tuple[int, float, int]:
    code, one = item
    return _SEVERITIES.index(one.severity), -round(one.share, 2), list(FINDINGS).index(code)


def _first_of_each(told: list[tuple[str, Found]]) -> Iterator[tuple[str, Found]]:
    """The worst of those that say the same of the same relation: a partitioned table is told once."""
    seen: set[tuple[str, str]] = set()
    for code, one in told:
        key = (code, one.subject or one.node)
        if key not in seen:
            seen.add(key)
            yield code, one


def _distinct(code: str, one: Found) -> Finding:
    return Finding(
        code=code,
        severity=one.severity,
        node=one.node,
        evidence=one.evidence,
        cause=one.cause,
        next_step=one.next_step,
    )
