"""Whatever happens to PostgreSQL: no idempotent read fails, no connection is lost, nobody gets another's answer."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from perfctl.config import DatabaseConfig
from perfctl.db.engine import DatabaseOptimizer
from perfctl.db.postgres import Session, connected
from perfctl.errors import PerfctlError, TimedOutError, UnreachableError
from tests.campaign import SOAKS
from tests.pgbouncer import pgbouncer
from tests.postgres_server import PostgresServer, postgres_server

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

WANTED = 1000 if SOAKS else 100
"""Callers that are cancelled while they are waiting for an answer."""
READ = "SELECT id, note FROM rows WHERE id = %s"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that the tests of this module may restart."""
    with postgres_server(tmp_path_factory.mktemp("faults"), 18, {"max_connections": "60"}) as server:
        server.sql("CREATE TABLE rows AS SELECT i AS id, 'note ' || i AS note FROM generate_series(1, 1000) AS i")
        server.sql("ALTER TABLE rows ADD PRIMARY KEY (id)")
        yield server


@dataclass
class Readers:
    """Callers who read without pause, and what they met."""

    database: DatabaseOptimizer
    pause_seconds: float = 0.002
    answered: int = 0
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    async def read(self, seed: int) -> None:
        dice = random.Random(seed)
        while True:
            number = dice.randint(1, 1000)
            try:
                rows = await self.database.execute_optimized_query(READ, (number,), timeout=60)
            except PerfctlError as error:
                self.failed.append(f"{type(error).__name__}: {error}")
            else:
                self.answered += 1
                if [tuple(row.values()) for row in rows] != [(number, f"note {number}")]:
                    self.wrong.append(f"{number}: {rows}")
            await asyncio.sleep(self.pause_seconds)


@asynccontextmanager
async def reading(config: DatabaseConfig, count: int = 8) -> AsyncIterator[Readers]:
    """Readers while the block runs."""
    async with DatabaseOptimizer(config) as database:
        readers = Readers(database)
        tasks = [asyncio.create_task(readers.read(seed)) for seed in range(count)]
        try:
            yield readers
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _goes_on(readers: Readers) -> None:
    """Wait until every reader is answered again."""
    wanted = readers.answered + 40
    async with asyncio.timeout(60):
        while readers.answered < wanted:
            await asyncio.sleep(0.01)


def _check(readers: Readers) -> None:
    assert readers.failed == []
    assert readers.wrong == []
    assert readers.answered > 40
    statistics = readers.database.pool.statistics()
    assert (statistics.in_use, statistics.waiting) == (0, 0)
    assert statistics.created - statistics.closed <= 20


def play(scene: Callable[[], Awaitable[Readers]]) -> None:
    _check(asyncio.run(scene()))  # type: ignore[arg-type]


def test_reads_go_through_restarts(server: PostgresServer) -> None:
    config = server.config(connect_timeout_seconds=30.0)

    async def scene() -> Readers:
        async with reading(config) as readers:
            for turn in range(20 if SOAKS else 3):
                await _goes_on(readers)
                how = signal.SIGQUIT if turn % 3 == 2 else signal.SIGINT
                await asyncio.to_thread(server.restart, how)
            await _goes_on(readers)
        return readers

    play(scene)


def test_reads_go_through_backends_that_are_terminated(server: PostgresServer) -> None:
    async def scene() -> Readers:
        async with reading(server.config()) as readers, connected(server.config(application_name="killer")) as killer:
            for _ in range(60 if SOAKS else 8):
                await _goes_on(readers)
                await killer.fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'perfctl' ORDER BY random() LIMIT 3"
                )
            await _goes_on(readers)
        assert readers.database.pool.statistics().closed_for.get("broken", 0) > 0
        return readers

    play(scene)


def test_reads_go_through_a_server_whose_connections_are_all_taken(server: PostgresServer) -> None:
    async def scene() -> Readers:
        held = [await Session.open(server.config(application_name="others")) for _ in range(54)]
        async with reading(server.config(min_connections=0), count=20) as readers:
            await _goes_on(readers)
            for session in held:
                await session.close()
            await _goes_on(readers)
        return readers

    play(scene)


def test_reads_behind_a_pgbouncer_in_transaction_mode_never_fail(server: PostgresServer) -> None:
    async def scene(port: int) -> Readers:
        config = server.config(port=port, max_connections=12)
        async with DatabaseOptimizer(config) as database:
            readers = Readers(database)
            texts = [f"SELECT id, note FROM rows WHERE id = %s AND {n} = {n}" for n in range(6)]

            async def ask(number: int) -> None:
                text = texts[number % 6]
                try:
                    rows = await database.execute_optimized_query(text, (number % 1000 + 1,))
                except PerfctlError as error:
                    readers.failed.append(f"{type(error).__name__}: {error}")
                else:
                    readers.answered += 1
                    if [row["id"] for row in rows] != [number % 1000 + 1]:
                        readers.wrong.append(f"{number}: {rows}")

            for start in range(0, 720, 12):
                await asyncio.gather(*(ask(number) for number in range(start, start + 12)))
            assert readers.answered + len(readers.failed) == 720
            assert database.pool.naming.is_pooled
            assert not database.pool.naming.is_on
        return readers

    with pgbouncer(server) as port:
        play(lambda: scene(port))


def test_cancelled_callers_lose_no_connection_and_nobody_gets_their_answer(server: PostgresServer) -> None:
    dice = random.Random(11)
    config = server.config(max_connections=6, min_connections=2)

    async def ask(database: DatabaseOptimizer, number: int) -> None:
        sql = "SELECT %s::int AS n, pg_sleep(%s)"
        rows = await database.execute_optimized_query(sql, (number, dice.choice((0.0, 0.01, 0.1))))
        assert [row["n"] for row in rows] == [number], f"{number} was given {rows}"

    async def scene() -> tuple[int, list[BaseException]]:
        async with DatabaseOptimizer(config) as database:
            odd: list[BaseException] = []
            cancelled = 0
            for start in range(0, 20_000, 20):
                if cancelled >= WANTED:
                    break
                tasks = [asyncio.create_task(ask(database, start + number)) for number in range(30)]
                for task in tasks[:20]:
                    await asyncio.sleep(dice.random() * 0.004)
                    cancelled += task.cancel()
                found = await asyncio.gather(*tasks, return_exceptions=True)
                odd += [each for each in found if each is not None and not isinstance(each, asyncio.CancelledError)]
            async with asyncio.timeout(30):
                while database.pool.statistics().in_use or (statistics := database.pool.statistics()).connecting:
                    await asyncio.sleep(0.01)
                await asyncio.gather(*(ask(database, 5000 + number) for number in range(12)))
            statistics = database.pool.statistics()
            assert statistics.created - statistics.closed <= 6
            assert (statistics.in_use, statistics.waiting) == (0, 0)
            return cancelled, odd

    cancelled, odd = asyncio.run(scene())
    assert odd == []
    assert cancelled >= WANTED


def test_a_time_out_leaves_nothing_running_on_the_server(server: PostgresServer) -> None:
    config = server.config(application_name="stopper")

    async def scene() -> list[str]:
        async with DatabaseOptimizer(config) as database, connected(server.config(application_name="looker")) as looker:
            for _ in range(3):
                with pytest.raises(TimedOutError):
                    await database.execute_optimized_query("SELECT pg_sleep(60)", timeout=0.1)
            for _ in range(200):
                rows = await looker.fetch(
                    "SELECT query FROM pg_stat_activity WHERE application_name = 'stopper' AND state <> 'idle'"
                )
                if not rows:
                    break
                await asyncio.sleep(0.05)
            return [row["query"] for row in rows]

    assert asyncio.run(scene()) == []


def test_a_server_that_is_gone_is_an_error_at_once_and_found_again(server: PostgresServer) -> None:
    config = server.config(connect_timeout_seconds=0.5)

    async def scene() -> list[str]:
        said = []
        async with DatabaseOptimizer(config) as database:
            await database.execute_optimized_query(READ, (1,))
            server.stop()
            for _ in range(3):
                with pytest.raises(UnreachableError) as caught:
                    await database.execute_optimized_query(READ, (1,))
                said.append(type(caught.value).__name__)
            server.start()
            for _ in range(100):
                with suppress(UnreachableError):
                    await database.execute_optimized_query(READ, (1,))
                    break
                await asyncio.sleep(0.05)
            assert len(await database.execute_optimized_query(READ, (1,))) == 1
        return said

    assert asyncio.run(scene()) == ["NoConnectionError"] * 3
