"""Slow queries counted, sampled and recorded on real servers of both versions, through resets, evictions, restarts."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.postgres import Session, connected
from perfctl.db.statements.counted import counted_for
from perfctl.db.statements.history.recording import record
from perfctl.db.statements.history.window import listed, pruned, slow_since
from perfctl.db.statements.order import Wanted
from perfctl.db.statements.sources import Look
from perfctl.errors import ServiceError, UsageError
from tests.postgres_server import PostgresServer, postgres_server

pytestmark = pytest.mark.servers

DATABASE = "slow_sources"
DAY = 86_400.0
Answer = TypeVar("Answer")


@pytest.fixture(scope="module")
def trading(postgres: PostgresServer) -> Iterator[DatabaseConfig]:
    """A database with a hundred orders."""
    postgres.sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE}")
    postgres.sql(
        "CREATE EXTENSION pg_stat_statements",
        "CREATE TABLE orders AS SELECT i AS id, i % 7 AS side FROM generate_series(1, 100) AS i",
        "CREATE ROLE slow_reader LOGIN",
        database=DATABASE,
    )
    yield postgres.config(database=DATABASE)
    postgres.sql(f"DROP DATABASE {DATABASE} WITH (FORCE)", "DROP ROLE slow_reader")


@pytest.fixture
def fresh(trading: DatabaseConfig, postgres: PostgresServer) -> DatabaseConfig:
    """The same, with nothing counted."""
    postgres.sql("SELECT pg_stat_statements_reset()", database=DATABASE)
    return trading


def asked(
    config: DatabaseConfig, question: Callable[[DatabaseOptimizer, Session], Awaitable[Answer]], name: str = "app"
) -> Answer:
    """Ask an engine, with a session of the application at hand."""

    async def answered() -> Answer:
        async with DatabaseOptimizer(config) as database, connected(config) as session:
            await session.execute(f"SET application_name = '{name}'")
            return await question(database, session)

    return asyncio.run(answered())


def slow(config: DatabaseConfig, *, source: str = "auto", **wanted: object) -> SlowQueries:
    async def question(database: DatabaseOptimizer, _session: Session) -> SlowQueries:
        return await database.slow(Wanted(**wanted), Look(source=source))  # type: ignore[arg-type]

    return asked(config, question)


def row_of(answer: SlowQueries, part: str) -> SlowQuery:
    return next(row for row in answer.rows if part in row.query)


def meanwhile(config: DatabaseConfig, *statements: str) -> SlowQueries:
    """What two readings tell of statements that run between them."""

    async def question(_database: DatabaseOptimizer, session: Session) -> SlowQueries:
        async def run(_seconds: float) -> None:
            for statement in statements:
                await session.execute(statement)

        async with connected(config) as reader:
            return await counted_for(reader, Wanted(), seconds=0.0, sleep=run)

    return asked(config, question)


def sampled_while(config: DatabaseConfig, statement: str, **wanted: object) -> SlowQueries:
    """A live sample of a second in which a statement runs."""

    async def question(database: DatabaseOptimizer, session: Session) -> SlowQueries:
        running = asyncio.ensure_future(session.execute(statement))
        answer = await database.slow(Wanted(**wanted), Look(source="live", for_seconds=1.0))  # type: ignore[arg-type]
        await running
        return answer

    return asked(config, question)


def test_only_what_is_done_in_the_next_seconds_is_counted_by_two_readings(fresh: DatabaseConfig) -> None:
    asked(fresh, lambda _, session: session.execute("SELECT count(*) FROM orders WHERE id < 5"))
    answer = meanwhile(fresh, *["SELECT count(*) FROM orders WHERE id < 7"] * 3, "SELECT pg_sleep(0.05)")
    assert row_of(answer, "orders").calls == 3
    assert row_of(answer, "pg_sleep").total_ms >= 50
    assert answer.window_seconds is not None
    assert 0.05 <= answer.window_seconds < 60
    assert answer.notes == ()


def test_a_reset_in_between_is_told_and_what_follows_is_counted(
    fresh: DatabaseConfig, postgres: PostgresServer
) -> None:
    asked(fresh, lambda _, session: session.execute("SELECT count(*) FROM orders WHERE id < 5"))
    answer = meanwhile(fresh, "SELECT pg_stat_statements_reset()", *["SELECT count(*) FROM orders WHERE id < 7"] * 2)
    assert row_of(answer, "orders").calls == 2
    assert "pg_stat_statements was reset at" in answer.notes[0]


def test_one_shape_that_was_reset_is_told(fresh: DatabaseConfig) -> None:
    statement = "SELECT count(*) FROM orders WHERE id < 5"
    asked(fresh, lambda _, session: _repeated(session, statement, 5))
    reset = "SELECT pg_stat_statements_reset(0, 0, queryid) FROM pg_stat_statements WHERE query LIKE '%FROM orders%'"
    answer = meanwhile(fresh, reset, statement)
    assert row_of(answer, "FROM orders WHERE").calls == 1
    assert answer.notes == ("1 shape was reset or evicted in between: what they did before that is lost",)


async def _repeated(session: Session, statement: str, times: int) -> None:
    for _ in range(times):
        await session.execute(statement)


@pytest.fixture(scope="module")
def small(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that counts a hundred shapes, with those that functions run."""
    settings = {"pg_stat_statements.max": "100", "pg_stat_statements.track": "all"}
    with postgres_server(tmp_path_factory.mktemp("small"), postgres.version, settings) as server:
        server.sql("CREATE EXTENSION pg_stat_statements")
        yield server


def test_evictions_are_told(small: PostgresServer) -> None:
    many = [f"SELECT 1 AS a WHERE {' AND '.join(['1 = 1'] * count)}" for count in range(1, 150)]
    answer = meanwhile(small.config(), *many)
    assert answer.evicted
    assert any("the server's table of 100 shapes was full" in note for note in answer.notes)
    assert any("was full" in note for note in slow(small.config()).notes)


def test_what_a_function_runs_is_kept_apart(small: PostgresServer) -> None:
    small.sql(
        "CREATE OR REPLACE FUNCTION inner_one() RETURNS bigint LANGUAGE plpgsql AS"
        " 'BEGIN RETURN (SELECT count(*) FROM pg_class WHERE relpages > 3); END'",
        "SELECT pg_stat_statements_reset()",
        "SELECT inner_one()",
    )
    answer = slow(small.config())
    assert row_of(answer, "SELECT inner_one()").toplevel is True
    assert row_of(answer, "relpages").toplevel is False


def test_a_server_that_was_restarted_says_so_in_the_history(small: PostgresServer, tmp_path: Path) -> None:
    file = tmp_path / "h.sqlite"

    async def recorded() -> tuple[str, ...]:
        async with connected(small.config()) as session:
            return (await record(session, file)).events

    assert asyncio.run(recorded()) == ()
    small.sql("SELECT 17 AS before")
    small.restart()
    small.sql("SELECT 17 AS after, 18")
    events = asyncio.run(recorded())
    assert "the server was restarted at" in events[0]
    answer = slow_since(file, Wanted(), since=0.0)
    assert row_of(answer, "AS before").calls == row_of(answer, "AS after").calls == 1
    assert answer.notes[-1] == events[0]


def test_a_role_without_the_right_is_told_what_it_does_not_see(fresh: DatabaseConfig, postgres: PostgresServer) -> None:
    postgres.sql("SELECT count(*) FROM orders", database=DATABASE)
    reader = dataclasses.replace(fresh, username="slow_reader")
    answer = slow(reader)
    assert answer.unreadable >= 1
    assert answer.unreadable_ms is not None
    assert 'cannot be seen: GRANT pg_read_all_stats TO "slow_reader";' in answer.notes[-1]
    postgres.sql("GRANT pg_read_all_stats TO slow_reader")
    answer = slow(reader)
    assert (answer.unreadable, answer.notes) == (0, ())
    assert row_of(answer, "orders").username == "postgres"


def test_databases_and_roles_are_told_apart(fresh: DatabaseConfig, postgres: PostgresServer) -> None:
    postgres.sql("SELECT 'elsewhere' AS elsewhere")
    postgres.sql("GRANT SELECT ON orders TO slow_reader", database=DATABASE)
    reader = dataclasses.replace(fresh, username="slow_reader")
    asked(reader, lambda _, session: session.execute("SELECT count(*) FROM orders WHERE side = 3"))
    assert "elsewhere" not in str(slow(fresh).rows)
    assert row_of(slow(fresh, all_databases=True), "elsewhere").database == "postgres"
    assert {row.database for row in slow(fresh, database="postgres").rows} == {"postgres"}
    assert [row.query for row in slow(fresh, user="slow_reader").rows] == [
        "SELECT count(*) FROM orders WHERE side = $1"
    ]


def test_nothing_that_perfctl_asks_is_shown(fresh: DatabaseConfig) -> None:
    for _ in range(2):
        answer = slow(fresh, limit=None, all_databases=True)
    assert [row.query for row in answer.rows if "perfctl" in row.query or "SET" in row.query] == []


def test_shares_are_of_everything_that_was_looked_at(fresh: DatabaseConfig) -> None:
    asked(fresh, lambda _, session: session.execute("SELECT pg_sleep(0.05)"))
    answer = slow(fresh, exclude=("pg_sleep",))
    assert answer.total_ms >= 50
    assert all(row.share < 0.9 for row in answer.rows)
    assert slow(fresh, min_mean_ms=40.0).total == 1


def test_no_percentile_is_made_of_a_mean(fresh: DatabaseConfig) -> None:
    with pytest.raises(UsageError, match="keeps mean and standard deviation alone") as caught:
        slow(fresh, by="p95")
    assert caught.value.hint == "it is known to --source logs or recorder"


def test_a_live_sample_shows_what_runs_with_its_values(fresh: DatabaseConfig) -> None:
    answer = sampled_while(fresh, "SELECT pg_sleep(3)")
    row = row_of(answer, "pg_sleep")
    assert (row.calls, row.application, row.database, row.username) == (1, "app", DATABASE, "postgres")
    assert row.samples == ("SELECT pg_sleep(3)",)
    assert "looks at pg_stat_activity" in (answer.method or "")
    counted = row_of(slow(fresh), "pg_sleep")
    assert (row.fingerprint, row.queryid) == (counted.fingerprint, counted.queryid)


def test_another_application_is_left_out_of_a_sample(fresh: DatabaseConfig) -> None:
    assert sampled_while(fresh, "SELECT pg_sleep(1.5)", application="other").rows == ()


def test_the_recorder_knows_percentiles_failures_and_what_the_cache_answered(fresh: DatabaseConfig) -> None:
    async def question(database: DatabaseOptimizer, _session: Session) -> SlowQueries:
        for number in range(20):
            await database.execute_optimized_query("SELECT count(*) FROM orders WHERE id < %s", (number,))
        with pytest.raises(ServiceError):
            await database.execute_optimized_query("SELECT 1 / 0")
        return await database.slow(Wanted(by="p95"), Look(source="recorder"))

    answer = asked(fresh, question)
    row = row_of(answer, "orders")
    assert (row.calls, row.failed, row_of(answer, "1 / 0").failed) == (20, 0, 1)
    assert row.p95_ms is not None
    assert row.p95_ms <= (row.max_ms or 0.0)


def history(config: DatabaseConfig, file: Path, days: list[list[str]], *, keep_days: float = 30.0) -> list[int]:
    """One recording a simulated day, the statements of each run before it; how many were removed at each."""

    async def recorded() -> list[int]:
        removed = []
        async with connected(config) as session, connected(config) as app:
            for day, statements in enumerate(days):
                for statement in statements:
                    await app.execute(statement)
                done = await record(session, file, keep_seconds=keep_days * DAY, clock=lambda day=day: day * DAY)
                removed.append(done.pruned)
        return removed

    return asyncio.run(recorded())


COUNT = "SELECT count(*) FROM orders WHERE id < {}"


def test_a_history_says_what_was_done_in_which_days(fresh: DatabaseConfig, tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    days = [[COUNT.format(day)] * day for day in range(1, 8)]
    history(fresh, file, days)
    answer = slow_since(file, Wanted(), since=3.5 * DAY)
    row = row_of(answer, "orders")
    assert row.calls == 5 + 6 + 7
    assert row.fingerprint == row_of(slow(fresh), "orders").fingerprint
    assert (answer.database, answer.source) == (DATABASE, "history")
    assert row_of(slow_since(file, Wanted(), since=0.5 * DAY, until=1.5 * DAY), "orders").calls == 2 + 3
    assert [entry.calls >= day for day, entry in zip(range(7, 1, -1), listed(file, limit=None).rows, strict=False)] == [
        True
    ] * 6


def test_what_is_too_old_goes_with_its_texts(fresh: DatabaseConfig, tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    days = [["SELECT 'once' AS seldom"], ["SELECT 'twice' AS seldom, 2"], *[["SELECT 1"]] * 8]
    removed = history(fresh, file, days, keep_days=3.0)
    assert sum(removed) >= 4
    assert all(entry.at.timestamp() >= 4 * DAY for entry in listed(file, limit=None).rows)
    with_texts = listed(file, limit=None).texts
    asyncio.run(_reset(fresh))
    history(fresh, file, [[]], keep_days=3.0)
    assert pruned(file, before=100 * DAY).removed >= 3
    assert listed(file, limit=None).texts < with_texts


async def _reset(config: DatabaseConfig) -> None:
    async with connected(config) as session:
        await session.execute("SELECT pg_stat_statements_reset()")


def test_a_reset_costs_the_history_what_was_before_it_and_no_more(fresh: DatabaseConfig, tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    lost, kept = [COUNT.format(1)] * 9, [COUNT.format(1)] * 4
    history(fresh, file, [[], [*lost, "SELECT pg_stat_statements_reset()", *kept], [COUNT.format(1)]])
    answer = slow_since(file, Wanted(), since=0.0)
    assert row_of(answer, "orders").calls == 4 + 1
    assert any("pg_stat_statements was reset at" in note for note in answer.notes)


def test_recorders_at_the_same_time_count_nothing_twice(fresh: DatabaseConfig, tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"

    async def recorded() -> list[bool]:
        async with connected(fresh) as one, connected(fresh) as two, connected(fresh) as app:
            said = [(await record(one, file)).recorded]
            for _ in range(10):
                await app.execute(COUNT.format(3))
                both = await asyncio.gather(record(one, file), record(two, file))
                said += [done.recorded for done in both]
            return said

    assert asyncio.run(recorded()).count(True) >= 11
    assert row_of(slow_since(file, Wanted(), since=0.0), "orders").calls == 10


def test_stats_tell_transactions_and_how_tables_are_read(fresh: DatabaseConfig) -> None:
    async def question(database: DatabaseOptimizer, session: Session) -> None:
        for _ in range(5):
            await session.execute("SELECT count(*) FROM orders WHERE id < 9")
        answer = await database.stats(queries=Wanted())
        row = answer.rows[0]
        assert row.database == DATABASE
        assert row.calls is not None
        assert row.calls >= 5
        assert row_of_queries(answer.queries, "orders").calls == 5
        assert answer.process.in_use == 1
        assert answer.notes == ()
        every = await database.stats(all_databases=True)
        assert {counts.database for counts in every.rows} >= {DATABASE, "postgres"}
        assert every.rows[0].database == DATABASE
        assert all(counts.index_scans is not None for counts in every.rows)
        window = await database.stats(for_seconds=0.2)
        assert window.window_seconds is not None
        assert 0.2 <= window.window_seconds < 60

    asked(fresh, question)


def row_of_queries(rows: tuple[SlowQuery, ...], part: str) -> SlowQuery:
    return next(row for row in rows if part in row.query)
