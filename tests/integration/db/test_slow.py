"""Slow queries and the doctor, on servers that are set up well, badly and not at all."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.model.statements import SlowQueries
from perfctl.diagnosis import Check, Diagnosis
from perfctl.errors import ServiceError
from tests.integration.db.conftest import Ask, execute

pytestmark = pytest.mark.servers


@pytest.fixture
def load(config: DatabaseConfig) -> None:
    """A known load, alone in pg_stat_statements."""
    execute(
        config,
        "SELECT pg_stat_statements_reset()",
        "SELECT pg_sleep(0.03)",
        *["SELECT symbol FROM stocks WHERE id = 1"] * 12,
        "SELECT * FROM stocks ORDER BY sector",
        "CREATE TEMP TABLE utility AS SELECT 1",
        "/* app:web */ (SELECT 5 UNION SELECT 6)",
    )


@pytest.fixture
def reader(config: DatabaseConfig) -> Iterator[DatabaseConfig]:
    """A role that may connect, and nothing else."""
    execute(config, "DROP ROLE IF EXISTS plain_reader", "CREATE ROLE plain_reader LOGIN PASSWORD 'plain'")
    yield dataclasses.replace(config, username="plain_reader", password="plain")
    execute(config, "DROP OWNED BY plain_reader", "DROP ROLE plain_reader")


def slow(config: DatabaseConfig) -> SlowQueries:
    async def asked() -> SlowQueries:
        async with DatabaseOptimizer(config) as database:
            return await database.slow_queries()

    return asyncio.run(asked())


def examined(config: DatabaseConfig) -> dict[str, Check]:
    async def asked() -> Diagnosis:
        async with DatabaseOptimizer(config) as database:
            return await database.doctor()

    return {check.check: check for check in asyncio.run(asked()).rows}


def test_the_costliest_query_stands_first_with_its_figures(ask: Ask, load: None) -> None:
    answer = ask(lambda database: database.slow_queries())
    first = answer.rows[0]
    assert (first.query, first.calls, first.rows, first.username) == ("SELECT pg_sleep($1)", 1, 1, "perfctl")
    assert first.total_ms >= 30
    assert first.share == pytest.approx(first.total_ms / answer.total_ms, abs=1e-4)
    assert (answer.total, answer.database, answer.evicted, answer.unreadable) == (len(answer.rows), "db_tests", 0, 0)
    assert answer.since is not None


def test_own_statements_and_those_that_steer_a_session_are_left_out(ask: Ask, load: None) -> None:
    for _ in range(2):
        answer = ask(lambda database: database.slow_queries(limit=None))
    assert {row.query.split("WHERE")[0] for row in answer.rows} == {
        "SELECT pg_sleep($1)",
        "SELECT symbol FROM stocks ",
        "SELECT * FROM stocks ORDER BY sector",
        "(SELECT $1 UNION SELECT $2)",
        "CREATE TEMP TABLE utility AS SELECT $1",
        "SELECT pg_stat_statements_reset()",
    }


@pytest.mark.parametrize(("by", "first"), [("calls", "symbol"), ("rows", "ORDER BY sector"), ("mean", "pg_sleep")])
def test_the_order_is_the_one_that_was_asked_for(ask: Ask, load: None, by: str, first: str) -> None:
    assert first in ask(lambda database: database.slow_queries(by=by)).rows[0].query


def test_a_limit_leaves_the_total_as_it_is(ask: Ask, load: None) -> None:
    answer = ask(lambda database: database.slow_queries(limit=2))
    assert (len(answer.rows), answer.total) == (2, 6)


def test_a_role_without_rights_is_told_how_much_it_does_not_see(reader: DatabaseConfig, load: None) -> None:
    answer = slow(reader)
    assert answer.unreadable >= 5
    assert "pg_sleep" not in str(answer.rows)


def test_the_doctor_names_the_right_that_is_missing(reader: DatabaseConfig) -> None:
    checks = examined(reader)
    assert checks["rights"].fix == 'GRANT pg_monitor TO "plain_reader";'
    assert checks["pg_stats"].fix == 'GRANT pg_read_all_data TO "plain_reader";'
    assert checks["connect"].status == "pass"


def test_the_sandbox_is_well(config: DatabaseConfig) -> None:
    assert {check.status for check in examined(config).values()} == {"pass"}


@pytest.fixture
def bare(server: DatabaseConfig) -> Iterator[DatabaseConfig]:
    """A database without the extension."""
    execute(server, "DROP DATABASE IF EXISTS db_bare WITH (FORCE)", "CREATE DATABASE db_bare TEMPLATE template0")
    yield dataclasses.replace(server, database="db_bare")
    execute(server, "DROP DATABASE db_bare WITH (FORCE)")


def test_a_missing_extension_is_mended_by_one_statement(bare: DatabaseConfig) -> None:
    with pytest.raises(ServiceError, match="not created in database 'db_bare'") as caught:
        slow(bare)
    assert caught.value.hint == examined(bare)["pg_stat_statements"].fix == "CREATE EXTENSION pg_stat_statements;"
    execute(bare, str(caught.value.hint))
    assert slow(bare).database == "db_bare"


def test_the_extension_may_live_in_any_schema(bare: DatabaseConfig) -> None:
    execute(bare, 'CREATE SCHEMA "Some ""Where"', 'CREATE EXTENSION pg_stat_statements SCHEMA "Some ""Where"')
    execute(bare, "BEGIN", "SELECT 7")
    assert "SELECT $1" in [row.query for row in slow(bare).rows]


def test_a_server_that_is_down_is_a_failed_check(config: DatabaseConfig) -> None:
    checks = examined(dataclasses.replace(config, port=1))
    assert {name: check.status for name, check in checks.items()} == {"connect": "fail"}


def test_health_never_raises(config: DatabaseConfig) -> None:
    async def asked(config: DatabaseConfig) -> set[str]:
        async with DatabaseOptimizer(config) as database:
            return {check.status for check in await database.health()}

    assert asyncio.run(asked(config)) == {"pass"}
    assert "fail" in asyncio.run(asked(dataclasses.replace(config, password="wrong")))
    assert asyncio.run(asked(DatabaseConfig())) == {"off"}
