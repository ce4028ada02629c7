"""What is wrong with a plan, worst first: one file a code, one row in the table.

A rule sees a `Study` of the plan and says what it found, with the share of the statement's work that it explains. It
judges by shares of time, rows, blocks and counts: a query that runs a thousand times a second is worth mending at a
millisecond, and one that reads everything because everything was asked for is not.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Protocol, cast

from perfctl.db.findings.catalog import Catalog
from perfctl.db.findings.study import Found, Study
from perfctl.db.model.plans import Finding, PlanReport

FINDINGS = (
    # What a rewrite or a type mends, before what an index mends: of two equal ones the first is told first.
    "implicit_cast",
    "function_on_column",
    "leading_wildcard",
    "not_in_subplan",
    "correlated_subplan",
    "cte_materialized",
    "deep_offset",
    "distinct_fanout",
    "no_partition_pruning",
    "order_limit_wrong_index",
    "nestloop_inner_seqscan",
    "materialize_loops",
    "memoize_evictions",
    "nestloop_many_loops",
    "join_filter_discard",
    "dead_tuples",
    "missing_index",
    "index_filter_waste",
    "bitmap_and",
    "lossy_bitmap",
    "heap_fetches",
    "top_n_full_read",
    "sort_spill",
    "hash_spill",
    "hashagg_spill",
    "trigger_fk_no_index",
    "jit_overhead",
    "planning_time",
    "workers_not_launched",
    "misestimate_correlated",
    "stale_stats",
    "select_for_update_many",
    "wide_huge_result",
    "temp_io",
    "cold_reads",
)
"""The codes, which are the files' names."""

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
    found = [(code, one) for code in FINDINGS for one in _rule(code).look(study)]
    told = [(code, one) for code, one in found if not _yields(code, one, found)]
    told.sort(key=_rank)
    return tuple(_distinct(code, one) for code, one in _first_of_each(told))


def _rule(code: str) -> Rule:
    return cast(Rule, importlib.import_module(f"{__name__}.{code}"))


def _yields(code: str, one: Found, found: list[tuple[str, Found]]) -> bool:
    """Whether a finding that says more was made about the same node."""
    others = getattr(_rule(code), "YIELDS_TO", ())
    return any(name in others and set(other.about) & set(one.about) for name, other in found)


def _rank(item: tuple[str, Found]) -> tuple[int, float, int]:
    code, one = item
    return _SEVERITIES.index(one.severity), -round(one.share, 2), FINDINGS.index(code)


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
