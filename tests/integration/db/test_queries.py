"""The application's own statements, through the pool, on a real server."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from perfctl.config import DatabaseConfig, Secret
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.postgres import NoConnectionError, StatementError, connected
from perfctl.errors import AuthError, ConfigError, ServiceError, TimedOutError, UnreachableError, UsageError
from tests.integration.db.conftest import Ask

pytestmark = pytest.mark.servers


def test_the_documented_query_answers_with_records(ask: Ask) -> None:
    rows = ask(
        lambda database: database.execute_optimized_query(
            "SELECT * FROM stocks WHERE sector = %s ORDER BY market_cap DESC", params=("technology",), use_cache=True
        )
    )
    assert len(rows) == 1001
    assert dict(rows[0]) == {"id": 3001, "symbol": "AAPL", "sector": "technology", "market_cap": 3_000_000_000_000}
    assert rows[0]["symbol"] == "AAPL"


def test_values_are_bound_and_never_part_of_the_text(ask: Ask) -> None:
    hostile = "x'; DROP TABLE stocks; --"
    rows = ask(lambda database: database.execute_optimized_query("SELECT %s::text AS v, '%s' AS w", (hostile,)))
    assert [dict(row) for row in rows] == [{"v": hostile, "w": "%s"}]


@pytest.mark.parametrize("value", [None, 0, -7, 2**40, 1.5, True, "ü 🙂", "", "%s", "$1", "\\'"])
def test_values_come_back_as_they_were_sent(ask: Ask, value: object) -> None:
    kind = {bool: "boolean", int: "bigint", float: "float8"}.get(type(value), "text")
    rows = ask(lambda database: database.execute_optimized_query(f"SELECT %s::{kind} AS v", (value,)))
    assert rows[0]["v"] == value


def test_a_cached_answer_is_not_asked_for_again(ask: Ask) -> None:
    async def twice(database: DatabaseOptimizer) -> list[bool]:
        for _ in range(2):
            await database.execute_optimized_query("SELECT count(*) FROM stocks", use_cache=True)
        return [execution.was_cached for execution in database.query_optimizer.executions]

    assert ask(twice) == [False, True]


def test_a_write_through_perfctl_forgets_what_was_cached(ask: Ask) -> None:
    async def read_write_read(database: DatabaseOptimizer) -> list[str]:
        read = "SELECT sector FROM stocks WHERE symbol = %s"
        answers = []
        for sector in ("first", "second"):
            await database.execute_optimized_query("UPDATE stocks SET sector = %s WHERE symbol = 'S1'", (sector,))
            rows = await database.execute_optimized_query(read, ("S1",), use_cache=True)
            answers.append(rows[0]["sector"])
        await database.execute_optimized_query("UPDATE stocks SET sector = 'energy' WHERE symbol = 'S1'")
        return answers

    assert ask(read_write_read) == ["first", "second"]


def test_a_write_is_never_cached(ask: Ask, config: DatabaseConfig) -> None:
    async def draw_twice(database: DatabaseOptimizer) -> int:
        await database.execute_optimized_query("CREATE TABLE drawn (a int)", use_cache=True)
        for _ in range(2):
            await database.execute_optimized_query("INSERT INTO drawn VALUES (1)", use_cache=True)
        rows = await database.execute_optimized_query("SELECT count(*) AS n FROM drawn")
        await database.execute_optimized_query("DROP TABLE drawn")
        return int(rows[0]["n"])

    assert ask(draw_twice) == 2


def test_a_disabled_cache_never_keeps_anything(config: DatabaseConfig) -> None:
    async def twice() -> list[bool]:
        async with DatabaseOptimizer(dataclasses.replace(config, enable_query_cache=False)) as database:
            for _ in range(2):
                await database.execute_optimized_query("SELECT 1", use_cache=True)
            return [execution.was_cached for execution in database.query_optimizer.executions]

    assert asyncio.run(twice()) == [False, False]


def test_an_sql_error_has_its_sqlstate_place_and_hint(ask: Ask) -> None:
    with pytest.raises(StatementError) as caught:
        ask(lambda database: database.execute_optimized_query("SELECT id,\n  symbl FROM stocks"))
    error = caught.value
    assert (error.exit_code, error.sqlstate, error.position) == (9, "42703", 14)
    assert error.message == 'PostgreSQL: column "symbl" does not exist (SQLSTATE 42703) at line 2, column 3'
    assert error.hint == 'Perhaps you meant to reference the column "stocks.symbol".'


def test_a_parameter_of_the_wrong_type_is_a_service_error(ask: Ask) -> None:
    with pytest.raises(ServiceError, match="invalid input for query argument"):
        ask(lambda database: database.execute_optimized_query("SELECT %s::int", ("seven",)))


def test_too_few_parameters_are_noticed_before_the_server_is_asked(config: DatabaseConfig) -> None:
    nowhere = dataclasses.replace(config, port=1)
    with pytest.raises(UsageError, match="1 placeholder "):
        asyncio.run(DatabaseOptimizer(nowhere).execute_optimized_query("SELECT %s"))


def test_a_numbered_placeholder_without_a_parameter_is_a_usage_error(ask: Ask) -> None:
    with pytest.raises(UsageError, match="expects 1 argument"):
        ask(lambda database: database.execute_optimized_query("SELECT $1::int"))


@pytest.mark.parametrize("sql", ["SELECT 'a\x00b'", "SELECT '\udcff'"])
def test_a_text_that_cannot_be_sent_is_a_usage_error(ask: Ask, sql: str) -> None:
    with pytest.raises(UsageError):
        ask(lambda database: database.execute_optimized_query(sql))


@pytest.mark.parametrize("value", ["a\x00b", "\udcff", 10**30, {"a": 1}])
def test_a_value_that_cannot_be_sent_is_a_service_error(ask: Ask, value: object) -> None:
    kind = {int: "int", dict: "jsonb"}.get(type(value), "text")
    with pytest.raises(ServiceError):
        ask(lambda database: database.execute_optimized_query(f"SELECT %s::{kind}", (value,)))


def test_a_statement_that_takes_too_long_is_stopped_and_the_connection_lives(ask: Ask) -> None:
    async def slow_then_quick(database: DatabaseOptimizer) -> int:
        with pytest.raises(TimedOutError):
            await database.execute_optimized_query("SELECT pg_sleep(30)", timeout=0.2)
        rows = await database.execute_optimized_query("SELECT 1 AS one")
        return int(rows[0]["one"])

    assert ask(slow_then_quick) == 1


def test_a_terminated_session_is_replaced(ask: Ask, config: DatabaseConfig) -> None:
    async def survive(database: DatabaseOptimizer) -> bool:
        before = await database.execute_optimized_query("SELECT pg_backend_pid() AS pid")
        async with connected(config) as other:
            await other.fetch("SELECT pg_terminate_backend($1, 5000)", before[0]["pid"])
        after = await database.execute_optimized_query("SELECT pg_backend_pid() AS pid")
        return bool(after[0]["pid"] != before[0]["pid"])

    assert ask(survive)


def test_twenty_callers_share_the_pool(config: DatabaseConfig) -> None:
    async def crowd() -> tuple[list[int], int]:
        async with DatabaseOptimizer(dataclasses.replace(config, max_connections=3)) as database:
            asked = (database.execute_optimized_query("SELECT %s::int AS n", (n,)) for n in range(20))
            answers = await asyncio.gather(*asked)
            return [rows[0]["n"] for rows in answers], database.pool.statistics().created

    answers, created = asyncio.run(crowd())
    assert answers == list(range(20))
    assert 1 <= created <= 3


def test_a_cancelled_query_gives_its_caller_nothing_of_another(config: DatabaseConfig) -> None:
    async def cancel_some() -> list[int]:
        async with DatabaseOptimizer(dataclasses.replace(config, max_connections=2)) as database:
            sql = "SELECT %s::int AS n, pg_sleep(0.005)"
            tasks = [asyncio.create_task(database.execute_optimized_query(sql, (n,))) for n in range(30)]
            await asyncio.sleep(0.01)
            for task in tasks[::3]:
                task.cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            wrong = [n for n, rows in enumerate(answers) if isinstance(rows, list) and rows[0]["n"] != n]
            assert database.pool.statistics().in_use == 0
            return wrong

    assert asyncio.run(cancel_some()) == []


def test_a_password_is_looked_up_at_each_connection(config: DatabaseConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTATED", str(config.password))
    by_variable = dataclasses.replace(config, password=Secret("env", "ROTATED"), enable_connection_pooling=False)

    async def rotate() -> None:
        async with DatabaseOptimizer(by_variable) as database:
            await database.execute_optimized_query("SELECT 1")
            monkeypatch.setenv("ROTATED", "wrong")
            await database.execute_optimized_query("SELECT 1")

    with pytest.raises(AuthError, match="28P01"):
        asyncio.run(rotate())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"password": "wrong"}, AuthError),
        ({"username": "nobody_here"}, AuthError),
        ({"port": 1}, UnreachableError),
        ({"host": "does-not-exist.invalid", "sslmode": "disable"}, UnreachableError),
        ({"database": "does_not_exist"}, ServiceError),
        ({"sslmode": "require"}, UnreachableError),
        ({"host": None}, ConfigError),
    ],
)
def test_why_there_is_no_connection_is_told_apart(
    config: DatabaseConfig, change: dict[str, object], error: type[Exception]
) -> None:
    database = DatabaseOptimizer(dataclasses.replace(config, **change))  # type: ignore[arg-type]
    with pytest.raises(error) as caught:
        asyncio.run(database.execute_optimized_query("SELECT 1"))
    assert type(caught.value) in (error, StatementError, NoConnectionError)
    assert isinstance(caught.value, error)
    assert str(config.password) not in str(caught.value)


def test_our_sessions_are_called_perfctl(ask: Ask) -> None:
    rows = ask(lambda database: database.execute_optimized_query("SHOW application_name"))
    assert rows[0]["application_name"] == "perfctl"
