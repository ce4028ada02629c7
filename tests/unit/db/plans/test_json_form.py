"""Plans that EXPLAIN (FORMAT JSON) printed are read without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfctl.db.model.plans import Buffers
from perfctl.db.plans import MAX_DEPTH, every_node, read_plan
from perfctl.errors import UsageError

PLANS = sorted((Path(__file__).parents[3] / "fixtures" / "db").glob("plan_*.json"))


def plan_of(**node: Any) -> str:
    return json.dumps([{"Plan": {"Node Type": "Result", "Plan Rows": 1, **node}}])


def timed(kind: str, total: float, *children: dict[str, Any], loops: float = 1, **more: Any) -> dict[str, Any]:
    node = {"Node Type": kind, "Plan Rows": 1, "Actual Rows": 1, "Actual Loops": loops, "Actual Total Time": total}
    return {**node, **more, **({"Plans": list(children)} if children else {})}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_times_of_all_nodes_add_up_to_the_whole(path: Path) -> None:
    report = read_plan(path.read_text())
    own = sum(node.self_ms or 0 for node in every_node(report.plan))
    assert own == pytest.approx(report.plan.total_ms, rel=0.001)


def test_a_sort_that_spilled_is_read_with_everything_it_said() -> None:
    report = read_plan((PLANS[0].parent / "plan_sort_spill_18.json").read_text())
    sort, scan = every_node(report.plan)
    assert report.analyzed
    assert report.settings["work_mem"] == "1MB"
    assert (sort.sort_key, sort.sort_method, sort.sort_space_kb) == (("amount", "note"), "external merge", 104536)
    assert sort.buffers == Buffers(hit=14635, temp_read=39198, temp_written=39323)
    assert (scan.relation, scan.actual_rows, scan.loops) == ("o", 600000, 1)


def test_a_cte_is_paid_by_the_scan_that_reads_it() -> None:
    report = read_plan((PLANS[0].parent / "plan_cte_15.json").read_text())
    scan = next(node for node in every_node(report.plan) if node.node_type == "CTE Scan")
    producer = next(node for node in every_node(report.plan) if node.subplan_name == "CTE x")
    assert scan.self_ms == pytest.approx((scan.total_ms or 0) - (producer.total_ms or 0), abs=0.01)


def test_the_time_of_a_loop_counts_as_often_as_it_ran() -> None:
    report = read_plan(
        [{"Plan": timed("Nested Loop", 100, timed("Index Scan", 0.5, loops=150)), "Execution Time": 100}]
    )
    inner = report.plan.children[0]
    assert (inner.total_ms, inner.time_share) == (75, 0.75)


def test_workers_side_by_side_are_not_counted_twice() -> None:
    scan = timed("Seq Scan", 90, loops=3)
    report = read_plan([{"Plan": timed("Gather", 100, scan, **{"Workers Launched": 2}), "Execution Time": 100}])
    assert (report.plan.self_ms, report.plan.children[0].self_ms) == (10, 90)


def test_a_node_that_a_limit_stopped_has_no_wrong_estimate() -> None:
    scan = timed("Seq Scan", 1, **{"Plan Rows": 1000, "Actual Rows": 10})
    cut = read_plan([{"Plan": timed("Limit", 1, scan)}]).plan.children[0]
    whole = read_plan([{"Plan": timed("Limit", 1, timed("Sort", 1, scan))}]).plan.children[0].children[0]
    assert (cut.row_error, whole.row_error) == (None, 100)


def test_fewer_than_one_row_counts_as_one() -> None:
    node = timed("Seq Scan", 1, **{"Plan Rows": 50, "Actual Rows": 0.02})
    assert read_plan([{"Plan": node}]).plan.row_error == 50


def test_without_analyze_nothing_is_measured() -> None:
    report = read_plan(plan_of(**{"Total Cost": 8.5}))
    assert not report.analyzed
    assert (report.plan.loops, report.plan.self_ms, report.plan.time_share, report.plan.buffers) == (None,) * 4


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"Node Type": "Seq Scan", "Parallel Aware": True}, "Parallel Seq Scan"),
        ({"Node Type": "Aggregate", "Strategy": "Hashed", "Partial Mode": "Partial"}, "Partial HashAggregate"),
        ({"Node Type": "Hash Join", "Join Type": "Left"}, "Hash Left Join"),
        ({"Node Type": "Nested Loop", "Join Type": "Anti"}, "Nested Loop Anti Join"),
        ({"Node Type": "ModifyTable", "Operation": "Update"}, "Update"),
        ({"Node Type": "Index Scan", "Scan Direction": "Backward"}, "Index Scan Backward"),
    ],
)
def test_nodes_have_the_names_that_explain_prints(node: dict[str, Any], expected: str) -> None:
    assert read_plan(plan_of(**node)).plan.node_type == expected


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "is not JSON"),
        ("[]", r"plan's \$ is \[\], not an object"),
        ('[{"Planning Time": 1}]', r'\$ has no "Plan"'),
        ('[{"Plan": {}}]', r'\$\.Plan has no "Node Type"'),
        (plan_of(Plans=[{"Node Type": 7}]), r"\$\.Plan\.Plans\[0\]\.Node Type is 7, not a text"),
        (plan_of(Plans={}), r"\$\.Plan\.Plans is \{\}, not a list"),
        (plan_of(**{"Actual Rows": "many"}), r"\$\.Plan\.Actual Rows is 'many', not a number"),
        (plan_of(**{"Actual Rows": -1}), "not a number of at least 0"),
        ("[" * 100_000, "."),
    ],
)
def test_what_is_not_a_plan_is_named_with_its_place(document: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_plan(document)


def test_a_plan_that_is_nested_without_end_is_refused() -> None:
    node: dict[str, Any] = {"Node Type": "Append"}
    for _ in range(MAX_DEPTH + 1):
        node = {"Node Type": "Append", "Plans": [node]}
    with pytest.raises(UsageError, match="more than"):
        read_plan([{"Plan": node}])
