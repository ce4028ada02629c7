"""Sessions, the blocking tree and ending what is in the way, on real servers of both versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from perfctl.db.activity.sessions import Wanted
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.model.activity import Activity, LockTree
from perfctl.errors import PerfctlError
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("activity")]

DATABASE = "busy"


@pytest.fixture(scope="module")
def server(postgres: PostgresServer) -> PostgresServer:
    postgres.sql(f"CREATE DATABASE {DATABASE}")
    postgres.sql("CREATE TABLE trades (id int PRIMARY KEY, price int); INSERT INTO trades VALUES (1, 1), (2, 2)",
                 database=DATABASE)  # fmt: skip
    postgres.sql("CREATE ROLE looker LOGIN", "CREATE ROLE watcher LOGIN IN ROLE pg_monitor")
    return postgres


@asynccontextmanager
async def client(server: PostgresServer, application: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(
        host="127.0.0.1", port=server.port, user="postgres", database=DATABASE,
        server_settings={"application_name": application},
    )  # fmt: skip
    try:
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def asked(server: PostgresServer, username: str = "postgres") -> AsyncIterator[DatabaseOptimizer]:
    async with DatabaseOptimizer(server.config(database=DATABASE, username=username)) as database:
        yield database


async def until(question: Callable[[], Coroutine[Any, Any, Any]], is_so: Callable[[Any], bool]) -> Any:
    """The first answer that is so; the last one where none is within ten seconds."""
    for _ in range(200):
        answer = await question()
        if is_so(answer):
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError(answer)


def test_an_open_transaction_that_does_nothing_is_found(server: PostgresServer) -> None:
    async def scene() -> Activity:
        async with client(server, "sleeper") as sleeper, asked(server) as database:
            await sleeper.execute("BEGIN; SELECT 1 AS sleeps")
            wanted = Wanted(idle_in_transaction=True, application="sleeper")
            found = await until(lambda: database.activity(wanted), lambda answer: answer.total == 1)
            assert (await database.activity(replace(wanted, longer_than_seconds=3600))).rows == ()
            return found  # type: ignore[no-any-return]

    (row,) = asyncio.run(scene()).rows
    assert (row.state, row.username, row.database) == ("idle in transaction", "postgres", DATABASE)
    assert row.transaction_seconds is not None
    assert row.query == "BEGIN; SELECT 1 AS sleeps"


def test_the_tree_says_who_holds_what_and_for_whom(server: PostgresServer) -> None:
    async def scene() -> LockTree:
        async with (
            client(server, "holder") as holder, client(server, "writer") as writer, client(server, "last") as last,
            asked(server) as database,
        ):  # fmt: skip
            await holder.execute("BEGIN; UPDATE trades SET price = 3 WHERE id = 1")
            writing = asyncio.create_task(writer.execute("UPDATE trades SET price = 4 WHERE id = 1"))
            await until(database.locks, lambda tree: tree.waiting == 1)
            locking = asyncio.create_task(last.execute("ALTER TABLE trades ADD COLUMN note text"))
            tree = await until(database.locks, lambda tree: tree.waiting == 2)
            await holder.execute("ROLLBACK")
            await asyncio.gather(writing, locking)
            await last.execute("ALTER TABLE trades DROP COLUMN note")
            return tree  # type: ignore[no-any-return]

    tree = asyncio.run(scene())
    (top,) = tree.rows
    assert (top.session.application, top.session.state, top.waiting, top.waits_for) == (
        "holder", "idle in transaction", 2, None,
    )  # fmt: skip
    (writer,) = top.children
    (last,) = writer.children
    assert writer.waits_for is not None
    assert writer.waits_for.object == "row of public.trades"
    assert last.waits_for is not None
    assert (last.waits_for.object, last.waits_for.mode) == ("table public.trades", "AccessExclusiveLock")
    assert last.waits_for.held_mode == "RowExclusiveLock"
    assert last.also_blocked_by == (top.session.pid,)
    assert tree.longest_wait_seconds is not None


def test_a_prepared_transaction_and_an_advisory_lock_are_named(server: PostgresServer) -> None:
    async def scene() -> str:
        async with client(server, "one") as one, client(server, "two") as two, asked(server) as database:
            await one.execute("SELECT pg_advisory_lock(-7)")
            waiting = asyncio.create_task(two.execute("SELECT pg_advisory_lock(-7)"))
            tree = await until(database.locks, lambda tree: tree.waiting == 1)
            await one.execute("SELECT pg_advisory_unlock_all()")
            await waiting
            return str(tree.rows[0].children[0].waits_for.object)

    assert asyncio.run(scene()) == "advisory lock -7"


def test_a_statement_is_cancelled_and_its_session_lives_on(server: PostgresServer) -> None:
    async def scene() -> tuple[str | None, int]:
        async with client(server, "slowpoke") as slow, asked(server) as database:
            running = asyncio.create_task(slow.execute("SELECT pg_sleep(60)"))
            wanted = Wanted(application="slowpoke")
            found = await until(lambda: database.activity(wanted), lambda answer: answer.total == 1)
            (ended,) = await database.end_sessions(found.rows, "cancel")
            with pytest.raises(asyncpg.QueryCanceledError):
                await running
            return ended.outcome, await slow.fetchval("SELECT 42")

    assert asyncio.run(scene()) == ("ended", 42)


def test_a_session_is_terminated_once(server: PostgresServer) -> None:
    async def scene() -> list[str | None]:
        async with client(server, "victim") as victim, asked(server) as database:
            await victim.execute("BEGIN")
            wanted = Wanted(application="victim")
            found = await until(lambda: database.activity(wanted), lambda answer: answer.total == 1)
            ended = [await database.end_sessions(found.rows, "terminate") for _ in range(2)]
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
                await victim.fetchval("SELECT 1")
            return [rows[0].outcome for rows in ended]

    assert asyncio.run(scene()) == ["ended", "gone before"]


def test_another_session_with_the_same_pid_is_left_alone(server: PostgresServer) -> None:
    async def scene() -> tuple[str | None, int]:
        async with client(server, "innocent") as innocent, asked(server) as database:
            await innocent.execute("BEGIN")
            wanted = Wanted(application="innocent")
            (row,) = (await until(lambda: database.activity(wanted), lambda answer: answer.total == 1)).rows
            earlier = replace(row, backend_start=row.backend_start.replace(year=2001))
            (ended,) = await database.end_sessions([earlier], "terminate")
            return ended.outcome, await innocent.fetchval("SELECT 42")

    assert asyncio.run(scene()) == ("gone before", 42)


def test_a_statement_that_began_since_is_not_cancelled(server: PostgresServer) -> None:
    async def scene() -> tuple[str | None, str]:
        async with client(server, "quick") as quick, asked(server) as database:
            await quick.execute("BEGIN; SELECT 1")
            wanted = Wanted(application="quick")
            (row,) = (await until(lambda: database.activity(wanted), lambda answer: answer.total == 1)).rows
            running = asyncio.create_task(quick.fetchval("SELECT pg_sleep(0.5) || 'done'"))
            await until(lambda: database.activity(wanted), lambda answer: answer.rows[0].state == "active")
            (ended,) = await database.end_sessions([replace(row, state="active")], "cancel")
            return ended.outcome, await running

    assert asyncio.run(scene()) == ("changed before", "done")


def test_a_session_that_runs_nothing_is_not_called_cancelled(server: PostgresServer) -> None:
    async def scene() -> tuple[str | None, bool]:
        async with client(server, "dozing") as dozing, asked(server) as database:
            await dozing.execute("BEGIN; SELECT 1")
            wanted = Wanted(application="dozing")
            (row,) = (await until(lambda: database.activity(wanted), lambda answer: answer.total == 1)).rows
            (ended,) = await database.end_sessions([row], "cancel")
            return ended.outcome, dozing.is_in_transaction()

    assert asyncio.run(scene()) == ("nothing to cancel", True)


def test_a_role_without_rights_sees_who_waits_for_whom_and_takes_nothing_for_zero(server: PostgresServer) -> None:
    async def scene() -> tuple[LockTree, list[Any]]:
        async with (
            client(server, "holder") as holder,
            client(server, "waiter") as waiter,
            asked(server, "looker") as database,
        ):
            await holder.execute("BEGIN; UPDATE trades SET price = 3 WHERE id = 1")
            waiting = asyncio.create_task(waiter.execute("UPDATE trades SET price = 4 WHERE id = 1"))
            tree = await until(database.locks, lambda answer: answer.waiting == 1)
            moments = [moment async for moment in database.watch(interval_seconds=0.1, count=1)]
            await holder.execute("ROLLBACK")
            await waiting
            return tree, moments

    tree, (moment,) = asyncio.run(scene())
    assert (tree.unreadable >= 2, tree.rows[0].session.application) == (True, "holder")
    assert [(child.session.application, child.session.query) for child in tree.rows[0].children] == [("waiter", None)]
    assert (moment.active, moment.waiting, moment.idle_in_transaction) == (None, None, None)


def test_a_role_without_rights_is_told_what_it_cannot_see(server: PostgresServer) -> None:
    async def scene() -> tuple[Activity, Activity, list[str | None]]:
        async with client(server, "private") as private, asked(server, "looker") as database:
            await private.execute("BEGIN; SELECT 1")
            async with asked(server, "watcher") as watching:
                wanted = Wanted(application="private")
                seen = await until(lambda: watching.activity(wanted), lambda answer: answer.total == 1)
            ended = await database.end_sessions(seen.rows, "terminate")
            return seen, await database.activity(Wanted(everything=True)), [row.outcome for row in ended]

    seen, hidden, outcomes = asyncio.run(scene())
    assert seen.unreadable == 0
    assert hidden.unreadable >= 1
    assert all(row.query is None for row in hidden.rows if row.state is None)
    assert outcomes == ["not permitted"]


def test_the_load_is_watched_with_rates(server: PostgresServer) -> None:
    async def scene() -> None:
        async with asked(server) as database, client(server, "loader") as loader:
            moments = []
            async for moment in database.watch(interval_seconds=0.2, count=3):
                moments.append(moment)
                for _ in range(20):
                    await loader.execute("SELECT count(*) FROM trades")
                await loader.execute("SELECT pg_stat_clear_snapshot()")
            assert moments[0].transactions_per_second is None
            assert all(moment.transactions_per_second is not None for moment in moments[1:])
            assert all(moment.connections >= 1 and moment.max_connections == 100 for moment in moments)

    asyncio.run(scene())


def test_a_server_that_is_gone_is_told(server: PostgresServer) -> None:
    async def scene() -> None:
        async with DatabaseOptimizer(server.config(port=1)) as database:
            with pytest.raises(PerfctlError, match="cannot be reached"):
                await database.locks()

    asyncio.run(scene())


def test_a_question_of_ours_leaves_the_session_its_jit(server: PostgresServer) -> None:
    config = server.config(database=DATABASE, min_connections=1, max_connections=1)

    async def scene() -> list[str]:
        async with DatabaseOptimizer(config) as database:
            before = await database.execute_optimized_query("SHOW jit")
            await database.locks()  # the driver looks at the type int[], which it has not met yet
            after = await database.execute_optimized_query("SHOW jit")
            return [rows[0]["jit"] for rows in (before, after)]

    assert asyncio.run(scene()) == ["on", "on"]


def test_what_the_driver_asks_about_types_is_told_as_ours(server: PostgresServer) -> None:
    server.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements", database=DATABASE)

    async def scene() -> list[str]:
        async with asked(server) as database:
            await database.locks()
            return [row.query for row in (await database.slow_queries(limit=None)).rows]

    assert not [query for query in asyncio.run(scene()) if "typeinfo_tree" in query or "set_config" in query]


def test_no_password_of_a_statement_is_shown(server: PostgresServer) -> None:
    secret = "hunter2-is-not-told"

    async def scene() -> tuple[list[str], list[str | None]]:
        async with client(server, "admin") as admin, asked(server) as database:
            await admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            await admin.execute(f"BEGIN; ALTER ROLE looker PASSWORD '{secret}'")
            found = await until(
                lambda: database.activity(Wanted(application="admin")), lambda answer: answer.total == 1
            )
            slow = await database.slow_queries(limit=None)
            return [row.query for row in slow.rows], [row.query for row in found.rows]

    slow, now = asyncio.run(scene())
    assert secret not in str(slow + now)
    assert "PASSWORD '***'" in str(now)
