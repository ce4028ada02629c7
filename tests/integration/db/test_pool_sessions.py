"""What the pool does on real servers: clean sessions, batches, rotation, replicas, several hosts, threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from perfctl import PerformanceOptimizer
from perfctl.config import DatabaseConfig, Secret
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.postgres import StatementError
from perfctl.errors import AuthError, TimedOutError, UnreachableError, UsageError
from tests.integration.db.conftest import execute
from tests.postgres_server import PostgresServer
from tests.redis_server import free_port

pytestmark = pytest.mark.servers

Scene = Callable[[DatabaseOptimizer], Awaitable[Any]]

TABLES = """
CREATE TABLE things (id int PRIMARY KEY, name text);
INSERT INTO things SELECT i, 'thing ' || i FROM generate_series(1, 500) AS i;
CREATE FUNCTION set_zone() RETURNS text LANGUAGE sql AS 'SELECT set_config(''TimeZone'', ''Asia/Tokyo'', false)';
CREATE FUNCTION on_write() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM set_config(''TimeZone'', ''Asia/Tokyo'', false); RETURN NEW; END';
CREATE TABLE steered (id int);
CREATE TRIGGER steer BEFORE INSERT ON steered FOR EACH ROW EXECUTE FUNCTION on_write();
CREATE FUNCTION on_locked() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_advisory_lock(42); PERFORM set_config(''app.tenant'', ''mine'', false); RETURN NEW; END';
CREATE TABLE locking (id int PRIMARY KEY);
CREATE TRIGGER locks BEFORE INSERT ON locking FOR EACH ROW EXECUTE FUNCTION on_locked();
CREATE TABLE parted (id int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TRIGGER locks BEFORE INSERT ON parted_1 FOR EACH ROW EXECUTE FUNCTION on_locked();
CREATE VIEW settling AS SELECT set_config('app.tenant', 'mine', false) AS a;
CREATE VIEW settling_twice AS SELECT * FROM settling;
CREATE TABLE defaulted (id int, a text DEFAULT set_config('app.tenant', 'mine', false));
CREATE DOMAIN checked AS int CHECK (set_config('app.tenant', 'mine', false) IS NOT NULL);
CREATE FUNCTION tenant(things) RETURNS text LANGUAGE sql AS 'SELECT set_config(''app.tenant'', ''mine'', false)';
CREATE FUNCTION area(things) RETURNS text LANGUAGE sql AS 'SELECT set_config(''app.tenant'', ''mine'', false)';
CREATE FUNCTION joined(things, things) RETURNS text LANGUAGE sql AS 'SELECT area($1)';
CREATE OPERATOR @+@ (LEFTARG = things, RIGHTARG = things, FUNCTION = joined);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := upper(NEW.name); RETURN NEW; END';
CREATE TABLE touched (id int, name text);
CREATE TRIGGER touch BEFORE INSERT ON touched FOR EACH ROW EXECUTE FUNCTION touch();
CREATE SEQUENCE numbers;
CREATE FUNCTION slow_number() RETURNS text LANGUAGE plpgsql
    AS 'BEGIN PERFORM nextval(''numbers''); PERFORM pg_sleep(0.5); RETURN ''x''; END';
CREATE VIEW numbering AS SELECT slow_number() AS a;
"""
TENANT = "SELECT coalesce(current_setting('app.tenant', true), '')"


@pytest.fixture(scope="module")
def config(postgres: PostgresServer) -> Iterator[DatabaseConfig]:
    """A database of our own; the pool has one connection, so that every caller gets the one before him had."""
    postgres.sql("CREATE DATABASE pooled")
    config = postgres.config(database="pooled", max_connections=1, enable_query_cache=False)
    execute(config, TABLES)
    yield config
    postgres.sql("DROP DATABASE pooled WITH (FORCE)")


def play(config: DatabaseConfig, scene: Scene) -> Any:
    async def run() -> Any:
        async with DatabaseOptimizer(config) as database:
            return await scene(database)

    return asyncio.run(run())


LEFT_BEHIND: list[tuple[str, str, object]] = [
    ("SET TIME ZONE 'Asia/Tokyo'", "SELECT current_setting('TimeZone')", "UTC"),
    ("SELECT set_config('search_path', 'nowhere', false)", "SELECT current_setting('search_path')", '"$user", public'),
    ("SELECT set_zone()", "SELECT current_setting('TimeZone')", "UTC"),
    ("INSERT INTO steered VALUES (1)", "SELECT current_setting('TimeZone')", "UTC"),
    ("SET ROLE pg_monitor", "SELECT current_user::text", "postgres"),
    ("SELECT pg_advisory_lock(7)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", 0),
    ("CREATE TEMP TABLE left_over (a int)", "SELECT count(*) FROM pg_class WHERE relname = 'left_over'", 0),
    ("SELECT 1 AS a INTO TEMP left_over", "SELECT count(*) FROM pg_class WHERE relname = 'left_over'", 0),
    ("LISTEN news", "SELECT count(*) FROM pg_listening_channels()", 0),
    ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "SELECT count(*) FROM pg_cursors WHERE name = 'c'", 0),
    ("PREPARE mine AS SELECT 1", "SELECT count(*) FROM pg_prepared_statements WHERE name = 'mine'", 0),
    ("INSERT INTO locking VALUES (1)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", 0),
    ("INSERT INTO parted VALUES (1)", TENANT, ""),
    ("SELECT * FROM settling_twice", TENANT, ""),
    ("INSERT INTO defaulted (id) VALUES (1)", TENANT, ""),
    ("SELECT 1::checked", TENANT, ""),
    ("SELECT t.tenant FROM things AS t LIMIT 1", TENANT, ""),
    ("SELECT area(t) FROM things AS t LIMIT 1", TENANT, ""),
    ("SELECT t @+@ t FROM things AS t LIMIT 1", TENANT, ""),
    ("COPY (SELECT set_config('app.tenant', 'mine', false)) TO '/dev/null'", TENANT, ""),
    ("BEGIN", "SELECT count(*) FROM things", 500),
    ("SELECT 1/0", "SELECT count(*) FROM things", 500),
]


@pytest.mark.parametrize(("before", "question", "expected"), LEFT_BEHIND)
def test_nothing_is_left_behind_for_the_next_caller(
    config: DatabaseConfig, before: str, question: str, expected: object
) -> None:
    async def scene(database: DatabaseOptimizer) -> object:
        for _ in range(2):
            with suppress(StatementError):
                await database.execute_optimized_query(before)
        rows = await database.execute_optimized_query(question)
        assert database.pool.statistics().created == 1
        return rows[0][0]  # type: ignore[index]

    assert play(config, scene) == expected


def test_an_open_transaction_is_never_handed_on(config: DatabaseConfig) -> None:
    async def scene(database: DatabaseOptimizer) -> list[Any]:
        async with database.pool.acquire() as session:
            await session.execute("BEGIN")
            await session.fetch("DELETE FROM things")
        rows = await database.execute_optimized_query("SELECT count(*) AS n, pg_backend_pid() AS pid FROM things")
        return [rows[0]["n"], database.pool.statistics().created]

    assert play(config, scene) == [500, 1]


def test_a_session_that_was_not_dirtied_is_not_reset(config: DatabaseConfig) -> None:
    async def scene(database: DatabaseOptimizer) -> int:
        for number in range(5):
            await database.execute_optimized_query("SELECT name FROM things WHERE id = %s", (number,))
            await database.execute_optimized_query("UPDATE things SET name = name WHERE id = %s", (number,))
            await database.execute_optimized_query("INSERT INTO touched VALUES (%s, 'a')", (number,))
        return database.pool.statistics().reset

    assert play(config, scene) == 0


def test_a_trigger_that_is_made_later_is_seen(config: DatabaseConfig) -> None:
    async def scene(database: DatabaseOptimizer) -> list[Any]:
        insert = "INSERT INTO late VALUES (%s)"
        await database.execute_optimized_query("CREATE TABLE late (id int)")
        for number in range(3):
            await database.execute_optimized_query(insert, (number,))
        await database.execute_optimized_query(
            "CREATE TRIGGER locks BEFORE INSERT ON late FOR EACH ROW EXECUTE FUNCTION on_locked()"
        )
        await database.execute_optimized_query(insert, (7,))
        rows = await database.execute_optimized_query(TENANT)
        await database.execute_optimized_query("DROP TABLE late")
        return list(rows[0].values())

    assert play(config, scene) == [""]


def test_a_read_of_a_view_that_writes_is_never_asked_twice(config: DatabaseConfig) -> None:
    async def scene(database: DatabaseOptimizer) -> int:
        await database.execute_optimized_query("SELECT setval('numbers', 1)")
        read = asyncio.create_task(database.execute_optimized_query("SELECT * FROM numbering"))
        ended: list[Any] = []
        async with DatabaseOptimizer(config) as other:
            while not ended:
                await asyncio.sleep(0.02)
                ended = await other.execute_optimized_query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                    " AND datname = current_database() AND query = 'SELECT * FROM numbering'"
                )
            with pytest.raises(UnreachableError):
                await read
            rows = await other.execute_optimized_query("SELECT last_value AS n FROM numbers")
        return int(rows[0]["n"])

    assert play(config, scene) == 2


def test_what_comes_often_is_prepared_and_survives_changes_of_the_table(config: DatabaseConfig) -> None:
    async def scene(database: DatabaseOptimizer) -> list[list[str]]:
        await database.execute_optimized_query("CREATE TABLE changing AS SELECT 1 AS a")
        columns = []
        for change in ("ADD COLUMN b int", "DROP COLUMN a", "ALTER COLUMN b TYPE text", "ADD COLUMN c int DEFAULT 7"):
            for _ in range(3):
                rows = await database.execute_optimized_query("SELECT * FROM changing")
            columns.append(list(rows[0].keys()))
            async with DatabaseOptimizer(config) as other:
                await other.execute_optimized_query(f"ALTER TABLE changing {change}")
        columns.append(list((await database.execute_optimized_query("SELECT * FROM changing"))[0].keys()))
        await database.execute_optimized_query("DROP TABLE changing")
        assert database.pool.statistics().statement_hits > 3
        assert database.pool.naming.is_on
        return columns

    assert play(config, scene) == [["a"], ["a", "b"], ["b"], ["b"], ["b", "c"]]


def test_many_sets_of_parameters_are_written_all_or_none(config: DatabaseConfig) -> None:
    async def scene(database: DatabaseOptimizer) -> list[Any]:
        insert = "INSERT INTO things VALUES (%(id)s, %(name)s) RETURNING id"
        rows = await database.execute_many(insert, [{"id": 1000 + n, "name": "many"} for n in range(50)])
        with pytest.raises(StatementError, match="duplicate key"):
            await database.execute_many(insert, [{"id": n, "name": "none"} for n in (2000, 2001, 1)])
        counted = await database.execute_optimized_query(
            "SELECT count(*) FILTER (WHERE id >= 2000) AS none, count(*) FILTER (WHERE id >= 1000) AS many FROM things"
        )
        await database.execute_optimized_query("DELETE FROM things WHERE id >= 1000")
        assert await database.execute_many(insert, []) == []
        return [[row["id"] for row in rows], dict(counted[0])]

    assert play(config, scene) == [list(range(1000, 1050)), {"none": 0, "many": 50}]


@pytest.mark.parametrize("most", [1, 3, 20])
def test_many_queries_are_answered_in_their_order(config: DatabaseConfig, most: int) -> None:
    async def scene(database: DatabaseOptimizer) -> list[Any]:
        asked: list[Any] = [("SELECT %s::int AS n, pg_sleep(%s)", (n, 0.01 if n % 5 == 0 else 0)) for n in range(40)]
        asked.append("SELECT 40 AS n")
        found = await database.gather_queries(asked)
        statistics = database.pool.statistics()
        assert (statistics.in_use, statistics.created <= min(most, 4)) == (0, True)
        return [rows[0]["n"] for rows in found]

    assert play(replace(config, max_connections=most), scene) == list(range(41))


def test_a_batch_whose_statement_fails_ends_with_its_error(config: DatabaseConfig) -> None:
    async def scene(database: DatabaseOptimizer) -> int:
        with pytest.raises(StatementError, match="division by zero"):
            await database.gather_queries(["SELECT 1", "SELECT 1/0", *["SELECT pg_sleep(5)"] * 20])
        rows = await database.execute_optimized_query("SELECT 1 AS one")
        return int(rows[0]["one"])

    assert play(replace(config, max_connections=3), scene) == 1


def test_the_time_out_of_a_batch_covers_all_of_it(config: DatabaseConfig) -> None:
    async def scene(database: DatabaseOptimizer) -> None:
        with pytest.raises(TimedOutError):
            await database.gather_queries(["SELECT pg_sleep(0.2)"] * 20, timeout=0.5)

    play(config, scene)


def test_idle_connections_beyond_the_minimum_are_closed_and_old_ones_replaced(config: DatabaseConfig) -> None:
    async def crowd(database: DatabaseOptimizer) -> None:
        await asyncio.gather(*(database.execute_optimized_query("SELECT pg_sleep(0.05)") for _ in range(6)))

    async def shrunk(database: DatabaseOptimizer) -> tuple[int, str]:
        await crowd(database)
        for _ in range(100):
            if database.pool.statistics().idle <= 2:
                break
            await asyncio.sleep(0.05)
        return database.pool.statistics().idle, ",".join(database.pool.statistics().closed_for)

    many = replace(config, max_connections=6, min_connections=2, idle_connection_seconds=0.1)
    assert play(many, shrunk) == (2, "idle")

    async def aged(database: DatabaseOptimizer) -> bool:
        for _ in range(100):
            await crowd(database)
            await asyncio.sleep(0.05)
            if "age" in database.pool.statistics().closed_for:
                return True
        return False

    assert play(replace(many, idle_connection_seconds=300.0, max_connection_lifetime_seconds=0.2), aged)


def test_a_password_may_change_while_the_pool_grows(
    postgres: PostgresServer, config: DatabaseConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    hba = postgres.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("host all rotated 127.0.0.1/32 scram-sha-256\n" + before)
    postgres.sql("CREATE ROLE rotated LOGIN PASSWORD 'first'", "SELECT pg_reload_conf()")
    monkeypatch.setenv("ROTATED", "first")
    rotated = replace(config, username="rotated", password=Secret("env", "ROTATED"), max_connections=8)

    async def scene(database: DatabaseOptimizer) -> int:
        async def hold(seconds: float) -> None:
            await database.execute_optimized_query("SELECT pg_sleep(%s)", (seconds,))

        await asyncio.gather(*(hold(0.05) for _ in range(3)))
        held = [asyncio.create_task(hold(0.6)) for _ in range(3)]
        await asyncio.sleep(0.1)
        await asyncio.to_thread(postgres.sql, "ALTER ROLE rotated PASSWORD 'second'")
        growing = [asyncio.create_task(hold(0.05)) for _ in range(3)]
        await asyncio.sleep(0.1)
        monkeypatch.setenv("ROTATED", "second")
        await asyncio.gather(*held, *growing)
        return database.pool.statistics().created

    try:
        assert play(rotated, scene) >= 3
        monkeypatch.setenv("ROTATED", "first")
        with pytest.raises(AuthError):
            play(rotated, lambda database: database.execute_optimized_query("SELECT 1"))
    finally:
        hba.write_text(before)
        postgres.sql("DROP ROLE rotated", "SELECT pg_reload_conf()")


def test_the_first_host_of_an_address_that_answers_is_taken(postgres: PostgresServer) -> None:
    dsn = f"postgresql://postgres@127.0.0.1:{free_port()},127.0.0.1:{postgres.port}/postgres"
    several = DatabaseConfig(dsn=f"{dsn}?target_session_attrs=read-write", enable_query_cache=False)

    async def scene(database: DatabaseOptimizer) -> int:
        return int((await database.execute_optimized_query("SELECT 42 AS n"))[0]["n"])

    assert play(several, scene) == 42


def test_reads_go_to_replicas_when_asked_and_to_the_primary_when_none_answers(config: DatabaseConfig) -> None:
    here = f"postgresql://postgres@127.0.0.1:{config.port}/postgres"
    away = f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"

    async def scene(database: DatabaseOptimizer) -> list[str]:
        asked = "SELECT current_database()::text AS name"
        found = [(await database.execute_optimized_query(asked, replica=True))[0]["name"] for _ in range(3)]
        found.append((await database.execute_optimized_query(asked))[0]["name"])
        with pytest.raises(UsageError, match="may go to a replica"):
            await database.execute_optimized_query("DELETE FROM things", replica=True)
        return found

    assert play(replace(config, replica_dsns=(here, away)), scene) == ["postgres", "postgres", "postgres", "pooled"]
    assert play(replace(config, replica_dsns=(away,)), scene) == ["pooled"] * 4


def test_threads_share_the_pool_through_the_bridge(config: DatabaseConfig) -> None:
    found: list[int] = []
    with PerformanceOptimizer(database_config=replace(config, max_connections=4)).sync as perf:

        def work(start: int) -> None:
            for number in range(start, start + 20):
                rows = perf.database.execute_optimized_query("SELECT %(n)s::int AS n", {"n": number})
                found.append(rows[0]["n"])

        threads = [threading.Thread(target=work, args=(100 * start,)) for start in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert perf.database.gather_queries([("SELECT %s::int AS n", (7,))])[0][0]["n"] == 7
        assert [
            row["id"] for row in perf.database.execute_many("SELECT id FROM things WHERE id = %s", [(1,), (2,)])
        ] == [1, 2]
        with perf.database.pool.acquire(timeout=5) as session:
            assert session.fetch("SELECT 1 AS one")[0]["one"] == 1
        assert perf.database.pool.statistics().created <= 4
    assert sorted(found) == sorted(100 * start + number for start in range(8) for number in range(20))
