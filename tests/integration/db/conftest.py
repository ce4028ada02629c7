"""A database of its own on the sandbox's PostgreSQL, with tables that a test can count."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.postgres import connected
from tests.conftest import RunningSandbox

Answer = TypeVar("Answer")
Ask = Callable[[Callable[[DatabaseOptimizer], Awaitable[Any]]], Any]

TABLES = """
CREATE EXTENSION pg_stat_statements;
CREATE TABLE stocks (id serial PRIMARY KEY, symbol text UNIQUE, sector text, market_cap bigint);
INSERT INTO stocks (symbol, sector, market_cap)
SELECT 'S' || i, CASE WHEN i % 3 = 0 THEN 'technology' ELSE 'energy' END, i * 1000 FROM generate_series(1, 3000) AS i;
INSERT INTO stocks (symbol, sector, market_cap) VALUES ('AAPL', 'technology', 3000000000000), ('NIX', NULL, NULL);
ANALYZE stocks;
"""


@pytest.fixture(scope="session")
def server(sandbox: RunningSandbox) -> DatabaseConfig:
    """The sandbox's PostgreSQL, as its superuser."""
    said = sandbox.environment
    return DatabaseConfig(
        host=said["DB_HOST"],
        port=int(said["DB_PORT"]),
        username=said["DB_USER"],
        password=said["DB_PASSWORD"],
        database=said["DB_NAME"],
    )


@pytest.fixture(scope="session")
def config(server: DatabaseConfig) -> Iterator[DatabaseConfig]:
    """A database with 3,002 stocks."""
    execute(server, "DROP DATABASE IF EXISTS db_tests WITH (FORCE)", "CREATE DATABASE db_tests")
    config = dataclasses.replace(server, database="db_tests")
    execute(config, TABLES)
    yield config
    execute(server, "DROP DATABASE db_tests WITH (FORCE)")


@pytest.fixture
def ask(config: DatabaseConfig) -> Ask:
    """Ask an engine that is opened for one question: `ask(lambda database: database.slow_queries())`."""

    def answered(question: Callable[[DatabaseOptimizer], Awaitable[Answer]]) -> Answer:
        return asyncio.run(_answered(config, question))

    return answered


@pytest.fixture
def variables(config: DatabaseConfig) -> dict[str, str]:
    """The environment in which a perfctl process finds that database."""
    return {
        "DB_HOST": str(config.host),
        "DB_PORT": str(config.port),
        "DB_NAME": str(config.database),
        "DB_USER": str(config.username),
        "DB_PASSWORD": str(config.password),
    }


def execute(config: DatabaseConfig, *scripts: str) -> None:
    """Run scripts on a connection of their own."""

    async def run() -> None:
        async with connected(config) as session:
            for script in scripts:
                await session.execute(script)

    asyncio.run(run())


def fetch(config: DatabaseConfig, sql: str) -> list[Any]:
    """The first column of a statement's rows."""

    async def run() -> list[Any]:
        async with connected(config) as session:
            return [row[0] for row in await session.fetch(sql)]  # type: ignore[index]

    return asyncio.run(run())


def effects(config: DatabaseConfig) -> list[Any]:
    """What a write would change: the rows, their versions, the sequence, the tables."""
    return fetch(
        config,
        "SELECT json_build_array("
        "(SELECT sum(hashtext(s::text || s.xmin::text || s.ctid::text)) FROM stocks AS s),"
        "(SELECT last_value FROM stocks_id_seq),"
        "(SELECT count(*) FROM pg_class), (SELECT sum(hashtext(f::text)) FROM pg_db_role_setting AS f))::text",
    )


async def _answered(config: DatabaseConfig, question: Callable[[DatabaseOptimizer], Awaitable[Answer]]) -> Answer:
    async with DatabaseOptimizer(config) as database:
        return await question(database)
