"""What a sandbox's database holds, and what the load left in its statistics."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.model.plans import PlanReport
from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.plans import every_node
from perfctl.db.postgres import connected
from perfctl.db.sqltext import fingerprint, statements
from perfctl.sandbox.seed import run_load, seed_data
from perfctl.sandbox.seed.data import TABLES, script
from perfctl.sandbox.seed.load_quick import quick_statements
from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def config(seeded_sandbox: RunningSandbox) -> DatabaseConfig:
    """The seeded database, as its owner."""
    said = seeded_sandbox.environment
    return DatabaseConfig(
        host=said["DB_HOST"],
        port=int(said["DB_PORT"]),
        username=said["DB_USER"],
        password=said["DB_PASSWORD"],
        database=said["DB_NAME"],
    )


def rows(config: DatabaseConfig, sql: str) -> list[tuple[Any, ...]]:
    async def asked() -> list[tuple[Any, ...]]:
        async with connected(config) as session:
            return [tuple(row.values()) for row in await session.fetch(sql)]

    return asyncio.run(asked())


def explained(config: DatabaseConfig, sql: str) -> PlanReport:
    async def asked() -> PlanReport:
        async with DatabaseOptimizer(config) as database:
            return await database.analyze_query_performance(sql)

    return asyncio.run(asked())


@pytest.fixture(scope="module")
def slow(config: DatabaseConfig) -> SlowQueries:
    async def asked() -> SlowQueries:
        async with DatabaseOptimizer(config) as database:
            return await database.slow_queries(by="mean", limit=None)

    return asyncio.run(asked())


def test_there_are_between_one_and_two_million_rows(config: DatabaseConfig) -> None:
    counts = {name: rows(config, f"SELECT count(*) FROM {name}")[0][0] for name in TABLES}
    assert counts == {
        "stocks": 5000,
        "prices": 390_600,
        "holdings": 250_000,
        "users": 60_000,
        "portfolios": 80_000,
        "orders": 350_000,
        "watchlists": 100_000,
    }


def test_the_key_of_each_table_is_id_and_counts_on(config: DatabaseConfig) -> None:
    keys = rows(
        config,
        "SELECT c.relname::text, a.attname::text FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid "
        "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) "
        "WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace",
    )
    assert dict(keys) == dict.fromkeys(TABLES, "id")
    for name in TABLES:
        sql = f"SELECT nextval(pg_get_serial_sequence('{name}', 'id')) > max(id) FROM {name}"
        assert rows(config, sql) == [(True,)]


def test_every_reference_leads_somewhere(config: DatabaseConfig) -> None:
    references = rows(
        config,
        "SELECT conrelid::regclass::text, attname::text, confrelid::regclass::text FROM pg_constraint "
        "JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] WHERE contype = 'f' AND convalidated",
    )
    assert len(references) == 9
    for table, column, other in references:
        lost = f"SELECT count(*) FROM {table} LEFT JOIN {other} AS o ON o.id = {column} WHERE o.id IS NULL"
        assert rows(config, lost) == [(0,)], (table, column)


def test_there_are_missing_values_and_a_few_users_do_most(config: DatabaseConfig) -> None:
    nulls = "SELECT count(*) FILTER (WHERE limit_price IS NULL) > 1000, count(*) FILTER (WHERE note IS NULL) > 1000"
    assert rows(config, f"{nulls} FROM orders") == [(True, True)]
    share = rows(config, "SELECT (count(*) FILTER (WHERE user_id <= 600))::float / count(*) FROM orders")[0][0]
    assert 0.15 < share < 0.35


def test_the_documented_queries_find_what_they_ask_for(config: DatabaseConfig) -> None:
    assert explained(config, "SELECT * FROM stocks WHERE symbol = 'AAPL'").plan.actual_rows == 1
    found = explained(config, "SELECT * FROM stocks WHERE sector = 'technology' ORDER BY market_cap DESC")
    assert (found.plan.actual_rows or 0) > 100


def blocks_a_call(row: SlowQuery) -> float:
    return ((row.shared_hit_blks or 0) + (row.shared_read_blks or 0)) / row.calls


def test_the_load_leaves_ten_shapes_that_are_slow_among_ten_that_are_quick(slow: SlowQueries) -> None:
    counted = {row.fingerprint: row for row in slow.rows}
    bad = [counted[shape] for shape in set(map(fingerprint, statements(script("load_slow.sql"))))]
    good = [counted[shape] for shape in set(map(fingerprint, quick_statements()))]
    assert (len(bad), len(good)) == (10, 10)
    assert min(map(blocks_a_call, bad)) > 500 > 5 * max(map(blocks_a_call, good))


def test_seeding_itself_is_not_counted(slow: SlowQueries) -> None:
    filling = [["INSERT", "INTO", name] for name in TABLES]
    assert not [row.query for row in slow.rows if row.query.split()[:3] in filling]


@pytest.mark.parametrize(
    ("sql", "node"),
    [
        ("SELECT * FROM orders WHERE user_id = 17", "Seq Scan"),
        ("SELECT * FROM holdings WHERE portfolio_id = 17", "Index Scan"),
        ("SELECT * FROM users WHERE lower(email) = 'x'", "Seq Scan"),
        ("SELECT * FROM prices WHERE stock_id = 1 AND day = '2025-12-24'", "Index Scan"),
    ],
)
def test_indexes_are_missing_only_where_they_should_be(config: DatabaseConfig, sql: str, node: str) -> None:
    assert any(node in found.node_type for found in every_node(explained(config, sql).plan))


@pytest.fixture
def empty(config: DatabaseConfig) -> Iterator[dict[str, DatabaseConfig]]:
    """Two empty databases."""
    made = {name: dataclasses.replace(config, database=name) for name in ("seed_one", "seed_two")}
    for name in made:
        for statement in (f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE template0"):
            rows(config, statement)
    yield made
    for name in made:
        rows(config, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.soak
@pytest.mark.skipif(not os.environ.get("PERFCTL_SOAK"), reason="seeds twice: make soak")
def test_two_seeds_are_the_same_to_the_last_row(config: DatabaseConfig, empty: dict[str, DatabaseConfig]) -> None:
    where: dict[str, Any] = {
        "host": config.host,
        "port": config.port,
        "user": config.username,
        "password": config.password,
    }
    for name in empty:
        asyncio.run(seed_data(**where, database=name))
        asyncio.run(run_load(**where, database=name))
    sums = [
        [rows(one, f"SELECT sum(hashtext(t::text)) FROM {table} AS t") for table in TABLES] for one in empty.values()
    ]
    assert sums[0] == sums[1]
