"""Explaining a statement leaves nothing behind, whatever the statement is."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.plans import every_node
from perfctl.db.postgres import StatementError, connected
from perfctl.errors import PerfctlError, RefusedError
from tests.integration.db.conftest import Ask, effects

pytestmark = pytest.mark.servers

WRITES = (
    "INSERT INTO stocks (symbol) VALUES ('NEW')",
    "UPDATE stocks SET market_cap = 0",
    "DELETE FROM stocks",
    "MERGE INTO stocks AS s USING (VALUES ('S1')) AS v (symbol) ON s.symbol = v.symbol WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM stocks RETURNING *) SELECT count(*) FROM gone",
    "SELECT * FROM stocks FOR UPDATE",
    "SELECT * INTO copied FROM stocks",
    "SELECT nextval('stocks_id_seq')",
    "EXPLAIN ANALYZE DELETE FROM stocks",
)


def test_the_documented_query_is_explained_with_what_it_did(ask: Ask) -> None:
    report = ask(lambda database: database.analyze_query_performance("SELECT * FROM stocks WHERE symbol = 'AAPL'"))
    assert report.analyzed
    assert (report.plan.relation, report.plan.index, report.plan.actual_rows) == ("stocks", "stocks_symbol_key", 1)
    assert report.plan.buffers is not None
    assert report.execution_ms > 0


@pytest.mark.parametrize("sql", WRITES)
def test_a_statement_that_writes_is_refused_and_nothing_is_written(ask: Ask, config: DatabaseConfig, sql: str) -> None:
    before = effects(config)
    with pytest.raises(RefusedError, match="writes") as caught:
        ask(lambda database: database.analyze_query_performance(sql))
    assert "--allow-write" in str(caught.value.hint)
    assert effects(config) == before


@pytest.mark.parametrize("sql", WRITES[:7])
def test_a_statement_that_may_write_is_rolled_back(ask: Ask, config: DatabaseConfig, sql: str) -> None:
    before = effects(config)[0].split(",")[0]
    report = ask(lambda database: database.analyze_query_performance(sql, allow_write=True))
    assert report.analyzed
    assert effects(config)[0].split(",")[0] == before
    rows = ask(lambda database: database.execute_optimized_query("SELECT to_regclass('copied') IS NULL AS gone"))
    assert rows[0]["gone"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; DELETE FROM stocks",
        "DELETE FROM stocks; SELECT 1",
        "SELECT 1 /* ; */; DELETE FROM stocks",
        "SELECT '; --'; DELETE FROM stocks; --'",
        "SELECT E'\\''; DELETE FROM stocks; --'",
        "COMMIT; DELETE FROM stocks",
        "SET TRANSACTION READ WRITE",
        "DO $$BEGIN DELETE FROM stocks; END$$",
        "COPY stocks TO PROGRAM 'true'",
        "EXPLAIN (ANALYZE) COMMIT",
    ],
)
@pytest.mark.parametrize("allow_write", [False, True])
def test_what_is_not_one_statement_of_a_known_kind_never_runs(
    ask: Ask, config: DatabaseConfig, sql: str, allow_write: bool
) -> None:
    before = effects(config)
    with pytest.raises(RefusedError):
        ask(lambda database: database.analyze_query_performance(sql, allow_write=allow_write))
    assert effects(config) == before


def test_without_running_there_are_estimates_alone(ask: Ask, config: DatabaseConfig) -> None:
    before = effects(config)
    report = ask(lambda database: database.analyze_query_performance("DELETE FROM stocks", run=False))
    assert (report.analyzed, report.execution_ms, report.plan.node_type) == (False, None, "Delete")
    assert effects(config) == before


def test_a_statement_that_takes_too_long_is_explained_without_running_it(ask: Ask) -> None:
    report = ask(lambda database: database.analyze_query_performance("SELECT pg_sleep(60) FROM stocks", timeout=0.2))
    assert not report.analyzed
    assert {node.relation for node in every_node(report.plan)} == {"stocks"}


@pytest.mark.parametrize("sql", ["SELECT * FROM stocks WHERE id = $1 LIMIT $2", "DELETE FROM stocks WHERE id = $1"])
def test_a_text_without_values_is_planned_for_any_value(ask: Ask, config: DatabaseConfig, sql: str) -> None:
    before = effects(config)
    report = ask(lambda database: database.analyze_query_performance(sql))
    assert (report.analyzed, report.is_generic) == (False, True)
    scan = list(every_node(report.plan))[-1]
    assert (scan.node_type, scan.condition) == ("Index Scan", "(id = $1)")
    assert "plan_cache_mode" not in report.settings
    assert effects(config) == before


def test_a_text_that_cannot_be_planned_leaves_no_prepared_statement(ask: Ask) -> None:
    async def fail_then_plan(database: DatabaseOptimizer) -> int:
        with pytest.raises(StatementError, match="line 1, column 16"):
            await database.analyze_query_performance("SELECT $1 FROM nothing")
        await database.analyze_query_performance("SELECT $1::int")
        rows = await database.execute_optimized_query("SELECT count(*) AS n FROM pg_prepared_statements WHERE from_sql")
        assert database.pool.statistics().created == 1
        return int(rows[0]["n"])

    assert ask(fail_then_plan) == 0


def test_more_parameters_than_there_can_be_are_an_error_of_the_statement(ask: Ask) -> None:
    with pytest.raises(PerfctlError) as caught:
        ask(lambda database: database.analyze_query_performance("SELECT $99999999999"))
    assert caught.value.exit_code in (2, 9)


def test_a_locked_table_is_not_waited_for(config: DatabaseConfig) -> None:
    async def while_locked() -> None:
        async with connected(config) as other, DatabaseOptimizer(config) as database:
            await other.execute("BEGIN; LOCK TABLE stocks IN ACCESS EXCLUSIVE MODE")
            await database.analyze_query_performance("SELECT * FROM stocks")

    with pytest.raises(StatementError, match="lock timeout") as caught:
        asyncio.run(while_locked())
    assert caught.value.sqlstate == "55P03"


def test_an_error_is_placed_in_the_text_as_it_was_given(ask: Ask) -> None:
    with pytest.raises(StatementError, match="line 3, column 6"):
        ask(lambda database: database.analyze_query_performance("-- why\nEXPLAIN ANALYZE SELECT 1\nFROM nothing"))


def test_an_explained_statement_leaves_no_transaction_behind(config: DatabaseConfig) -> None:
    async def explain_and_fail() -> tuple[int, int]:
        async with DatabaseOptimizer(dataclasses.replace(config, max_connections=1)) as database:
            for sql in ("SELECT 1", "SELECT 1/0", "SELECT * FROM nothing"):
                try:
                    await database.analyze_query_performance(sql)
                except StatementError:
                    continue
            rows = await database.execute_optimized_query("SHOW transaction_read_only")
            assert rows[0]["transaction_read_only"] == "off"
            statistics = database.pool.statistics()
            return statistics.created, statistics.in_use

    assert asyncio.run(explain_and_fail()) == (1, 0)


def test_parallel_and_nested_plans_are_read(ask: Ask) -> None:
    inner = "SELECT max(symbol) FROM stocks AS i WHERE i.market_cap = o.market_cap"
    sql = f"SELECT sector, ({inner}) FROM stocks AS o LIMIT 3"
    report = ask(lambda database: database.analyze_query_performance(sql))
    subplan = next(node for node in every_node(report.plan) if node.subplan_name)
    assert subplan.loops == 3
    assert sum(node.self_ms or 0 for node in every_node(report.plan)) <= report.execution_ms * 1.01
