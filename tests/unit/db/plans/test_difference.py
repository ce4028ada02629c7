"""Two plans compared: which node does whose work, what changed, what is new, what is gone."""

from __future__ import annotations

from perfctl.db.model.plans import NodeChange, PlanDifference
from perfctl.db.plans import read_text_plan
from perfctl.db.plans.difference import compare

SLOW = """\
Sort  (cost=90.00..91.00 rows=10 width=8) (actual time=9.0..9.5 rows=10 loops=1)
  Sort Key: t.day
  Sort Method: external merge  Disk: 80kB
  Buffers: shared hit=10 read=90, temp read=10 written=10
  ->  Hash Join  (cost=5.00..80.00 rows=10 width=8) (actual time=1.0..8.0 rows=10 loops=1)
        Hash Cond: (t.u_id = u.id)
        Buffers: shared hit=10 read=90
        ->  Seq Scan on trades t  (cost=0.00..70.00 rows=10 width=8) (actual time=0.5..6.0 rows=10 loops=1)
              Filter: (symbol = 'A'::text)
              Rows Removed by Filter: 9990
              Buffers: shared hit=8 read=90
        ->  Hash  (cost=2.00..2.00 rows=20 width=4) (actual time=0.5..0.5 rows=20 loops=1)
              Buckets: 1024  Batches: 1  Memory Usage: 9kB
              Buffers: shared hit=2
              ->  Seq Scan on users u  (cost=0.00..2.00 rows=20 width=4) (actual time=0.1..0.4 rows=20 loops=1)
                    Buffers: shared hit=2
Settings: work_mem = '64kB'
Planning Time: 0.200 ms
Execution Time: 10.000 ms
"""
FAST = """\
Nested Loop  (cost=0.50..9.00 rows=10 width=8) (actual time=0.1..0.9 rows=10 loops=1)
  Buffers: shared hit=24
  ->  Index Scan using trades_day on trades t  (cost=0.25..4.00 rows=10 width=8) (actual time=0.1..0.3 rows=10 loops=1)
        Index Cond: (symbol = 'A'::text)
        Buffers: shared hit=4
  ->  Index Scan using users_pkey on users u  (cost=0.25..0.50 rows=1 width=4) (actual time=0.01..0.02 rows=1 loops=10)
        Index Cond: (id = t.u_id)
        Buffers: shared hit=20
Planning Time: 0.300 ms
Execution Time: 1.000 ms
"""


def difference(before: str, after: str) -> PlanDifference:
    return compare(read_text_plan(before), read_text_plan(after))


def test_each_node_finds_the_one_that_does_its_work() -> None:
    found = difference(SLOW, FAST)
    assert [(node.status, node.before, node.after) for node in found.nodes] == [
        ("removed", "Sort", None),
        ("changed", "Hash Join", "Nested Loop"),
        ("changed", "Seq Scan on trades t", "Index Scan using trades_day on trades t"),
        ("removed", "Hash", None),
        ("changed", "Seq Scan on users u", "Index Scan using users_pkey on users u"),
    ]
    assert not found.is_same


def test_what_changed_is_told_with_both_values() -> None:
    scan = difference(SLOW, FAST).nodes[2]
    assert scan.changes == (
        NodeChange("node_type", "Seq Scan", "Index Scan"),
        NodeChange("index", None, "trades_day"),
        NodeChange("condition", None, "(symbol = 'A'::text)"),
        NodeChange("filter", "(symbol = 'A'::text)", None),
    )
    assert (scan.before_rows, scan.after_rows, scan.before_blocks, scan.after_blocks) == (10, 10, 98, 4)
    assert (scan.before_cost, scan.after_cost, scan.before_ms, scan.after_ms) == (70, 4, 6, 0.3)


def test_totals_and_settings_are_compared() -> None:
    found = difference(SLOW, FAST)
    assert (found.before.execution_ms, found.after.execution_ms) == (10, 1)
    assert (found.before.nodes, found.after.nodes) == (5, 3)
    assert (found.before.temp_blocks, found.after.blocks_hit) == (20, 24)
    assert found.settings == (NodeChange("work_mem", "64kB", None),)


def test_a_plan_is_the_same_as_itself_however_long_it_took() -> None:
    found = difference(SLOW, SLOW.replace("10.000 ms", "20.000 ms").replace("time=0.5..6.0", "time=0.9..7.0"))
    assert found.is_same
    assert {node.status for node in found.nodes} == {"same"}


def test_a_join_order_that_changed_is_a_join_that_was_moved() -> None:
    def joined(first: str, second: str, third: str) -> str:
        cost = "(cost=0.00..1.00 rows=1 width=4)"
        return (
            f"Nested Loop  {cost}\n  ->  Nested Loop  {cost}\n        ->  Seq Scan on {first}  {cost}\n"
            f"        ->  Seq Scan on {second}  {cost}\n  ->  Seq Scan on {third}  {cost}\n"
        )

    found = difference(joined("a", "b", "c"), joined("a", "c", "b"))
    assert [node.status for node in found.nodes] == ["same"] * 5


def test_the_same_relation_twice_is_told_apart_by_its_alias() -> None:
    cost = "(cost=0.00..1.00 rows=1 width=4)"
    plan = f"Nested Loop  {cost}\n  ->  Seq Scan on t x  {cost}\n  ->  Seq Scan on t y  {cost}\n"
    found = difference(plan, plan.replace("Seq Scan on t y", "Index Scan using i on t y"))
    assert [node.after for node in found.nodes if node.status == "changed"] == ["Index Scan using i on t y"]


def test_many_nodes_that_are_not_alike_are_compared_soon() -> None:
    cost = "(cost=0.00..1.00 rows=1 width=4)"
    plans = [
        f"Append  {cost}\n" + "".join(f"  ->  Seq Scan on {name}_{number}  {cost}\n" for number in range(3000))
        for name in ("a", "b")
    ]
    found = difference(*plans)
    assert sum(node.status == "added" for node in found.nodes) == 3000


def test_a_relation_under_another_alias_is_the_same_relation() -> None:
    cost = "(cost=0.00..1.00 rows=1 width=4)"
    found = difference(f"Limit  {cost}\n  ->  Seq Scan on t a  {cost}\n", f"Seq Scan on t b  {cost}\n")
    assert [(node.status, node.before, node.after) for node in found.nodes] == [
        ("removed", "Limit", None),
        ("same", "Seq Scan on t a", "Seq Scan on t b"),
    ]
