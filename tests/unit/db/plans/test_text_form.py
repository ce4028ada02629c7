"""EXPLAIN's text, line by line, as versions 12 to 18 print it."""

from __future__ import annotations

from typing import Any

import pytest

from perfctl.db.model.plans import Buffers, PlanJit, PlanNode, PlanSerialization, SortGroups
from perfctl.db.plans import every_node, read_text_plan
from perfctl.errors import UsageError

COST = "(cost=0.00..1.05 rows=5 width=4)"
RAN = f"{COST} (actual time=0.010..0.020 rows=5 loops=1)"


def node(label: str, *lines: str, ran: bool = True) -> PlanNode:
    """The root of a plan with these lines under it."""
    text = "\n".join([f"{label}  {RAN if ran else COST}", *(f"  {line}" for line in lines)])
    return read_text_plan(text).plan


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Seq Scan on t", {"node_type": "Seq Scan", "relation": "t", "alias": "t", "schema": None}),
        (
            "Parallel Seq Scan on public.t a",
            {"parallel_aware": True, "relation": "t", "alias": "a", "schema": "public"},
        ),
        ('Seq Scan on "a on b" "c d"', {"relation": "a on b", "alias": "c d"}),
        ('Seq Scan on "say ""x"""', {"relation": 'say "x"'}),
        ("Index Scan Backward using i on t", {"index": "i", "scan_direction": "Backward", "relation": "t"}),
        ('Index Only Scan using "i on t" on t', {"index": "i on t", "node_type": "Index Only Scan"}),
        ("Bitmap Index Scan on i", {"index": "i", "relation": None}),
        ("Async Foreign Scan on far f", {"async_capable": True, "relation": "far", "node_type": "Async Foreign Scan"}),
        ("Foreign Update on far", {"operation": "Update", "node_type": "Foreign Update"}),
        ("Custom Scan (ColumnarScan) on t", {"node_type": "Custom Scan (ColumnarScan)", "relation": "t"}),
        ("Function Scan on pg_catalog.generate_series g", {"function": "generate_series", "alias": "g"}),
        ('Table Function Scan on "xmltable" x', {"function": "xmltable", "alias": "x"}),
        ("CTE Scan on x y", {"relation": "x", "alias": "y"}),
        ("WorkTable Scan on r", {"relation": "r"}),
        ('Values Scan on "*VALUES*"', {"relation": None, "alias": "*VALUES*"}),
        ("Subquery Scan on s", {"relation": None, "alias": "s"}),
        ("Named Tuplestore Scan on newtab", {"relation": "newtab"}),
        ("Hash Right Anti Join", {"node_type": "Hash Right Anti Join", "join_type": "Right Anti"}),
        ("Nested Loop Left Join", {"join_type": "Left"}),
        ("Nested Loop", {"join_type": "Inner"}),
        ("Partial HashAggregate", {"strategy": "Hashed", "partial_mode": "Partial"}),
        ("Finalize GroupAggregate", {"strategy": "Sorted", "partial_mode": "Finalize"}),
        ("HashSetOp Except All", {"command": "Except All", "strategy": "Hashed", "node_type": "HashSetOp Except All"}),
        ("SetOp Intersect", {"command": "Intersect", "strategy": "Sorted"}),
        ("Merge on target t", {"operation": "Merge", "node_type": "Merge", "relation": "target", "alias": "t"}),
        ("Tid Range Scan on t", {"node_type": "Tid Range Scan"}),
        ("Quantum Scan on t", {"node_type": "Quantum Scan", "relation": "t"}),
    ],
)
def test_the_name_of_a_node_is_taken_apart(label: str, expected: dict[str, Any]) -> None:
    found = node(label)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("label", "line", "expected"),
    [
        ("Sort", "Sort Key: a DESC, (lower((b)::text)) COLLATE \"C\", ((c || ', '::text))", {"sort_key": 3}),
        ("Sort", "Sort Method: external merge  Disk: 1232kB", {"sort_space_kb": 1232, "sort_space_type": "Disk"}),
        ("Sort", "Sort Method: top-N heapsort  Memory: 25kB", {"sort_method": "top-N heapsort"}),
        ("Hash", "Buckets: 2048 (originally 1024)  Batches: 8 (originally 1)  Memory Usage: 97kB", {"hash_batches": 8}),
        ("Hash", "Buckets: 1024  Batches: 1  Memory Usage: 9kB", {"original_hash_batches": 1, "peak_memory_kb": 9}),
        (
            "HashAggregate",
            "Batches: 5  Memory Usage: 4145kB  Disk Usage: 80kB",
            {"hashagg_batches": 5, "disk_usage_kb": 80},
        ),
        ("HashAggregate", "Planned Partitions: 4  Batches: 5  Memory Usage: 1kB", {"planned_partitions": 4}),
        ("HashAggregate", "Batches: 1  Memory Usage: 24kB", {"disk_usage_kb": 0, "planned_partitions": 0}),
        ("Bitmap Heap Scan on t", "Heap Blocks: exact=3 lossy=44", {"exact_heap_blocks": 3, "lossy_heap_blocks": 44}),
        ("Bitmap Heap Scan on t", "Heap Blocks: lossy=44", {"exact_heap_blocks": 0}),
        ("Memoize", "Hits: 980  Misses: 20  Evictions: 1  Overflows: 2  Memory Usage: 3kB", {"cache_overflows": 2}),
        ("Memoize", "Cache Key: a.x, a.y", {"cache_key": "a.x, a.y"}),
        ("Index Only Scan using i on t", "Heap Fetches: 7", {"heap_fetches": 7}),
        ("Index Scan using i on t", "Index Searches: 3", {"index_searches": 3}),
        ("Materialize", "Storage: Disk  Maximum Storage: 170kB", {"storage": "Disk", "maximum_storage_kb": 170}),
        ("WindowAgg", "Window: w1 AS (PARTITION BY a ORDER BY b)", {"window": "w1 AS (PARTITION BY a ORDER BY b)"}),
        ("WindowAgg", "Run Condition: (row_number() OVER (?) <= 3)", {"run_condition": "(row_number() OVER (?) <= 3)"}),
        ("Seq Scan on t", "Disabled: true", {"disabled": True}),
        ("Gather", "Single Copy: true", {"single_copy": True}),
        ("Append", "Subplans Removed: 4", {"subplans_removed": 4}),
        ("Sample Scan on t", "Sampling: system ('10'::real) REPEATABLE ('1'::double precision)", {"sampling": 1}),
        ("Insert on t", "Conflict Arbiter Indexes: t_pkey, t_a", {"conflict_arbiter_indexes": ("t_pkey", "t_a")}),
        ("Insert on t", "Conflicting Tuples: 4", {"conflicting_tuples": 4}),
        ("Merge on t", "Tuples: inserted=3 deleted=1", {"tuples_inserted": 3, "tuples_updated": 0}),
        ("Foreign Scan on t", "Remote SQL: SELECT a FROM public.t WHERE ((b = 'x: y'))", {"remote_sql": 1}),
        ("Seq Scan on t", "WAL: records=3 fpi=1 bytes=8400 buffers full=2", {"wal_records": 3, "wal_bytes": 8400}),
        ("Seq Scan on t", "I/O Timings: read=1.5 write=0.5", {"io_read_ms": 1.5, "io_write_ms": 0.5}),
        ("Seq Scan on t", "I/O Timings: shared/local read=1.5, temp read=2.5 write=3.5", {"temp_io_write_ms": 3.5}),
        ("Seq Scan on t", "I/O Timings: shared read=1.5, local read=1.0 write=2.0, temp read=4", {"io_read_ms": 2.5}),
        ("Result", "One-Time Filter: (now() < '2000-01-01'::date)", {"one_time_filter": 1, "filter": 1}),
    ],
)
def test_a_line_says_what_the_json_would(label: str, line: str, expected: dict[str, Any]) -> None:
    found = node(label, line)
    for name, value in expected.items():
        said = getattr(found, name)
        if name == "sort_key":
            assert len(said) == value
        elif value == 1 and isinstance(said, str):
            assert line.endswith(said)
        else:
            assert said == value


def test_blocks_of_all_kinds_are_counted() -> None:
    found = node(
        "Sort", "Buffers: shared hit=1 read=2 dirtied=3 written=4, local hit=10 read=20, temp read=5 written=6"
    )
    assert found.buffers == Buffers(hit=11, read=22, dirtied=3, written=4, temp_read=5, temp_written=6)


def test_an_incremental_sort_has_both_kinds_of_groups() -> None:
    found = node(
        "Incremental Sort",
        "Full-sort Groups: 3  Sort Method: quicksort  Average Memory: 27kB  Peak Memory: 28kB",
        "Pre-sorted Groups: 4  Sort Methods: top-N heapsort, external merge  Average Memory: 30kB  Peak Memory: 31kB"
        "  Average Disk: 100kB  Peak Disk: 200kB",
    )
    assert found.sort_groups == (
        SortGroups("full", 3, ("quicksort",), 27, 28),
        SortGroups("presorted", 4, ("top-N heapsort", "external merge"), 30, 31, 100, 200),
    )


def test_grouping_sets_are_listed_and_a_single_one_is_a_key() -> None:
    rolled = node("MixedAggregate", "Hash Key: a, b", "Group Key: ()", "Sort Key: c", "  Group Key: c")
    assert rolled.grouping_sets == ("Hash Key: a, b", "Group Key: ()", "Sort Key: c", "Group Key: c")
    assert node("HashAggregate", "Group Key: a, b").group_key == ("a", "b")


def test_the_tree_follows_the_indentation() -> None:
    text = f"""\
Nested Loop  {COST}
  CTE x
    ->  Result  {COST}
  ->  Hash Join  {COST}
        Hash Cond: (a.id = b.id)
        ->  Seq Scan on a  {COST}
              SubPlan 1
                ->  Seq Scan on d  {COST}
        ->  Hash  {COST}
              ->  Seq Scan on b  {COST}
  ->  Index Scan using i on c  {COST}
        Index Cond: (id = a.id)
"""
    found = [
        (node.node_type, node.parent_relationship, node.subplan_name) for node in every_node(read_text_plan(text).plan)
    ]
    assert found == [
        ("Nested Loop", None, None),
        ("Result", "InitPlan", "CTE x"),
        ("Hash Join", "Outer", None),
        ("Seq Scan", "Outer", None),
        ("Seq Scan", "SubPlan", "SubPlan 1"),
        ("Hash", "Inner", None),
        ("Seq Scan", "Outer", None),
        ("Index Scan", "Inner", None),
    ]


def test_a_node_that_never_ran_has_no_loops() -> None:
    text = f"Append  {RAN}\n  ->  Seq Scan on t  {COST} (never executed)\n        Filter: (a = 1)\n"
    child = read_text_plan(text).plan.children[0]
    assert (child.loops, child.actual_rows, child.rows_removed, child.total_ms) == (0, 0, 0, 0)


def test_a_text_in_quotes_goes_on_over_lines_and_may_look_like_a_plan() -> None:
    found = node(
        "Seq Scan on t", "Filter: (a = 'two", "  Filter: nothing", "lines'::text)", "Rows Removed by Filter: 3"
    )
    assert found.filter == "(a = 'two\n    Filter: nothing\n  lines'::text)"
    assert found.rows_removed == 3


def test_a_quote_that_nobody_closes_swallows_no_node() -> None:
    text = f"Append  {COST}\n  Filter: (a = 'cut off\n  ->  Seq Scan on t  {COST}\n"
    assert read_text_plan(text).plan.children[0].relation == "t"


def test_workers_of_a_verbose_plan_have_their_own_lines() -> None:
    found = node(
        "Sort",
        "Sort Method: quicksort  Memory: 25kB",
        "Worker 0:  actual time=0.1..0.2 rows=3 loops=1",
        "  Sort Method: external merge  Disk: 50kB",
        "  JIT:",
        "    Functions: 2",
        "  Buffers: shared hit=5",
        "Worker 1:  Sort Method: quicksort  Memory: 26kB",
    )
    first, second = found.workers
    assert (first.actual_rows, first.sort_space_kb, first.buffers) == (3, 50, Buffers(hit=5))
    assert (second.number, second.sort_space_kb, second.actual_rows) == (1, 26, None)
    assert found.sort_space_kb == 25


def test_what_stands_under_the_nodes_is_about_the_whole() -> None:
    report = read_text_plan(
        f"""\
Update on t  {RAN}
  ->  Seq Scan on t  {RAN}
Settings: work_mem = '64kB', search_path = '"$user", ''x'''
Query Identifier: -77
Planning:
  Buffers: shared hit=4 read=2
  Memory: used=13kB  allocated=16kB
Planning Time: 0.123 ms
Trigger for constraint t_fk on t: time=1.5 calls=3
Trigger "touch it": time=0.5 calls=2
JIT:
  Functions: 8
  Options: Inlining false, Optimization false, Expressions true, Deforming true
  Timing: Generation 1.2 ms (Deform 0.4 ms), Inlining 0.0 ms, Optimization 0.3 ms, Emission 5.5 ms, Total 7.0 ms
Serialization: time=0.100 ms  output=2kB  format=text
  Buffers: shared hit=1
Execution Time: 9.500 ms
"""
    )
    assert report.settings == {"work_mem": "64kB", "search_path": "\"$user\", 'x'"}
    assert (report.query_id, report.planning_ms, report.execution_ms) == ("-77", 0.123, 9.5)
    assert (report.planning_buffers, report.planning_memory_kb) == (Buffers(hit=4, read=2), 13)
    assert [(trigger.name, trigger.relation, trigger.calls) for trigger in report.triggers] == [
        ("t_fk", "t", 3),
        ('"touch it"', None, 2),
    ]
    assert report.jit == PlanJit(8, 1.2, 0.4, 0.0, 0.3, 5.5, 7.0, ("Expressions", "Deforming"))
    assert report.serialization == PlanSerialization("text", 0.1, 2, Buffers(hit=1))


def test_a_plan_without_costs_is_read_by_its_names() -> None:
    report = read_text_plan(
        "Hash Left Join\n  Hash Cond: (a = b)\n  ->  Seq Scan on t\n  ->  Hash\n        ->  Seq Scan on u\n"
    )
    assert [node.node_type for node in every_node(report.plan)] == ["Hash Left Join", "Seq Scan", "Hash", "Seq Scan"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no plan in it"),
        ("hello\nworld", "line 1 is not a line of a plan: 'hello'"),
        (f"Seq Scan on t  {COST}\n  what is this", "line 2 is not a line of a plan: 'what is this'"),
        (f"Seq Scan on t  {COST}\n  Buffers: many", "line 2 has no value that 'Buffers' has"),
        (f"Seq Scan on t  {COST}\n  Rows Removed by Filter: few", "line 2 has no value"),
        (f"Seq Scan on t  {COST}\nSeq Scan on u  {COST}", "line 2 begins a second plan"),
        (f"Append  {COST}\n->  Seq Scan on u  {COST}", "line 2 is a node left of the one that it hangs under"),
        (f"Sort  {COST}\nTrigger x: soon", "line 2"),
        (f"Sort  {COST}\nPlanning Time: soon", "line 2"),
        (f"Sort  {COST}\n  Sort Method: {'9' * 400}", "line 2"),
        (f"Seq Scan on t  (cost=0.00..{'9' * 400}.00 rows=5 width=4)", "line 1 the number is too large"),
    ],
)
def test_a_line_that_is_none_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_text_plan(text)
