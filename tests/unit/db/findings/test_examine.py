"""Findings of plans that are written down here: order, silence, and what a catalog adds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from perfctl.db.findings import examine
from perfctl.db.findings.catalog import Catalog, ColumnFacts, ForeignKey, IndexFacts, TableFacts
from perfctl.db.model.plans import Finding
from perfctl.db.plans import read_plan

TABLE = TableFacts(
    schema="public",
    name="orders",
    kind="table",
    pages=6000,
    rows=350_000,
    bytes=6000 * 8192,
    live=350_000,
    dead=0,
    modified=0,
    last_analyzed=datetime(2026, 1, 1, tzinfo=UTC),
    last_vacuumed=datetime(2026, 1, 1, tzinfo=UTC),
    can_see_statistics=True,
    columns=(ColumnFacts("qty", "integer"), ColumnFacts("status", "text")),
)


def scan(**more: Any) -> dict[str, Any]:
    return {
        "Node Type": "Seq Scan", "Relation Name": "orders", "Alias": "orders", "Plan Rows": 10, "Plan Width": 50,
        "Startup Cost": 0.0, "Total Cost": 9000.0, "Actual Rows": 10, "Actual Loops": 1, "Actual Startup Time": 0.1,
        "Actual Total Time": 90.0, "Filter": "(status = 'open'::text)", "Rows Removed by Filter": 349_990,
        "Shared Hit Blocks": 6000, "Shared Read Blocks": 0, **more,
    }  # fmt: skip


def found(node: dict[str, Any], catalog: Catalog | None = None, **top: Any) -> tuple[Finding, ...]:
    document = [{"Plan": node, "Planning Time": 0.1, "Execution Time": 91.0, **top}]
    return examine(read_plan(json.dumps(document)), catalog)


def codes(node: dict[str, Any], catalog: Catalog | None = None, **top: Any) -> list[tuple[str, str]]:
    return [(one.code, one.severity) for one in found(node, catalog, **top)]


def test_a_large_scan_that_keeps_next_to_nothing_lacks_an_index() -> None:
    (finding,) = found(scan())
    assert (finding.code, finding.severity, finding.node) == ("missing_index", "warning", "Seq Scan on orders")
    assert finding.evidence == "350,000 rows read (47 MB), 10 kept: 99 % of the time, filter (status = 'open'::text)"


def test_a_scan_that_keeps_a_tenth_is_right() -> None:
    assert codes(scan(**{"Actual Rows": 35_000, "Plan Rows": 35_000, "Rows Removed by Filter": 315_000})) == []


def test_a_small_table_is_told_as_info() -> None:
    small = scan(**{"Rows Removed by Filter": 20_000, "Shared Hit Blocks": 100})
    assert codes(small) == [("missing_index", "info")]


def test_an_index_that_exists_is_never_advised_again() -> None:
    index = IndexFacts("orders_status", "btree", ("status",))
    (finding,) = found(scan(), Catalog((replace(TABLE, indexes=(index,)),)))
    assert "orders_status has these columns" in finding.cause
    assert finding.next_step.startswith("ANALYZE public.orders")


@pytest.mark.parametrize(
    ("index", "step"),
    [
        (IndexFacts("orders_status", "btree", ("status",), is_valid=False), "REINDEX INDEX CONCURRENTLY orders_status"),
        (
            IndexFacts("orders_status", "btree", ("status",), predicate="(qty > 5)"),
            "ask for (qty > 5) as well, or index all rows",
        ),
        (IndexFacts("orders_note", "gin", ("status",)), "CREATE INDEX CONCURRENTLY ON public.orders (status)"),
    ],
)
def test_an_index_that_cannot_be_used_is_told_with_the_reason(index: IndexFacts, step: str) -> None:
    (finding,) = found(scan(), Catalog((replace(TABLE, indexes=(index,)),)))
    assert finding.next_step.startswith(step)


def test_a_prefix_wants_the_order_of_bytes() -> None:
    index = IndexFacts("orders_status", "btree", ("status",), operator_classes=("text_ops",))
    (finding,) = found(scan(Filter="(status ~~ 'op%'::text)"), Catalog((replace(TABLE, indexes=(index,)),)))
    assert finding.next_step == "CREATE INDEX CONCURRENTLY ON public.orders (status text_pattern_ops)"


def test_a_cast_names_the_columns_own_type() -> None:
    node = scan(Filter="((qty)::numeric = '5'::numeric)")
    (finding,) = found(node, Catalog((TABLE,)))
    assert finding.code == "implicit_cast"
    assert finding.next_step == "give the value the column's type: qty = CAST(... AS integer)"


def test_a_cause_is_told_once_and_its_consequence_is_not() -> None:
    assert codes(scan(Filter="(lower(status) = 'open'::text)")) == [("function_on_column", "warning")]


def test_statistics_are_made_for_columns_that_go_together() -> None:
    node = scan(**{"Filter": "((city = 'x'::text) AND (land = 'y'::text))", "Actual Rows": 40_000,
                   "Rows Removed by Filter": 310_000, "Plan Rows": 400, "Plan Width": 4})  # fmt: skip
    made = (
        "CREATE STATISTICS orders_city_land (dependencies, mcv) ON city, land FROM public.orders; ANALYZE public.orders"
    )
    (finding,) = found(node, Catalog((TABLE,)))
    assert (finding.code, finding.next_step) == ("misestimate_correlated", made)
    (unseen,) = found(node, Catalog((replace(TABLE, can_see_statistics=False),)))
    assert "estimate unavailable" in unseen.cause


def test_fresh_statistics_are_not_called_stale() -> None:
    node = scan(**{"Actual Rows": 40_000, "Rows Removed by Filter": 310_000, "Plan Rows": 400, "Plan Width": 4})
    assert codes(node) == [("stale_stats", "warning")]
    assert codes(node, Catalog((TABLE,))) == []
    assert codes(node, Catalog((replace(TABLE, modified=300_000),))) == [("stale_stats", "warning")]


def test_a_foreign_key_without_index_is_named_with_its_statement() -> None:
    key = ForeignKey("lines_fkey", "lines", ("order_id",), "orders", is_indexed=False)
    node = scan(**{"Rows Removed by Filter": 0, "Filter": "", "Shared Hit Blocks": 1})
    triggers = [
        {"Trigger Name": "RI_ConstraintTrigger_a_1", "Constraint Name": "lines_fkey", "Time": 80.0, "Calls": 20}
    ]
    (finding,) = found(node, Catalog((), (key,)), Triggers=triggers)
    assert finding.next_step == "CREATE INDEX CONCURRENTLY ON lines (order_id)"
    assert codes(node, Catalog((), (replace(key, is_indexed=True),)), Triggers=triggers) == []


def test_a_plan_that_was_not_run_is_judged_by_its_estimates_alone() -> None:
    kept = ("Node Type", "Relation Name", "Alias", "Plan Rows", "Plan Width", "Startup Cost", "Total Cost")
    estimated = {name: value for name, value in scan().items() if name in kept}
    assert codes(estimated | {"Filter": "(lower(status) = 'open'::text)"}) == [("function_on_column", "warning")]
    estimated |= {"Filter": "(status = 'open'::text)"}
    assert codes(estimated) == []
    (finding,) = found(estimated, Catalog((TABLE,)))
    assert finding.evidence == (
        "350,000 rows to read (47 MB), 10 kept: 100 % of the cost, filter (status = 'open'::text)"
    )


def test_an_empty_plan_has_no_findings() -> None:
    assert found({"Node Type": "Result", "Plan Rows": 1}) == ()


def test_a_node_that_never_ran_is_not_judged() -> None:
    assert codes(scan(**{"Actual Loops": 0, "Actual Rows": 0, "Actual Total Time": 0.0})) == []


def test_a_scan_that_exists_stopped_early_has_no_wrong_estimate() -> None:
    stopped = scan(**{"Plan Rows": 340_000, "Actual Rows": 1, "Rows Removed by Filter": 0, "Shared Hit Blocks": 1})
    result = {"Node Type": "Result", "Plan Rows": 1, "Actual Rows": 1, "Actual Loops": 1, "Actual Total Time": 91.0}
    assert (
        codes({**result, "Plans": [stopped | {"Parent Relationship": "InitPlan", "Subplan Name": "InitPlan 1"}]}) == []
    )
    join = {**result, "Node Type": "Nested Loop", "Join Type": "Semi"}
    assert codes({**join, "Plans": [stopped | {"Parent Relationship": "Outer"}]}) == []
    read_whole = {**result, "Node Type": "Aggregate", "Strategy": "Plain"}
    assert codes({**read_whole, "Plans": [stopped | {"Parent Relationship": "Outer"}]}) == [("stale_stats", "warning")]


def reads(hit: int, read: int, waited: float, **more: Any) -> dict[str, Any]:
    kept = {"Actual Rows": 350_000, "Plan Rows": 350_000, "Plan Width": 8, "Rows Removed by Filter": 0}
    return scan(**kept, **{"Shared Hit Blocks": hit, "Shared Read Blocks": read, "I/O Read Time": waited, **more})


@pytest.mark.parametrize(
    ("node", "severity"),
    [
        (reads(0, 6000, 30.0), "warning"),
        (reads(0, 6000, 5.0), "warning"),  # less than reading takes: somebody else read ahead
        (reads(0, 6000, 15.0, **{"Actual Total Time": 300.0}), "info"),
        (reads(60_000, 6000, 40.0), "warning"),  # the pages were visited again and again
        (reads(60_000, 6000, 10.0), None),
    ],
)
def test_cold_reads_are_told_by_the_blocks_or_by_the_time_that_they_took(
    node: dict[str, Any], severity: str | None
) -> None:
    told = dict(codes(node, None, **{"Execution Time": node["Actual Total Time"]}))
    assert told.get("cold_reads") == severity


def test_the_head_of_a_queue_is_full_of_dead_rows() -> None:
    walk = {"Node Type": "Index Scan", "Index Name": "orders_pkey", "Filter": None, "Rows Removed by Filter": 0}
    assert codes(scan(**walk, **{"Actual Rows": 1})) == [("dead_tuples", "warning")]
    assert codes(scan(**walk, **{"Actual Rows": 6000, "Plan Rows": 6000})) == []
    assert codes(scan(**walk, **{"Actual Rows": 1, "Index Cond": "(id IS NOT NULL)"})) == [("dead_tuples", "warning")]
    assert codes(scan(**walk, **{"Actual Rows": 1, "Index Cond": "(line = 5)"})) == []


def test_blocks_of_long_values_are_no_dead_rows() -> None:
    few = {"Actual Rows": 3000, "Plan Rows": 3000, "Rows Removed by Filter": 0}
    assert codes(scan(**few)) == [("dead_tuples", "warning")]
    assert codes(scan(**few, **{"Total Cost": 150.0})) == []


def joined(order: str, rows: int, join_type: str = "Inner") -> dict[str, Any]:
    """The first ten of a join of all orders, whose filter is gone, with their people."""
    plain = {"Filter": None, "Rows Removed by Filter": 0, "Alias": "o", "Actual Rows": 350_000, "Plan Rows": 350_000}
    people = {"Relation Name": "people", "Alias": "p", "Actual Rows": 900, "Plan Rows": 900, "Shared Hit Blocks": 20}
    inner = scan(**{**plain, **people, "Actual Total Time": 2.0})
    hashed = {"Node Type": "Hash", "Parent Relationship": "Inner", "Plans": [inner]}
    rest = {"Relation Name": None, "Alias": None, "Filter": None, "Rows Removed by Filter": 0, "Plan Rows": rows}
    join = scan(**rest, **{
        "Node Type": "Hash Join", "Join Type": join_type, "Hash Cond": "(o.person = p.id)", "Actual Rows": rows,
        "Actual Total Time": 200.0,
        "Plans": [scan(**plain), scan(**rest, **hashed, **{"Actual Rows": 900, "Actual Total Time": 3.0})],
    })  # fmt: skip
    sort = {"Node Type": "Sort", "Sort Key": [order], "Sort Method": "top-N heapsort", "Actual Total Time": 240.0}
    limit = {"Node Type": "Limit", "Actual Total Time": 240.0}
    return scan(**rest, **limit, **{"Plans": [scan(**rest, **sort, **{"Plans": [join]})]})


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (joined("o.total DESC", 350_000), True),
        (joined("o.total", 350_000, "Left"), True),
        (joined("o.total", 350_000, "Right"), False),
        (joined("o.total", 9_000), False),
        (joined("p.name", 350_000), False),
        (joined("lower(o.ref)", 350_000), False),
    ],
)
def test_an_index_gives_the_first_rows_of_a_join_when_the_order_is_of_one_table(
    node: dict[str, Any], told: bool
) -> None:
    assert ("top_n_full_read" in dict(codes(node, None, **{"Execution Time": 241.0}))) is told


def test_a_few_hundred_rows_matter_where_hardly_any_were_expected() -> None:
    asked = "((country = 'de'::text) AND (city = 'x'::text))"
    few = {"Filter": asked, "Actual Rows": 300, "Rows Removed by Filter": 300, "Shared Hit Blocks": 20}
    assert codes(scan(**few, **{"Plan Rows": 1}))[0] == ("misestimate_correlated", "warning")
    assert ("misestimate_correlated", "info") in codes(scan(**few, **{"Plan Rows": 20}))


def by_index(**more: Any) -> dict[str, Any]:
    of_index = {"Node Type": "Index Scan", "Index Name": "orders_customer", "Index Cond": "(customer = c.id)"}
    return scan(**{**of_index, "Shared Hit Blocks": 3000, "Actual Total Time": 0.02, **more})


def test_look_ups_that_find_three_rows_each_waste_no_index() -> None:
    few = {"Actual Loops": 4000, "Actual Rows": 0, "Rows Removed by Filter": 3}
    many = {"Actual Loops": 400, "Actual Rows": 0, "Rows Removed by Filter": 30}
    assert codes(by_index(**few), None, **{"Execution Time": 81.0}) == []
    assert codes(by_index(**many), None, **{"Execution Time": 9.0}) == [("index_filter_waste", "warning")]


def test_a_short_walk_under_a_limit_wastes_no_index() -> None:
    walk = by_index(**{"Index Cond": None, "Actual Rows": 20, "Rows Removed by Filter": 900, "Actual Total Time": 2.0})
    rest = {"Relation Name": None, "Alias": None, "Filter": None, "Rows Removed by Filter": 0, "Actual Rows": 20}
    limit = scan(**rest, **{"Node Type": "Limit", "Actual Total Time": 2.1, "Plans": [walk]})
    assert codes(limit, None, **{"Execution Time": 2.2}) == []
