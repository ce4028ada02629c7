"""The checks on real servers of both versions: planted trouble is found, by whoever asks, whatever is locked."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping
from dataclasses import replace

import asyncpg
import pytest

from perfctl.config.settings import CheckSettings
from perfctl.db.checks import every_rule
from perfctl.db.engine import DatabaseOptimizer
from perfctl.diagnosis import Check
from tests.bench import bloat
from tests.postgres_server import PostgresServer, postgres_server

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("checks")]

DATABASE = "checked"
PLANTED = (
    "CREATE EXTENSION pg_stat_statements",
    'CREATE TABLE "Größe x" (id serial PRIMARY KEY, "Kind" int, note text, part smallserial)',
    'ALTER TABLE "Größe x" SET (autovacuum_enabled = off)',
    'INSERT INTO "Größe x" ("Kind", note) SELECT n % 50, NULL FROM generate_series(1, 30000) AS n',
    'CREATE INDEX one ON "Größe x" ("Kind")',
    'CREATE INDEX two ON "Größe x" ("Kind")',
    'CREATE TABLE child (id int, parent int REFERENCES "Größe x" (id))',
    "INSERT INTO child SELECT n, n FROM generate_series(1, 5000) AS n",
    "ALTER TABLE child ADD CONSTRAINT positive CHECK (id > 0) NOT VALID",
    "ANALYZE",
    'DELETE FROM "Größe x" WHERE id % 2 = 0 AND id > 5000',
    "SELECT setval('\"Größe x_part_seq\"', 30001)",
)
FOUND = {
    "dead_tuples", "autovacuum", "stale_statistics", "duplicate_indexes", "foreign_keys", "sequences",
    "not_valid_constraints", "settings_safety", "settings_timeouts",
}  # fmt: skip


@pytest.fixture(scope="module")
def planted(postgres: PostgresServer) -> PostgresServer:
    postgres.sql(f"CREATE DATABASE {DATABASE}")
    postgres.sql(*PLANTED, database=DATABASE)
    postgres.sql("CREATE ROLE nobody_much LOGIN")
    return postgres


def checked(server: PostgresServer, *names: str, **fields: object) -> Mapping[str, Check]:
    async def scene() -> Mapping[str, Check]:
        async with DatabaseOptimizer(server.config(**{"database": DATABASE, **fields})) as engine:
            return {row.check: row for row in (await engine.check(names)).rows}

    return asyncio.run(scene())


def test_planted_trouble_is_found_and_nothing_else(planted: PostgresServer) -> None:
    rows = checked(planted)
    found = {name for name, row in rows.items() if row.status in ("warn", "fail")}
    other_tests = {rule.name for rule in every_rule() if not rule.per_database} - FOUND  # they share the server
    assert found - other_tests == FOUND, {name: rows[name].observed for name in found ^ FOUND}


def test_names_are_told_as_sql_writes_them(planted: PostgresServer) -> None:
    rows = checked(planted, "duplicate_indexes", "dead_tuples", "sequences")
    assert 'public."Größe x"' in rows["dead_tuples"].observed
    assert rows["duplicate_indexes"].fix == "DROP INDEX CONCURRENTLY public.two;"
    assert 'column public."Größe x".part is smallint' in rows["sequences"].observed


def test_a_role_without_rights_gets_no_number_that_would_be_wrong(planted: PostgresServer) -> None:
    rows = checked(planted, username="nobody_much")
    off = {name for name, row in rows.items() if row.status == "off"}
    assert {"table_bloat", "index_bloat", "null_heavy_indexes", "blocked", "oldest_transaction", "disk"} <= off
    assert all(rows[name].value is None for name in off)
    assert rows["rights"].fix == 'GRANT pg_monitor TO "nobody_much";'


def test_a_table_that_is_locked_holds_no_check_up(planted: PostgresServer) -> None:
    async def scene() -> Mapping[str, Check]:
        holder = await asyncpg.connect(host="127.0.0.1", port=planted.port, user="postgres", database=DATABASE)
        try:
            await holder.execute('BEGIN; LOCK TABLE "Größe x" IN ACCESS EXCLUSIVE MODE')
            async with DatabaseOptimizer(planted.config(database=DATABASE)) as engine:
                return {row.check: row for row in (await engine.check()).rows}
        finally:
            await holder.close()

    rows = asyncio.run(scene())
    assert rows["dead_tuples"].status == "warn"
    assert rows["table_bloat"].status == "pass"


def test_every_database_is_looked_at(planted: PostgresServer) -> None:
    async def scene() -> tuple[Check, ...]:
        async with DatabaseOptimizer(planted.config()) as engine:
            return (await engine.check(["foreign_keys", "connections"], all_databases=True)).rows

    found = {(row.check, row.database): row.status for row in asyncio.run(scene())}
    assert found[("foreign_keys", DATABASE)] == "warn"
    assert found[("foreign_keys", "postgres")] == "pass"
    assert [key for key in found if key[0] == "connections"] == [("connections", None)]


def test_limits_and_switches_come_from_the_settings(planted: PostgresServer) -> None:
    own = (CheckSettings(name="connections", warn=0.0001), CheckSettings(name="version", enabled=False))
    rows = checked(planted, "connections", "version", checks=own)
    assert (rows["connections"].status, rows["connections"].threshold) == ("warn", 0.0001)
    assert "version" not in rows


def test_bloat_is_estimated_as_pgstattuple_measures_it(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> None:
    with postgres_server(tmp_path_factory.mktemp("bloat"), postgres.version) as server:
        bloat.prepare(server, rows=20_000)
        pairs = asyncio.run(bloat.compared(server))
        assert len(pairs) >= 10
        assert statistics.median(bloat.errors(pairs)) <= 5
        worst = asyncio.run(_hollow(server))
    assert worst.status == "fail"
    assert "measured" in worst.observed


async def _hollow(server: PostgresServer) -> Check:
    server.sql(
        "CREATE TABLE air AS SELECT n AS id, repeat('x', 900) AS body FROM generate_series(1, 60000) AS n",
        "DELETE FROM air WHERE id % 10 <> 0",
        "VACUUM ANALYZE air",
    )
    async with DatabaseOptimizer(replace(server.config(), statement_timeout_ms=60_000)) as engine:
        (row,) = (await engine.check(["table_bloat"])).rows
        return row
