"""What PostgreSQL tells of itself: to a role without rights, without the extension, with it in another schema."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from perfctl import DatabaseConfig, PerformanceMetrics, PerformanceOptimizer
from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers


@pytest.fixture
def config(sandbox: RunningSandbox) -> Iterator[DatabaseConfig]:
    """An empty database of the sandbox's server, and a role `nobody_special` that may connect to it."""
    environment = sandbox.environment
    owner = DatabaseConfig(
        host=environment["DB_HOST"],
        port=int(environment["DB_PORT"]),
        database=environment["DB_NAME"],
        username=environment["DB_USER"],
        password=environment["DB_PASSWORD"],
    )
    _run(owner, "CREATE DATABASE figures", "CREATE ROLE nobody_special LOGIN PASSWORD 'made-up'")
    yield replace(owner, database="figures")
    _run(owner, "DROP DATABASE figures WITH (FORCE)", "DROP ROLE nobody_special")


def _run(config: DatabaseConfig, *statements: str) -> None:
    async def run() -> None:
        async with PerformanceOptimizer(database_config=config) as optimizer:
            for statement in statements:
                await optimizer.database.execute_optimized_query(statement)

    asyncio.run(run())


def _measured(config: DatabaseConfig, *, connected: int = 0) -> PerformanceMetrics:
    async def measured() -> PerformanceMetrics:
        async with PerformanceOptimizer(database_config=config) as optimizer:
            async with asyncio.TaskGroup() as others:
                for _ in range(connected):
                    others.create_task(optimizer.database.execute_optimized_query("SELECT pg_sleep(0.2)"))
            return await optimizer.metrics.measure(interval_seconds=0.05)

    return asyncio.run(measured())


def test_without_the_extension_it_says_how_to_get_it(config: DatabaseConfig) -> None:
    metrics = _measured(config)
    assert "create extension pg_stat_statements" in metrics.unmeasured["database_query_time_ms"]
    assert metrics.measured("active_connections") == 0


def test_the_extension_may_live_in_a_schema_with_any_name(config: DatabaseConfig) -> None:
    _run(config, 'CREATE SCHEMA "Odd one"', 'CREATE EXTENSION pg_stat_statements SCHEMA "Odd one"')
    assert (_measured(config).measured("database_query_time_ms") or 0) > 0


def test_a_role_without_rights_still_sees_how_many_are_connected(config: DatabaseConfig) -> None:
    _run(config, "CREATE EXTENSION pg_stat_statements")
    stranger = replace(config, username="nobody_special", password="made-up")

    async def measured() -> PerformanceMetrics:
        async with PerformanceOptimizer(database_config=config) as owner:
            await owner.database.execute_optimized_query("SELECT 1")
            async with PerformanceOptimizer(database_config=stranger) as optimizer:
                return await optimizer.metrics.measure(interval_seconds=0.05)

    metrics = asyncio.run(measured())
    assert metrics.measured("active_connections") == 1
    assert metrics.measured("database_query_time_ms") is not None


def test_connections_of_this_process_count_but_the_one_that_asks(config: DatabaseConfig) -> None:
    assert _measured(config, connected=3).measured("active_connections") == 2


def test_statements_of_perfctl_itself_are_none_of_the_application(config: DatabaseConfig) -> None:
    """Nobody else uses this database: what is looked at again and again stays the one statement that was asked."""
    _run(config, "CREATE EXTENSION pg_stat_statements", "SELECT pg_stat_statements_reset()")
    for _ in range(3):
        source = _measured(config).sources["database_query_time_ms"]
        assert source == "pg_stat_statements, 1 calls since its reset"
