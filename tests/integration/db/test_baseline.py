"""Planted plan regressions are found, a fresh ANALYZE is none, and other data are refused; on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from perfctl.db.baselines.storing import load, store
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.model.baselines import Baseline
from perfctl.diagnosis import Diagnosis
from perfctl.errors import RefusedError, UsageError
from tests.campaign import SOAKS
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("baseline")]

TEMPLATE = "workload"
SCHEMA = (
    "CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL, country text, note text)",
    """INSERT INTO customers SELECT n, 'user' || n || '@example.com', 'c' || n % 40, repeat('x', 60)
       FROM generate_series(1, 5000) AS n""",
    "CREATE UNIQUE INDEX customers_email ON customers (email)",
    "CREATE INDEX customers_lower ON customers (lower(email))",
    """CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, status text,
       placed timestamptz, total numeric, lines jsonb)""",
    """INSERT INTO orders SELECT n, 1 + n % 5000, CASE WHEN n % 500 = 0 THEN 'open' ELSE 'done' END,
       timestamptz '2025-01-01' + n * interval '5 minutes', n % 997, jsonb_build_object('k', n % 50)
       FROM generate_series(1, 20000) AS n""",
    "CREATE INDEX orders_customer ON orders (customer_id)",
    "CREATE INDEX orders_placed ON orders (placed)",
    "CREATE INDEX orders_open ON orders (placed) WHERE status = 'open'",
    "CREATE INDEX orders_lines ON orders USING gin (lines)",
    "CREATE TABLE events (day date NOT NULL, kind int, body text) PARTITION BY RANGE (day)",
    *(
        f"CREATE TABLE events_{month} PARTITION OF events FOR VALUES FROM ('2025-{month:02}-01') TO "
        f"('2025-{month + 1:02}-01')"
        for month in range(1, 7)
    ),
    """INSERT INTO events SELECT date '2025-01-01' + n % 180, n % 30, repeat('y', 40)
       FROM generate_series(1, 12000) AS n""",
    "CREATE VIEW latest AS SELECT * FROM orders WHERE placed > timestamptz '2025-03-10'",
    "ANALYZE",
)
WORKLOAD = (
    "SELECT * FROM customers WHERE id = 77",
    "SELECT id FROM customers WHERE email = 'user5@example.com'",
    "SELECT id FROM customers WHERE lower(email) = 'user9@example.com'",
    "SELECT * FROM orders WHERE customer_id = 500",
    "SELECT * FROM orders WHERE status = 'open' ORDER BY placed DESC LIMIT 20",
    "SELECT count(*) FROM orders WHERE placed BETWEEN '2025-02-01' AND '2025-02-02'",
    "SELECT c.email, o.total FROM customers AS c JOIN orders AS o ON o.customer_id = c.id WHERE c.id IN (1, 2, 3)",
    'SELECT * FROM orders WHERE lines @> \'{"k": 7, "z": 1}\'',
    "SELECT count(*) FROM events WHERE day = '2025-03-05'",
    "SELECT count(*) FROM latest WHERE total > 990",
    "SELECT customer_id, sum(total) FROM orders GROUP BY customer_id ORDER BY 2 DESC LIMIT 5",
    "SELECT o.id FROM orders AS o WHERE EXISTS (SELECT FROM customers AS c WHERE c.id = o.customer_id AND c.note = '')",
)
PLANTED: Mapping[str, tuple[str, ...]] = {
    "the index of a foreign key is dropped": ("DROP INDEX orders_customer",),
    "a unique index is dropped": ("DROP INDEX customers_email",),
    "an index on an expression is dropped": ("DROP INDEX customers_lower",),
    "an index on time is dropped": ("DROP INDEX orders_placed",),
    "a GIN index is dropped": ("DROP INDEX orders_lines",),
    "a primary key is dropped": (
        "ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey",
        "ALTER TABLE customers DROP CONSTRAINT customers_pkey",
    ),
    "a partial index no longer fits": (
        "DROP INDEX orders_open",
        "CREATE INDEX orders_open ON orders (placed) WHERE status = 'new'",
    ),
    "an index became invalid": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid::regclass::text = 'orders_customer'",
    ),
    "a column's type changed, and with it what the index is of": (
        "DROP VIEW latest",
        "ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey",
        "ALTER TABLE orders ALTER COLUMN customer_id TYPE text USING customer_id::text || ''",
        "CREATE VIEW latest AS SELECT * FROM orders WHERE placed > timestamptz '2025-03-10'",
    ),
    "index scans are switched off": (
        "ALTER DATABASE {db} SET enable_indexscan = off",
        "ALTER DATABASE {db} SET enable_bitmapscan = off",
    ),
    "random pages became dear": ("ALTER DATABASE {db} SET random_page_cost = 1000",),
    "partitions are no longer pruned": ("ALTER DATABASE {db} SET enable_partition_pruning = off",),
    "partitions became one table": (
        "CREATE TABLE everything AS SELECT * FROM events",
        "DROP TABLE events",
        "ALTER TABLE everything RENAME TO events",
        "ANALYZE events",
    ),
    "a view computes more": (
        "CREATE OR REPLACE VIEW latest AS SELECT * FROM orders WHERE placed + interval '0' > '2025-03-10'",
    ),
    "a view joins once more": (
        "CREATE OR REPLACE VIEW latest AS SELECT o.* FROM orders AS o WHERE placed > timestamptz '2025-03-10' "
        "AND EXISTS (SELECT FROM orders AS p WHERE p.total = o.total AND p.id <> o.id)",
    ),
    "a table is bloated": (
        "ALTER TABLE orders SET (autovacuum_enabled = off)",
        "UPDATE orders SET total = total + 1",
        "UPDATE orders SET total = total - 1",
        "UPDATE orders SET total = total + 1",
        "VACUUM ANALYZE orders",
    ),
    "an index sorts the other way and for another collation": (
        "DROP INDEX customers_email",
        'CREATE INDEX customers_email ON customers (email COLLATE "POSIX" DESC)',
    ),
    "a composite index leads with another column": (
        "DROP INDEX orders_customer",
        "CREATE INDEX orders_customer ON orders (status, placed, customer_id)",
    ),
    "hash joins and aggregates are switched off": (
        "ALTER DATABASE {db} SET enable_hashagg = off",
        "ALTER DATABASE {db} SET enable_hashjoin = off",
        "ALTER DATABASE {db} SET work_mem = '64kB'",
    ),
    "a table is gone": ("DROP TABLE events",),
}
SAMPLE = tuple(PLANTED)[::7]


@pytest.fixture(scope="module")
def template(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[PostgresServer, Path]:
    """The server with the workload's database, and the baseline of it."""
    postgres.sql(f"CREATE DATABASE {TEMPLATE}")
    postgres.sql(*SCHEMA, database=TEMPLATE)
    postgres.sql("CHECKPOINT")
    path = tmp_path_factory.mktemp("baseline") / "plans.json"
    store(asyncio.run(recorded(postgres, TEMPLATE)), path)
    return postgres, path


async def recorded(server: PostgresServer, database: str) -> Baseline:
    async with DatabaseOptimizer(server.config(database=database)) as engine:
        return await engine.record_baseline(WORKLOAD, run=True)


def judged(server: PostgresServer, path: Path, database: str) -> Diagnosis:
    async def scene() -> Diagnosis:
        async with DatabaseOptimizer(server.config(database=database)) as engine:
            return await engine.check_baseline(load(path))

    return asyncio.run(scene())


def copied(server: PostgresServer, name: str) -> str:
    server.sql(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return name


@pytest.mark.parametrize("planted", tuple(PLANTED) if SOAKS else SAMPLE)
def test_a_planted_regression_is_found(template: tuple[PostgresServer, Path], planted: str) -> None:
    server, path = template
    database = copied(server, "planted")
    server.sql(*(statement.format(db=database) for statement in PLANTED[planted]), database=database)
    answer = judged(server, path, database)
    assert answer.status == "fail", [(row.check, row.observed) for row in answer.rows]
    server.sql(f"DROP DATABASE {database}")


def test_nothing_is_found_where_nothing_changed_but_the_statistics(template: tuple[PostgresServer, Path]) -> None:
    server, path = template
    database = copied(server, "unchanged")
    for _ in range(50 if SOAKS else 2):
        server.sql("ANALYZE", database=database)
        answer = judged(server, path, database)
        assert answer.status == "pass", [(row.objects, row.observed) for row in answer.rows if row.status != "pass"]
    server.sql(f"DROP DATABASE {database}")


def test_tables_that_grew_a_little_are_no_regression(template: tuple[PostgresServer, Path]) -> None:
    server, path = template
    database = copied(server, "grown")
    server.sql(
        """INSERT INTO orders SELECT 20000 + n, 1 + n % 5000, CASE WHEN n % 500 = 0 THEN 'open' ELSE 'done' END,
           timestamptz '2025-01-01' + n * interval '5 minutes', n % 997, jsonb_build_object('k', n % 50)
           FROM generate_series(1, 20000) AS n""",
        "CLUSTER orders USING orders_placed",
        "VACUUM ANALYZE orders",
        database=database,
    )
    answer = judged(server, path, database)
    assert answer.status == "pass", [(row.objects, row.observed) for row in answer.rows if row.status != "pass"]
    server.sql(f"DROP DATABASE {database}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM orders WHERE id > 1000; VACUUM FULL ANALYZE orders", "more than 10 times fewer"),
        ("TRUNCATE orders", "more than 10 times fewer"),
    ],
)
def test_other_data_are_refused(template: tuple[PostgresServer, Path], change: str, said: str) -> None:
    server, path = template
    database = copied(server, "other")
    server.sql(*change.split("; "), database=database)
    with pytest.raises(RefusedError, match=said):
        judged(server, path, database)
    server.sql(f"DROP DATABASE {database}")


def test_a_statement_that_the_gate_refuses_is_kept_with_its_reason(template: tuple[PostgresServer, Path]) -> None:
    server, _ = template

    async def scene() -> Baseline:
        async with DatabaseOptimizer(server.config(database=TEMPLATE)) as engine:
            return await engine.record_baseline(["SELECT pg_terminate_backend(1)", "SELECT 1"], run=True)

    refused, well = asyncio.run(scene()).queries
    assert refused.error is not None
    assert well.error is None


def test_a_stored_baseline_is_read_as_it_was_written(template: tuple[PostgresServer, Path], tmp_path: Path) -> None:
    _, path = template
    store(load(path), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == path.read_text()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "perfctl.baseline/1"}', '{"schema": "perfctl.baseline/99"}']
)
def test_a_file_that_is_no_baseline_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "no.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="is no baseline"):
        load(path)
