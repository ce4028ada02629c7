"""What is cached, what is not, and what a write through perfctl forgets: on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig, DatabaseConfig
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.postgres import Record, StatementError
from perfctl.row_store import CacheRowStore
from tests.integration.db.conftest import execute
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.servers

TABLES = """
CREATE SCHEMA other;
CREATE TABLE parent (id int PRIMARY KEY, a text);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE, b text);
CREATE TABLE alone (id int PRIMARY KEY, a text, at timestamptz, doc jsonb);
CREATE TABLE other.alone (id int PRIMARY KEY);
CREATE TABLE audited (id int PRIMARY KEY, a text);
CREATE TABLE trail (id int, said text);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO trail VALUES (NEW.id, NEW.a); RETURN NEW; END';
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TABLE parted (id int, a text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100) TO (200);
CREATE TABLE secured (id int);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE SEQUENCE numbers;
CREATE VIEW seen AS SELECT p.id, p.a, c.b FROM parent AS p LEFT JOIN child AS c ON c.parent = p.id;
CREATE VIEW seen_twice AS SELECT * FROM seen;
CREATE VIEW clock AS SELECT id, now() AS at FROM alone;
CREATE VIEW simple AS SELECT id, a FROM alone;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM alone;
CREATE FUNCTION label(int) RETURNS text STABLE LANGUAGE sql AS 'SELECT a FROM parent WHERE id = $1';
CREATE FUNCTION atomic(k int) RETURNS text STABLE LANGUAGE sql AS 'SELECT a FROM alone WHERE id = k';
CREATE FUNCTION liar(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM alone); END';
CREATE FUNCTION writer(int) RETURNS int LANGUAGE sql AS 'UPDATE alone SET a = a || ''!'' WHERE id = $1; SELECT 1';
CREATE FUNCTION plus(text, int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 || clock_timestamp(); END';
CREATE OPERATOR @+@ (LEFTARG = text, RIGHTARG = int, FUNCTION = plus);
CREATE FUNCTION written(alone) RETURNS int LANGUAGE plpgsql
    AS 'BEGIN UPDATE alone SET a = a || ''!'' WHERE id = 1; RETURN 1; END';
CREATE FUNCTION moment(alone) RETURNS text LANGUAGE sql AS 'SELECT clock_timestamp()::text';
CREATE VIEW writing AS SELECT writer(1) AS a;
INSERT INTO parent SELECT i, 'p' || i FROM generate_series(1, 5) AS i;
INSERT INTO child SELECT i, i, 'c' || i FROM generate_series(1, 5) AS i;
INSERT INTO alone SELECT i, 'a' || i, '2024-01-01', '{"k": 1}' FROM generate_series(1, 5) AS i;
INSERT INTO audited VALUES (1, 'one');
INSERT INTO parted SELECT i, 'x' FROM generate_series(1, 150) AS i;
"""

Scene = Callable[[DatabaseOptimizer], Awaitable[Any]]


@pytest.fixture(scope="module")
def database_config(postgres: PostgresServer) -> Iterator[DatabaseConfig]:
    """A database of our own."""
    postgres.sql("CREATE DATABASE cached")
    yield postgres.config(database="cached")
    postgres.sql("DROP DATABASE cached WITH (FORCE)")


@pytest.fixture
def config(database_config: DatabaseConfig) -> DatabaseConfig:
    """The tables as they are at first."""
    execute(database_config, f"DROP SCHEMA IF EXISTS public, other CASCADE; CREATE SCHEMA public; {TABLES}")
    return database_config


@pytest.fixture
def play(postgres: PostgresServer, config: DatabaseConfig) -> Callable[[Scene], Any]:
    """Play a scene: with the cache engine's store of rows on one version, with our own on the other."""

    async def run(scene: Scene) -> Any:
        async with AdvancedCache(CacheConfig()) as cache:
            store = partial(CacheRowStore, cache) if postgres.version == 18 else None
            async with DatabaseOptimizer(config, row_store=store) as database:
                return await scene(database)

    return lambda scene: asyncio.run(run(scene))


Play = Callable[[Scene], Any]


async def cached(database: DatabaseOptimizer, sql: str, params: Any = ()) -> tuple[list[Record], bool]:
    rows = await database.execute_optimized_query(sql, params, use_cache=True)
    return rows, database.query_optimizer.executions[-1].was_cached


async def is_cached(database: DatabaseOptimizer, sql: str, params: Any = ()) -> bool:
    """Whether the second of two equal questions is answered by the cache."""
    first, _ = await cached(database, sql, params)
    second, was_cached = await cached(database, sql, params)
    if was_cached:
        assert first == second
        assert [list(row.items()) for row in first] == [list(row.items()) for row in second]
    return was_cached


KEPT: list[tuple[str, Any]] = [
    ("SELECT * FROM alone WHERE id = %s", (1,)),
    ("SELECT * FROM alone WHERE id = %(id)s", {"id": 1}),
    ("SELECT a, count(*) FROM alone GROUP BY a ORDER BY a", ()),
    ("SELECT * FROM alone WHERE id = ANY(%s)", ([1, 2],)),
    ("SELECT to_char(at, 'YYYY') FROM alone WHERE at > %s::timestamptz - interval '1 day'", (None,)),
    ("WITH alone AS (SELECT 1 AS id) SELECT * FROM alone JOIN parent USING (id)", ()),
    ("SELECT doc ->> 'k', doc @> '{\"k\": 1}' FROM alone", ()),
    ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id) FROM alone", ()),
    ("SELECT * FROM seen_twice", ()),
    ("SELECT * FROM counted", ()),
    ("SELECT label(id) FROM child", ()),
    ("SELECT * FROM parted WHERE id = %s", (120,)),
    ("SELECT 1 AS one", ()),
    ("VALUES (1), (2)", ()),
    ("TABLE parent", ()),
    ("SELECT trim(a), substring(a FROM 1 FOR 1), coalesce(a, ''), a LIKE 'a%%' AND id = %s FROM alone", (1,)),
]

NOT_KEPT: list[tuple[str, Any]] = [
    ("SELECT now(), * FROM alone", ()),
    ("SELECT current_timestamp", ()),
    ("SELECT current_user", ()),
    ("SELECT current_setting('work_mem')", ()),
    ("SELECT clock_timestamp()", ()),
    ("SELECT random()", ()),
    ("SELECT gen_random_uuid()", ()),
    ("SELECT nextval('numbers')", ()),
    ("SELECT last_value FROM numbers", ()),
    ("SELECT * FROM clock", ()),
    ("SELECT * FROM secured", ()),
    ("SELECT liar(1)", ()),
    ("SELECT writer(1)", ()),
    ("SELECT 'x' @+@ 1", ()),
    ("SELECT age(at) FROM alone", ()),
    ("SELECT * FROM alone WHERE at < 'now'", ()),
    ("SELECT * FROM alone WHERE at < %s::text::timestamptz", ("now",)),
    ("SELECT * FROM alone WHERE at < 'today 10:00'", ()),
    ("SELECT * FROM alone WHERE at <@ '[now,infinity)'::tstzrange", ()),
    ("SELECT * FROM alone WHERE at < %s::text::timestamptz", ("tomorrow 04:05",)),
    ("SELECT x.moment FROM alone AS x", ()),
    ("SELECT * FROM writing", ()),
    ("SELECT * FROM pg_stat_activity", ()),
    ("SELECT * FROM alone FOR UPDATE", ()),
    ("SELECT * FROM alone TABLESAMPLE BERNOULLI (50)", ()),
    ("SHOW work_mem", ()),
    ("EXPLAIN SELECT 1", ()),
    ("UPDATE alone SET a = 'a1' WHERE id = 1 RETURNING *", ()),
    ("WITH w AS (UPDATE alone SET a = 'a1' WHERE id = 1 RETURNING *) SELECT * FROM w", ()),
    ("SELECT xmin, pg_backend_pid() FROM alone", ()),
]


def test_what_only_a_write_can_change_is_cached(play: Play) -> None:
    async def scene(database: DatabaseOptimizer) -> list[str]:
        return [sql for sql, params in KEPT if not await is_cached(database, sql, params)]

    assert play(scene) == []


def test_what_may_change_by_itself_is_never_cached(play: Play) -> None:
    async def scene(database: DatabaseOptimizer) -> list[str]:
        return [sql for sql, params in NOT_KEPT if await is_cached(database, sql, params)]

    assert play(scene) == []


WRITES: list[tuple[str, str]] = [
    ("SELECT a FROM alone ORDER BY id", "UPDATE alone SET a = 'new' WHERE id = 1"),
    ("SELECT a FROM alone ORDER BY id", "INSERT INTO alone VALUES (6, 'six')"),
    ("SELECT a FROM alone ORDER BY id", "DELETE FROM alone WHERE id = 2"),
    ("SELECT a FROM alone ORDER BY id", "UPDATE simple SET a = 'by view' WHERE id = 1"),
    ("SELECT * FROM simple ORDER BY id", "UPDATE alone SET a = 'under view' WHERE id = 1"),
    ("SELECT * FROM seen_twice ORDER BY id", "UPDATE child SET b = 'new' WHERE id = 1"),
    ("SELECT * FROM child ORDER BY id", "DELETE FROM parent WHERE id = 3"),
    ("SELECT label(id) FROM child ORDER BY id", "UPDATE parent SET a = 'labelled' WHERE id = 1"),
    ("SELECT * FROM trail", "INSERT INTO audited VALUES (2, 'two')"),
    ("SELECT a FROM parted WHERE id = 150", "UPDATE parted_2 SET a = 'part' WHERE id = 150"),
    ("SELECT a FROM parted_2 WHERE id = 150", "UPDATE parted SET a = 'whole' WHERE id = 150"),
    ("SELECT a FROM alone ORDER BY id", "SELECT writer(1)"),
    ("SELECT a FROM alone ORDER BY id", "DO $$BEGIN UPDATE alone SET a = 'done'; END$$"),
    ("SELECT a FROM alone ORDER BY id", "WITH w AS (UPDATE alone SET a = 'cte' RETURNING *) SELECT count(*) FROM w"),
    ("SELECT a FROM alone ORDER BY id", "SELECT * FROM writing"),
    ("SELECT a FROM alone ORDER BY id", "SELECT x.written FROM alone AS x LIMIT 1"),
    ("SELECT a FROM alone ORDER BY id", "TRUNCATE alone"),
    (
        "SELECT * FROM seen ORDER BY id",
        "CREATE OR REPLACE VIEW seen AS SELECT p.id, 'x'::text AS a, 'y'::text AS b FROM parent AS p",
    ),
    (
        "SELECT * FROM counted",
        "INSERT INTO alone VALUES (7, 'x'); REFRESH MATERIALIZED VIEW counted",
    ),
    ("SELECT a FROM alone ORDER BY id", "INSERT INTO alone SELECT i, 'm' FROM generate_series(10, 20) AS i"),
    (
        "SELECT a FROM alone ORDER BY id",
        "INSERT INTO alone VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET a = 'conflict'",
    ),
]


@pytest.mark.parametrize(("read", "write"), WRITES)
def test_a_write_forgets_what_was_read_from_its_tables(play: Play, read: str, write: str) -> None:
    async def scene(database: DatabaseOptimizer) -> tuple[Any, Any, Any]:
        before, _ = await cached(database, read)
        for statement in write.split("; ") if "$$" not in write else [write]:
            await database.execute_optimized_query(statement)
        after, was_cached = await cached(database, read)
        fresh = await database.execute_optimized_query(read)
        assert not was_cached
        return before, after, fresh

    before, after, fresh = play(scene)
    assert after == fresh
    assert before != after


def test_a_write_to_another_table_forgets_nothing(play: Play) -> None:
    async def scene(database: DatabaseOptimizer) -> list[bool]:
        await cached(database, "SELECT * FROM alone")
        await cached(database, "SELECT * FROM parent")
        found = []
        for write in (
            "INSERT INTO other.alone VALUES (1)",
            "INSERT INTO child VALUES (9, 1, 'x')",
            "SELECT count(*) FROM child",
        ):
            await database.execute_optimized_query(write)
            found.append((await cached(database, "SELECT * FROM alone"))[1])
        found.append((await cached(database, "SELECT * FROM parent"))[1])
        return found

    assert play(scene) == [True, True, True, True]


def test_writes_in_a_transaction_are_told_of_when_it_ends(play: Play) -> None:
    async def scene(database: DatabaseOptimizer) -> list[Any]:
        read, seen = "SELECT a FROM alone WHERE id = 1", []
        await cached(database, read)
        async with database.pool.acquire() as session:
            await session.execute("BEGIN")
            await session.fetch("UPDATE alone SET a = 'committed' WHERE id = 1")
            rows, was_cached = await cached(database, read)
            seen.append((rows[0]["a"], was_cached))
            await session.execute("COMMIT")
            rows, was_cached = await cached(database, read)
            seen.append((rows[0]["a"], was_cached))
        return seen

    assert play(scene) == [("a1", True), ("committed", False)]


def test_what_was_read_before_a_write_is_not_kept_after_it(play: Play) -> None:
    async def scene(database: DatabaseOptimizer) -> tuple[str, str]:
        slow = "SELECT a FROM alone CROSS JOIN (SELECT count(*) FROM generate_series(1, 300000)) AS x WHERE id = 1"
        reading = asyncio.create_task(cached(database, slow))
        await asyncio.sleep(0.1)
        await database.execute_optimized_query("UPDATE alone SET a = 'later' WHERE id = 1")
        rows, _ = await reading
        again, _ = await cached(database, slow)
        return rows[0]["a"], again[0]["a"]

    assert play(scene)[1] == "later"


def test_equal_parameters_of_other_types_are_other_questions(play: Play) -> None:
    async def scene(database: DatabaseOptimizer) -> list[bool]:
        return [(await cached(database, "SELECT %s::float8 AS v", (value,)))[1] for value in (1, True, 1.0, 1)]

    assert play(scene) == [False, False, False, True]


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT %s::numeric AS v", [Decimal("1"), Decimal("1.0"), Decimal("1.00")]),
        ("SELECT %s::float8 AS v", [0.0, -0.0]),
        ("SELECT %s::numeric[] AS v", [[Decimal("1")], [Decimal("1.0")]]),
    ],
)
def test_equal_numbers_that_are_written_otherwise_are_other_questions(play: Play, sql: str, values: list[Any]) -> None:
    async def scene(database: DatabaseOptimizer) -> list[str]:
        return [str((await cached(database, sql, (value,)))[0][0]["v"]) for value in values for _ in range(2)]

    assert play(scene) == [str(value) for value in values for _ in range(2)]


def test_what_a_caller_does_to_an_array_is_his_alone(play: Play) -> None:
    async def scene(database: DatabaseOptimizer) -> list[list[Any]]:
        sql = "SELECT '{1,2}'::int[] AS xs, '{{a},{b}}'::text[] AS ys"
        found = []
        for _ in range(4):
            rows, _ = await cached(database, sql)
            found.append([list(rows[0]["xs"]), list(rows[0]["ys"][0])])
            rows[0]["xs"].append(3)
            rows[0]["ys"][0].clear()
        return found

    assert play(scene) == [[[1, 2], ["a"]]] * 4


def test_a_refused_read_is_an_error_each_time(play: Play) -> None:
    async def scene(database: DatabaseOptimizer) -> None:
        for _ in range(2):
            with pytest.raises(StatementError, match="does not exist"):
                await cached(database, "SELECT * FROM nothing")

    play(scene)


def test_an_answer_ends_with_its_ttl(play: Play) -> None:
    async def scene(database: DatabaseOptimizer) -> list[bool]:
        found = []
        for pause in (0.0, 0.0, 0.3):
            await asyncio.sleep(pause)
            await database.execute_optimized_query("SELECT 1 AS one", use_cache=True, ttl=0.2)
            found.append(database.query_optimizer.executions[-1].was_cached)
        return found

    assert play(scene) == [False, True, False]
