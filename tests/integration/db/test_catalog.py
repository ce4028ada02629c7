"""What the server knows of a plan's tables, and what findings make of it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.explaining import explain
from perfctl.db.findings import examine
from perfctl.db.findings.catalog import Catalog, gather
from perfctl.db.model.plans import Finding, PlanReport
from perfctl.db.plans import read_plan
from perfctl.db.postgres import connected
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.servers

TABLES = """
CREATE SCHEMA shop;
CREATE SCHEMA attic;
CREATE TABLE attic.orders (id int);
CREATE TABLE shop.customers (id int PRIMARY KEY, email varchar(60));
CREATE TABLE shop.orders (id int PRIMARY KEY, customer int CONSTRAINT orders_customer_fkey REFERENCES shop.customers,
  qty int, city text, land text, note text);
INSERT INTO shop.customers SELECT i, 'a' || i FROM generate_series(1, 500) i;
INSERT INTO shop.orders SELECT i, 1 + i % 500, i % 100, 'c' || i % 9, 'l' || i % 9, repeat('n', 60)
  FROM generate_series(1, 80000) i;
CREATE INDEX orders_qty ON shop.orders (qty) WHERE qty > 5;
CREATE INDEX orders_lower ON shop.orders (lower(note)) INCLUDE (city);
CREATE STATISTICS shop.places (dependencies) ON city, land FROM shop.orders;
CREATE TABLE shop.events (at date, k int) PARTITION BY RANGE (at);
CREATE TABLE shop.events_1 PARTITION OF shop.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
VACUUM ANALYZE shop.orders;
ANALYZE shop.customers;
"""


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> Iterator[DatabaseConfig]:
    """A database with a shop, whose search_path finds it, and a role that may read nothing."""
    postgres.sql("CREATE DATABASE catalogs", "ALTER DATABASE catalogs SET search_path = shop, attic")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            postgres.sql(statement, database="catalogs")
    postgres.sql("CREATE ROLE blind LOGIN", database="catalogs")
    postgres.sql("GRANT USAGE ON SCHEMA shop TO blind", database="catalogs")
    yield postgres.config(database="catalogs")
    postgres.sql("DROP DATABASE catalogs WITH (FORCE)", "DROP ROLE blind")


def explained(config: DatabaseConfig, sql: str) -> PlanReport:
    async def run() -> PlanReport:
        async with connected(config) as session:
            rows = await session.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
            return read_plan(rows[0][0])

    return asyncio.run(run())


def gathered(config: DatabaseConfig, report: PlanReport) -> Catalog:
    async def run() -> Catalog:
        async with connected(config) as session:
            return await gather(session, report)

    return asyncio.run(run())


def told(config: DatabaseConfig, sql: str) -> list[Finding]:
    report = explained(config, sql)
    return list(examine(report, gathered(config, report)))


def test_a_table_is_known_whole(database: DatabaseConfig) -> None:
    catalog = gathered(database, explained(database, "SELECT * FROM orders WHERE note = 'x'"))
    (table,) = catalog.tables
    assert (table.full_name, table.kind, table.rows, table.live) == ("shop.orders", "table", 80_000, 80_000)
    assert table.pages > 500
    assert table.last_analyzed is not None
    assert table.can_see_statistics
    assert [column.name for column in table.columns] == ["id", "customer", "qty", "city", "land", "note"]
    qty = table.column("qty")
    assert qty is not None
    assert (qty.type, qty.distinct) == ("integer", 100)
    indexes = {index.name: index for index in table.indexes}
    assert indexes["orders_lower"].columns == ("lower(note)",)
    assert indexes["orders_lower"].included == ("city",)
    assert indexes["orders_qty"].predicate == "(qty > 5)"
    assert indexes["orders_pkey"].is_primary
    assert table.extended == (("city", "land"),)


def test_a_foreign_key_is_seen_from_both_ends(database: DatabaseConfig) -> None:
    catalog = gathered(database, explained(database, "SELECT * FROM customers"))
    (key,) = catalog.foreign_keys
    assert (key.name, key.columns, key.is_indexed) == ("orders_customer_fkey", ("customer",), False)
    assert key.table == "shop.orders"


def test_a_partition_brings_its_parents_key(database: DatabaseConfig) -> None:
    catalog = gathered(database, explained(database, "SELECT * FROM events WHERE k = 1"))
    parent = catalog.table("events")
    assert parent is not None
    assert parent.partition_key == "RANGE (at)"


def test_what_a_role_may_not_see_is_not_estimated(database: DatabaseConfig) -> None:
    report = explained(database, "SELECT * FROM orders WHERE note = 'x'")
    catalog = gathered(dataclasses.replace(database, username="blind"), report)
    (table,) = catalog.tables
    assert not table.can_see_statistics
    assert {column.distinct for column in table.columns} == {None}


def test_a_cast_is_told_with_the_columns_type(database: DatabaseConfig) -> None:
    finding = told(database, "SELECT * FROM orders WHERE id = 77.0")[0]
    assert finding.code == "implicit_cast"
    assert "orders_pkey cannot be used" in finding.cause
    assert finding.next_step == "give the value the column's type: id = CAST(... AS integer)"


def test_an_index_with_the_expression_is_not_made_twice(database: DatabaseConfig) -> None:
    sql = "SELECT * FROM orders WHERE lower(note) = 'x'"
    assert [one.code for one in told(database, sql)] == []
    assert "CREATE INDEX" in told(database, "SELECT * FROM orders WHERE upper(note) = 'x'")[0].next_step


def test_a_statement_without_tables_has_an_empty_catalog(database: DatabaseConfig) -> None:
    catalog = gathered(database, explained(database, "SELECT 1"))
    assert (catalog.tables, catalog.foreign_keys) == ((), ())
    assert catalog.work_mem_kb == 4096
    assert "plpgsql" in catalog.extensions


def test_an_explained_statement_says_what_is_wrong_with_it(database: DatabaseConfig) -> None:
    async def run() -> PlanReport:
        async with connected(database) as session:
            return await explain(session, "SELECT * FROM orders WHERE qty = 7.0 AND id > 9.0", run=True)

    finding = asyncio.run(run()).findings[0]
    assert finding.code == "implicit_cast"
    assert finding.next_step.endswith("CAST(... AS integer)")
